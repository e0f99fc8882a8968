import { Observable } from 'rxjs';
import type { Position, Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { Bookmark } from './bookmark';
import type { BookmarkStore } from './bookmark-store';
import { eachInTurn } from './each-in-turn';

/**
 * Handles a journal's records in order, one at a time, from the bookmark on, and emits each position when it is handled and the bookmark covers it.
 *
 * At least once: the bookmark is saved after a record was handled, and never ahead of what the journal has flushed, so what a crash takes back
 * is handled again. Handling waits for neither. Pulls: what is not handled yet stays in the journal.
 *
 * One subscription for a store works at a time; the next one waits until that has ended. Unsubscribed, it finishes the record under way and saves
 * the bookmark first. Completes with the journal; errors with the journal, the bookmarks and `handle`, whose record is not bookmarked then, in
 * each case after what was handled before is saved; with {@link BookmarkAheadError} when the journal ends before the bookmark, and with
 * {@link PositionTrimmedError} when it no longer keeps the entry after the bookmark. When flushing fails, it goes on handling, emits nothing
 * more, and errors at the journal's end.
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
  return new Observable((subscriber) => {
    const bookmark = new Bookmark(scrivener, bookmarks);
    let handling: Promise<void> | undefined;
    let emitted: Position;

    const step = async (record: Positioned<T>) => {
      await handle(record);
      bookmark.moveTo(record.position);
    };
    const run = async () => {
      emitted = await bookmark.begin();
      if (subscriber.closed) return;
      const handled = eachInTurn(scrivener.tail(emitted), (record) => (handling = step(record)));
      subscriber.add(
        handled.subscribe({
          error: (error: unknown) => {
            const fail = () => subscriber.error(error);
            bookmark.end().then(fail, fail);
          },
          complete: () => {
            bookmark.end().then(
              () => subscriber.complete(),
              (error: unknown) => subscriber.error(error),
            );
          },
        }),
      );
    };

    subscriber.add(
      bookmark.saved$.subscribe({
        next: (saved) => {
          while (emitted < saved && !subscriber.closed) subscriber.next(++emitted);
        },
        error: (error: unknown) => subscriber.error(error),
      }),
    );
    subscriber.add(() => {
      const end = () => bookmark.end();
      Promise.resolve(handling)
        .then(end, end)
        .catch(() => undefined); // nobody is left to tell
    });
    run().catch((error: unknown) => subscriber.error(error));
  });
}
