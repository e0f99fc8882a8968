import { NEVER, timer, type OperatorFunction, type SchedulerLike } from 'rxjs';
import { MAX_DELAY_MS } from './wait-limits';

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
  if (ms !== Infinity && !(ms >= 0 && ms <= MAX_DELAY_MS)) {
    throw new RangeError(`Expected \`ms\` to be 0 to ${MAX_DELAY_MS} or Infinity, got ${String(ms)}`);
  }
  return () => (ms === Infinity ? NEVER : timer(ms, scheduler));
}
