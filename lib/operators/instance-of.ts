import { assertFunction } from '../errors/assert-argument';
/**
 * A type guard for entries that are instances of a class.
 *
 * @example
 * ```ts
 * const { entry } = await scrivener.waitFor(START, instanceOf(Answer)); // Answer
 * ```
 */
export function instanceOf<C>(
  constructor: abstract new (...args: never[]) => C,
): (entry: unknown) => entry is NoInfer<C> {
  assertFunction('constructor', constructor);
  return (entry): entry is NoInfer<C> => entry instanceof constructor;
}
