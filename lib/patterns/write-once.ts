import { filter, firstValueFrom, map, takeWhile } from 'rxjs';
import { PositionConflictError } from '../errors/position-conflict-error';
import { START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/** The end of the newest call on each journal: callers of one process take turns, rather than each lose to all the others. */
const turns = new WeakMap<object, Promise<unknown>>();

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
export function writeOnce<T>(
  scrivener: Scrivener<T>,
  entry: T,
  isDuplicate: (entry: T) => boolean,
): Promise<{ position: Position; written: boolean }> {
  const before = turns.get(scrivener);
  const compareAndAppend = async () => {
    await before;
    for (let seen = START; ;) {
      let head = seen;
      const duplicate = await firstValueFrom(
        scrivener.readBackward().pipe(
          takeWhile(({ position }) => position > seen + 1, true),
          filter((record) => {
            head = Math.max(head, record.position);
            return record.position > seen && isDuplicate(record.entry);
          }),
          map(({ position }) => position),
        ),
        { defaultValue: undefined },
      );
      if (duplicate !== undefined) return { position: duplicate, written: false };
      try {
        return { position: await scrivener.write(entry, { expect: head }), written: true };
      } catch (error) {
        if (!(error instanceof PositionConflictError)) throw error;
        seen = head;
      }
    }
  };
  const turn = compareAndAppend();
  turns.set(
    scrivener,
    turn.catch(() => undefined),
  );
  return turn;
}
