import { filter, type OperatorFunction } from 'rxjs';

/**
 * A flush predicate that cuts a batch as soon as it holds `count` entries.
 *
 * @param count - an integer >= 1
 * @throws RangeError when it is anything else
 * @example
 * ```ts
 * new FlusherDaemon({ scrivener, sink, predicate: countThreshold(500) });
 * ```
 */
export function countThreshold(count: number): OperatorFunction<readonly unknown[], unknown> {
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw new RangeError(`Expected \`count\` to be an integer >= 1, got ${String(count)}`);
  }
  return filter((batch) => batch.length >= count);
}
