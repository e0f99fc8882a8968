import { filter, pipe, take, throwIfEmpty, type OperatorFunction } from 'rxjs';
import { assertFunction } from '../errors/assert-argument';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { Positioned } from '../journal/position';
import type { WaitOptions } from '../journal/scrivener';
import { waitLimits } from './wait-limits';

/**
 * Emits the first record whose entry matches, and completes; the operator that {@link Scrivener.waitFor} uses.
 *
 * Errors with RxJS's `TimeoutError` after `timeout`, with the signal's reason on abort, with {@link JournalClosedError} when the
 * source completes first, and with what `match` throws.
 *
 * @throws RangeError for a `timeout` that is neither 0 to 2^31-1 nor `Infinity`, TypeError when `match` is no function
 * @example
 * ```ts
 * scrivener.tail(asked).pipe(waitFor(isType('Answered'), { timeout: 5_000 })).subscribe(show);
 * ```
 */
export function waitFor<T, U extends T>(
  match: (entry: T) => entry is U,
  options?: WaitOptions,
): OperatorFunction<Positioned<T>, Positioned<U>>;
export function waitFor<T>(
  match: (entry: T) => boolean,
  options?: WaitOptions,
): OperatorFunction<Positioned<T>, Positioned<T>>;
export function waitFor<T>(
  match: (entry: T) => boolean,
  options?: WaitOptions,
): OperatorFunction<Positioned<T>, Positioned<T>> {
  return firstThat(match, options, '');
}

/** The same; a timeout's error names `where`. */
export function firstThat<T>(
  match: (entry: T) => boolean,
  options: WaitOptions | undefined,
  where: string,
): OperatorFunction<Positioned<T>, Positioned<T>> {
  assertFunction('match', match);
  return pipe(
    filter(({ entry }) => match(entry)),
    take(1),
    throwIfEmpty(() => new JournalClosedError()),
    waitLimits(options, `an entry${where} that matches`),
  );
}
