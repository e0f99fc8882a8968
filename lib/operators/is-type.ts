import { assertText } from '../errors/assert-argument';

/** The member of the union `E` whose `type` is `K`. */
export type OfType<E, K> = E extends { type: infer X }
  ? [X] extends [K]
    ? E
    : K extends X
      ? E & { type: K }
      : never
  : never;

/**
 * A type guard for entries that carry one of the given `type`s; narrows in `filter`, `waitFor` and `ask` with no type argument.
 *
 * @throws TypeError for a type that is not a string: it would match nothing
 * @example
 * ```ts
 * const { entry } = await scrivener.waitFor(START, isType('Asked', 'Answered')); // Asked | Answered
 * ```
 */
export function isType<E extends { type: string }, K extends E['type']>(
  ...types: K[]
): (entry: E) => entry is NoInfer<OfType<E, K>> {
  types.forEach((type, index) => assertText(`types[${index}]`, type));
  return (entry): entry is NoInfer<OfType<E, K>> => (types as string[]).includes(entry.type);
}
