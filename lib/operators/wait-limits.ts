import { identity, pipe, takeUntil, timeout, TimeoutError, type MonoTypeOperatorFunction } from 'rxjs';
import { assertDelayMs } from '../errors/assert-argument';
import { assertWaitOptions } from '../journal/assert-options';
import { aborted } from '../journal/abort';
import type { WaitOptions } from '../journal/scrivener';

/**
 * Errors with `TimeoutError` when the first value takes longer than `timeout`, and with the signal's reason when it is aborted.
 *
 * @param what - what is waited for, as the error calls it
 */
export function waitLimits<V>(options: WaitOptions = {}, what: string): MonoTypeOperatorFunction<V> {
  assertWaitOptions(options);
  const { timeout: first = Infinity, signal } = options;
  assertDelayMs('timeout', first);
  return pipe(
    first === Infinity
      ? identity
      : timeout({
          first,
          with: (info) => {
            // eslint-disable-next-line @typescript-eslint/no-deprecated -- RxJS's own error, with a message that says what was waited for
            throw Object.assign(new TimeoutError(info), { message: `Waited ${first} ms for ${what}` });
          },
        }),
    signal === undefined ? identity : takeUntil(aborted(signal)),
  );
}
