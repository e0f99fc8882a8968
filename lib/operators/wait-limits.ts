import { identity, pipe, takeUntil, timeout, type MonoTypeOperatorFunction } from 'rxjs';
import { assertDelayMs } from '../errors/assert-argument';
import { aborted } from '../journal/abort';
import type { WaitOptions } from '../journal/scrivener';

/** Errors with `TimeoutError` when the first value takes longer than `timeout`, and with the signal's reason when it is aborted. */
export function waitLimits<V>({ timeout: first = Infinity, signal }: WaitOptions = {}): MonoTypeOperatorFunction<V> {
  assertDelayMs('timeout', first);
  return pipe(
    first === Infinity ? identity : timeout({ first }),
    signal === undefined ? identity : takeUntil(aborted(signal)),
  );
}
