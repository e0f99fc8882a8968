import { catchError, EMPTY, filter, firstValueFrom, map, takeWhile } from 'rxjs';
import { assertFunction, assertMethods, assertOptions } from '../errors/assert-argument';
import { isConflict } from '../errors/position-conflict-error';
import { isTrimmed } from '../errors/position-trimmed-error';
import { inTurn } from '../journal/in-turn';
import { assertPosition, START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';

/** Where {@link writeOnce} looks. */
export interface WriteOnceOptions {
  /** Look for duplicates after this position alone. @default START */
  readonly after?: Position;
}

const OPTIONS: Record<keyof WriteOnceOptions, true> = { after: true };

/**
 * Writes an entry unless the journal holds a duplicate; of any number of concurrent callers, in any process, only one writes.
 *
 * Resolves with the position of the entry, or of the newest duplicate. Compares and appends: if another entry came first, it checks only the new entries.
 * Callers in one process take turns. Rejects with {@link PositionTrimmedError} if the journal no longer keeps entries among which
 * a duplicate may have been.
 *
 * With `after`, a long journal is not read completely, and a journal that retires entries can be used.
 * @example
 * ```ts
 * const { position, written } = await writeOnce(scrivener, order, (entry) => entry.id === order.id);
 * ```
 */
export async function writeOnce<T>(
  scrivener: Scrivener<T>,
  entry: T,
  isDuplicate: (entry: T) => boolean,
  options: WriteOnceOptions = {},
): Promise<{ position: Position; written: boolean }> {
  assertMethods('scrivener', scrivener, ['write', 'readBackward']);
  assertFunction('isDuplicate', isDuplicate);
  assertOptions('writeOnce', options, OPTIONS);
  const { after = START } = options;
  assertPosition('after', after);
  return inTurn(scrivener, async () => {
    for (let seen = after; ;) {
      let head = START;
      const duplicate = await firstValueFrom(
        scrivener.readBackward().pipe(
          catchError((error: unknown) => {
            if (!isTrimmed(error) || error.first > seen + 1) throw error;
            head ||= error.requested; // nothing is kept, and nothing is missed
            return EMPTY;
          }),
          takeWhile(({ position }) => position > seen + 1, true),
          filter((record) => {
            head ||= record.position;
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
        if (!isConflict(error)) throw error;
        seen = Math.max(seen, head);
      }
    }
  });
}
