import { defaultIfEmpty, filter, firstValueFrom, map, takeWhile, tap } from 'rxjs';
import { PositionConflictError } from '../errors/position-conflict-error';
import { START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/**
 * Writes an entry unless the journal holds a duplicate; of any number of callers at once, in any process, one writes.
 *
 * Resolves with the position of the entry, or of the newest duplicate. Compares and appends: when another entry came first, only what is new is
 * looked at. Rejects with {@link PositionTrimmedError} on a journal that dropped its oldest entries, where a duplicate may have been.
 *
 * @example
 * ```ts
 * const { position, written } = await writeOnce(scrivener, order, (entry) => entry.id === order.id);
 * ```
 */
export async function writeOnce<T>(
  scrivener: Scrivener<T>,
  entry: T,
  isDuplicate: (entry: T) => boolean,
): Promise<{ position: Position; written: boolean }> {
  for (let seen = START; ;) {
    let head = seen;
    const duplicate = await firstValueFrom(
      scrivener.readBackward().pipe(
        takeWhile(({ position }) => position > seen + 1, true),
        filter(({ position }) => position > seen),
        tap(({ position }) => (head = Math.max(head, position))),
        filter((record) => isDuplicate(record.entry)),
        map(({ position }) => position),
        defaultIfEmpty(undefined),
      ),
    );
    if (duplicate !== undefined) return { position: duplicate, written: false };
    try {
      return { position: await scrivener.write(entry, { expect: head }), written: true };
    } catch (error) {
      if (!(error instanceof PositionConflictError)) throw error;
      seen = head;
    }
  }
}
