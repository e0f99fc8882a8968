import { Observable } from 'rxjs';
import { assertFunction, assertMethods, assertOneOf, assertOptions } from '../errors/assert-argument';
import { isTrimmed } from '../errors/position-trimmed-error';
import { derivedIterator } from '../journal/derived-iterator';
import type { Position, Positioned } from '../journal/position';
import { Queue } from '../journal/queue';
import type { Scrivener } from '../journal/scrivener';
import { Bookmark } from './bookmark';
import type { BookmarkStore } from './bookmark-store';
import { eachInTurn } from './each-in-turn';

/** How a journal is consumed. */
export interface ConsumeOptions {
  /**
   * What to do about entries that the journal has retired before they were handled, for example with `retain`: `'error'`, or `'skip'` them
   * and continue with the oldest entry kept. A new consumer of such a journal needs `'skip'`. @default 'error'
   */
  readonly retired?: 'error' | 'skip';
}

const OPTIONS: Record<keyof ConsumeOptions, true> = { retired: true };

/**
 * Handles a journal's records in order, one at a time, starting after the bookmark, and emits each position when it is handled and the bookmark covers it.
 *
 * At least once: the bookmark is saved after a record is handled, and never ahead of what the journal has flushed, so entries that a crash removes
 * are handled again. Handling waits for neither. Pulls: unhandled entries stay in the journal.
 *
 * Only one subscription per store runs at a time; the next one waits for its end. When unsubscribed, it finishes the current record and saves
 * the bookmark. Completes with the journal. Errors with the journal, the bookmarks and `handle` (whose record is then not bookmarked), in
 * each case after the earlier records are saved; with {@link BookmarkAheadError} if the journal ends before the bookmark, and with
 * {@link PositionTrimmedError} if it no longer keeps the next entry (see `retired`). If flushing fails, it continues handling, emits nothing
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
  options: ConsumeOptions = {},
): Observable<Position> {
  assertMethods('scrivener', scrivener, ['tail']);
  assertMethods('bookmarks', bookmarks, ['load', 'save']);
  assertFunction('handle', handle);
  assertOptions('consume', options, OPTIONS);
  const { retired = 'error' } = options;
  assertOneOf('retired', retired, ['error', 'skip']);
  return new Observable((subscriber) => {
    const bookmark = new Bookmark(scrivener, bookmarks);
    let handling: Promise<void> | undefined;
    const unsaved = new Queue<Position>();

    const step = async (record: Positioned<T>) => {
      await handle(record);
      unsaved.push(record.position);
      bookmark.moveTo(record.position);
    };
    const run = async () => {
      const after = await bookmark.begin();
      if (subscriber.closed) return;
      const records = retired === 'skip' ? keptAfter(scrivener, after) : scrivener.tail(after);
      const handled = eachInTurn(records, (record) => (handling = step(record)));
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
          for (let next = unsaved.peek(); next !== undefined && next <= saved; next = unsaved.peek()) {
            unsaved.shift();
            subscriber.next(next);
          }
        },
        error: (error: unknown) => subscriber.error(error),
      }),
    );
    subscriber.add(() => {
      const end = () => bookmark.end();
      // If `handle` unsubscribes, `handling` is assigned when it returns.
      Promise.resolve()
        .then(() => handling)
        .then(end, end)
        .catch(() => undefined); // nobody is subscribed any longer
    });
    run().catch((error: unknown) => subscriber.error(error));
  });
}

/** A tail that continues with the oldest entry kept if the next one was retired. */
function keptAfter<T>(scrivener: Scrivener<T>, after: Position): AsyncIterable<Positioned<T>> {
  const open = (from: Position) => scrivener.tail(from)[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () =>
      derivedIterator(
        open(after),
        (record) => record,
        (error) => {
          if (!isTrimmed(error)) throw error;
          return open(error.first - 1);
        },
      ),
  };
}
