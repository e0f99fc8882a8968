import { catchError, EMPTY, filter, lastValueFrom, take, toArray } from 'rxjs';
import { assertFunction, assertMethods } from '../errors/assert-argument';
import { isTrimmed } from '../errors/position-trimmed-error';
import { assertPosition, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/**
 * Resolves with the last `count` records, or with the last that match, oldest first; with fewer if the journal holds fewer. A type guard narrows their type.
 *
 * @param count - a safe integer >= 0; anything else rejects with `RangeError`
 * @param match - only records whose entry matches; the journal is read until `count` of them are found
 * @example
 * ```ts
 * for (const { position, entry } of await lastEntries(scrivener, 10)) show(position, entry);
 * const said = await lastEntries(scrivener, 20, isType('Said'));
 * ```
 */
export function lastEntries<T, U extends T = T>(
  scrivener: Scrivener<T>,
  count: number,
  match?: (entry: T) => entry is U,
): Promise<Positioned<U>[]>;
export function lastEntries<T>(
  scrivener: Scrivener<T>,
  count: number,
  match: (entry: T) => boolean,
): Promise<Positioned<T>[]>;
export async function lastEntries<T>(
  scrivener: Scrivener<T>,
  count: number,
  match: (entry: T) => boolean = () => true,
): Promise<Positioned<T>[]> {
  assertMethods('scrivener', scrivener, ['readBackward']);
  assertPosition('count', count);
  assertFunction('match', match);
  const newestFirst = await lastValueFrom(
    scrivener.readBackward().pipe(
      filter(({ entry }) => match(entry)),
      take(count),
      catchError((error: unknown) => {
        if (isTrimmed(error)) return EMPTY;
        throw error;
      }),
      toArray(),
    ),
  );
  return newestFirst.reverse();
}
