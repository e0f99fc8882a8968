import { assertReadOptions, assertTailOptions } from '../../journal/assert-options';
import { forwardAbort } from '../../journal/abort';
import { push, TailCursor } from '../../journal/cursor';
import { firstMatch } from '../../journal/first-match';
import { JournalStream } from '../../journal/journal-stream';
import type { LiveReader, Log } from '../../journal/log';
import { assertPosition, END, type Position, type Positioned } from '../../journal/position';
import { PullIterator, type Wakeups } from '../../journal/pull-iterator';
import { matching, tailFrom } from '../../journal/read-from';
import { reportUnhandled } from '../../journal/report-unhandled';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions } from '../../journal/scrivener';
import { TailSubscriber } from '../../journal/tail-subscriber';
import { StoredBackwardCursor, StoredTailCursor, type StoredCursor, type StoredPages } from './stored-cursor';

/** Reads a journal whose newest entries are in memory and whose earlier ones are only on the disk. */
export class StoredJournal<T> implements Pick<Scrivener<T>, 'tail' | 'readBackward' | 'waitFor'> {
  readonly #log: Log<T>;
  readonly #store: StoredPages<T>;

  constructor(log: Log<T>, store: StoredPages<T>) {
    this.#log = log;
    this.#store = store;
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options: TailOptions<T> = {}): JournalStream<T> {
    assertTailOptions(options);
    return tailFrom(after, options.match, (from) => this.#tail(from, options));
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before: Position = END, options: ReadOptions<T> = {}): JournalStream<T> {
    assertPosition('before', before);
    assertReadOptions(options);
    return matching(this.#readBackward(before, options.signal), options.match);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return firstMatch(this, after, match, options);
  }

  #tail(after: Position, { signal, caughtUp }: TailOptions<T>): JournalStream<T> {
    const log = this.#log;
    const open = () => new StoredTailCursor(log, this.#store, new TailCursor(log, after, caughtUp));
    return new JournalStream(
      (subscriber) => {
        forwardAbort(signal, subscriber);
        const cursor = open();
        const resume = () => {
          if (subscriber.closed) return;
          if (!cursor.isStored) {
            new TailSubscriber(cursor.live, subscriber).start();
            return;
          }
          cursor
            .fetch()
            .then(() => {
              push(cursor, subscriber);
              resume();
            })
            .catch(reportUnhandled); // what a teardown throws
        };
        resume();
      },
      () => {
        const cursor = open();
        let reader: LiveReader<T> | undefined;
        const live: Wakeups = {
          join: (pull) => log.join((reader = { take: pull, end: pull })),
          leave: () => {
            if (reader) log.leave(reader);
          },
        };
        return new PullIterator(cursor, signal, wakeups(cursor, live));
      },
    );
  }

  #readBackward(before: Position, signal: AbortSignal | undefined): JournalStream<T> {
    const open = () => new StoredBackwardCursor(this.#log, this.#store, before);
    return new JournalStream(
      (subscriber) => {
        forwardAbort(signal, subscriber);
        const cursor = open();
        const resume = () => {
          push(cursor, subscriber);
          if (!subscriber.closed) cursor.fetch().then(resume).catch(reportUnhandled);
        };
        resume();
      },
      () => {
        const cursor = open();
        return new PullIterator(cursor, signal, wakeups(cursor));
      },
    );
  }
}

/** Wakes an iterator when a page has been read or, if the cursor has reached memory, when `live` does. */
function wakeups(cursor: StoredCursor<unknown>, live?: Wakeups): Wakeups {
  let waits = false;
  let wakes = false;
  const wake = async (pull: () => void) => {
    wakes = true;
    while (waits && cursor.isStored) {
      await cursor.fetch();
      pull();
    }
    wakes = false;
    if (waits) live?.join(pull);
  };
  return {
    join: (pull) => {
      waits = true;
      if (!wakes) void wake(pull);
    },
    leave: () => {
      waits = false;
      live?.leave();
    },
  };
}
