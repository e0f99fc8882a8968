import { filter, type OperatorFunction } from 'rxjs';
import { assertCount } from '../errors/assert-argument';

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
  assertCount('count', count);
  return filter((batch) => batch.length >= count);
}
