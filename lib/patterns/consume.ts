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
   * What to do about entries that the journal has retired before they were handled, as one does that keeps its newest alone: `'error'`, or `'skip'` them
   * and continue with the oldest entry kept. A new consumer of such a journal needs `'skip'`. @default 'error'
   */
  readonly retired?: 'error' | 'skip';
}

const OPTIONS: Record<keyof ConsumeOptions, true> = { retired: true };

/**
 * Handles a journal's records in order, one at a time, from the bookmark on, and emits each position when it is handled and the bookmark covers it.
 *
 * At least once: the bookmark is saved after a record was handled, and never ahead of what the journal has flushed, so what a crash takes back
 * is handled again. Handling waits for neither. Pulls: what is not handled yet stays in the journal.
 *
 * One subscription for a store works at a time; the next one waits until that has ended. Unsubscribed, it finishes the record under way and saves
 * the bookmark first. Completes with the journal; errors with the journal, the bookmarks and `handle`, whose record is not bookmarked then, in
 * each case after what was handled before is saved; with {@link BookmarkAheadError} when the journal ends before the bookmark, and with
 * {@link PositionTrimmedError} when it no longer keeps the next entry (see `retired`). When flushing fails, it continues handling, emits nothing
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
      Promise.resolve(handling)
        .then(end, end)
        .catch(() => undefined); // nobody is left to tell
    });
    run().catch((error: unknown) => subscriber.error(error));
  });
}

/** A tail that continues with the oldest entry kept where the next one was retired. */
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
