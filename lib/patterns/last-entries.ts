import { catchError, EMPTY, lastValueFrom, take, toArray } from 'rxjs';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import { assertPosition, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/**
 * Resolves with the last `count` records, oldest first; with fewer where the journal holds fewer.
 *
 * @param count - a safe integer >= 0; anything else rejects with `RangeError`
 * @example
 * ```ts
 * for (const { position, entry } of await lastEntries(scrivener, 10)) show(position, entry);
 * ```
 */
export async function lastEntries<T>(scrivener: Scrivener<T>, count: number): Promise<Positioned<T>[]> {
  assertPosition('count', count);
  const newestFirst = await lastValueFrom(
    scrivener.readBackward().pipe(
      take(count),
      catchError((error: unknown) => {
        if (error instanceof PositionTrimmedError) return EMPTY;
        throw error;
      }),
      toArray(),
    ),
  );
  return newestFirst.reverse();
}
