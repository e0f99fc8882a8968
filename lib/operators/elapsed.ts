import { NEVER, timer, type OperatorFunction, type SchedulerLike } from 'rxjs';
import { assertDelayMs, assertMethods } from '../errors/assert-argument';

/**
 * A flush predicate that cuts a batch `ms` milliseconds after its first entry, whether or not another arrives.
 *
 * @param ms - 0 to 2^31-1; `Infinity`: never
 * @param scheduler - default: RxJS's `asyncScheduler`
 * @throws RangeError when `ms` is anything else
 * @example
 * ```ts
 * new FlusherDaemon({ scrivener, sink, predicate: anyOf(countThreshold(100), elapsed(1_000)) });
 * ```
 */
export function elapsed(ms: number, scheduler?: SchedulerLike): OperatorFunction<readonly unknown[], unknown> {
  assertDelayMs('ms', ms);
  if (scheduler !== undefined) assertMethods('scheduler', scheduler, ['schedule', 'now']);
  return () => (ms === Infinity ? NEVER : timer(ms, scheduler));
}
