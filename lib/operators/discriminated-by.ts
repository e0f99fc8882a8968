import { assertText } from '../errors/assert-argument';

/** The member of the union `E` whose `D` is `K`. */
export type Discriminated<E, D extends string, K> =
  E extends Record<D, infer X> ? ([X] extends [K] ? E : K extends X ? E & Record<D, K> : never) : never;

/**
 * Makes an {@link isType} for a union that is discriminated by a member other than `type`.
 *
 * @param key - the member: `kind`, `event`, `$type`
 * @throws TypeError for a key, or a value, that is not a string: it would match nothing
 * @example
 * ```ts
 * const isKind = discriminatedBy('kind');
 * const { entry } = await scrivener.waitFor(START, isKind('Asked', 'Answered')); // Asked | Answered
 * ```
 */
export function discriminatedBy<D extends string>(key: D) {
  assertText('key', key);
  return <E extends Record<D, string>, K extends E[D]>(
    ...values: K[]
  ): ((entry: E) => entry is NoInfer<Discriminated<E, D, K>>) => {
    values.forEach((value, index) => assertText(`values[${index}]`, value));
    return (entry): entry is NoInfer<Discriminated<E, D, K>> => (values as string[]).includes(entry[key]);
  };
}
