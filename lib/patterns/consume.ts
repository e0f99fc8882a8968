import { defer, switchMap, type Observable } from 'rxjs';
import type { Position, Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { loadBookmark, type BookmarkStore } from './bookmark-store';
import { eachInTurn } from './each-in-turn';

/**
 * Handles a journal's records in order, one at a time, from the bookmark on, and emits each position once it is handled and saved.
 *
 * At least once: a record is bookmarked after it was handled, so a crash in between has it handled again. Pulls: what is not handled yet
 * stays in the journal. Completes with the journal; errors with the journal, the bookmarks and `handle`, whose record is not bookmarked then.
 * A record under way when it is unsubscribed is finished and bookmarked.
 *
 * @example
 * ```ts
 * consume(scrivener, bookmarks, ({ entry }) => mail(entry)).subscribe({ error: restartLater });
 * ```
 */
export function consume<T>(
  scrivener: Scrivener<T>,
  bookmarks: BookmarkStore,
  handle: (record: Positioned<T>) => void | Promise<void>,
): Observable<Position> {
  return defer(() => loadBookmark(bookmarks)).pipe(
    switchMap((after) =>
      eachInTurn(scrivener.tail(after), async (record) => {
        await handle(record);
        await bookmarks.save(record.position);
        return record.position;
      }),
    ),
  );
}
