import { identity, pipe, takeUntil, timeout, type MonoTypeOperatorFunction } from 'rxjs';
import { assertDelayMs } from '../errors/assert-argument';
import { assertWaitOptions } from '../journal/assert-options';
import { aborted } from '../journal/abort';
import type { WaitOptions } from '../journal/scrivener';

/** Errors with `TimeoutError` when the first value takes longer than `timeout`, and with the signal's reason when it is aborted. */
export function waitLimits<V>(options: WaitOptions = {}): MonoTypeOperatorFunction<V> {
  assertWaitOptions(options);
  const { timeout: first = Infinity, signal } = options;
  assertDelayMs('timeout', first);
  return pipe(
    first === Infinity ? identity : timeout({ first }),
    signal === undefined ? identity : takeUntil(aborted(signal)),
  );
}
