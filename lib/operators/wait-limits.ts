import { identity, pipe, takeUntil, timeout, type MonoTypeOperatorFunction } from 'rxjs';
import { aborted } from '../journal/abort';
import type { WaitOptions } from '../journal/scrivener';

/** The longest that timers count, in milliseconds; past it they fire at once. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Errors with `TimeoutError` when the first value takes longer than `timeout`, and with the signal's reason when it is aborted. */
export function waitLimits<V>({ timeout: first = Infinity, signal }: WaitOptions = {}): MonoTypeOperatorFunction<V> {
  if (first !== Infinity && !(first >= 0 && first <= MAX_DELAY_MS)) {
    throw new RangeError(`Expected \`timeout\` to be 0 to ${MAX_DELAY_MS} ms or Infinity, got ${String(first)}`);
  }
  return pipe(
    first === Infinity ? identity : timeout({ first }),
    signal === undefined ? identity : takeUntil(aborted(signal)),
  );
}
