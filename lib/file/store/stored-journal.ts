import { assertReadOptions, assertTailOptions } from '../../journal/assert-options';
import { forwardAbort } from '../../journal/abort';
import { ENDED, PENDING, push, TailCursor, type Cursor } from '../../journal/cursor';
import { firstMatch } from '../../journal/first-match';
import { JournalStream } from '../../journal/journal-stream';
import type { LiveReader, Log } from '../../journal/log';
import { assertPosition, END, START, type Position, type Positioned } from '../../journal/position';
import { PullIterator, type Wakeups } from '../../journal/pull-iterator';
import { matching, tailFrom } from '../../journal/read-from';
import { reportUnhandled } from '../../journal/report-unhandled';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions } from '../../journal/scrivener';
import { TailSubscriber } from '../../journal/tail-subscriber';
import type { JournalStore } from './journal-store';

/** The part of a journal that is on the disk. */
type Store<T> = Pick<JournalStore<T>, 'readAfter' | 'readBefore' | 'last'>;

/** Reads a journal whose newest entries are in memory and whose earlier ones are only on the disk. */
export class StoredJournal<T> implements Pick<Scrivener<T>, 'tail' | 'readBackward' | 'waitFor'> {
  readonly #log: Log<T>;
  readonly #store: Store<T>;

  constructor(log: Log<T>, store: Store<T>) {
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

/** A cursor that reads entries in memory, and holds one page of those on the disk. */
abstract class StoredCursor<T> implements Cursor<Positioned<T>> {
  #page: readonly Positioned<T>[] = [];
  #index = 0;
  #failure: { readonly error: unknown } | undefined;
  #fetching: Promise<void> | undefined;

  read(): Positioned<T> | typeof PENDING | typeof ENDED {
    const record = this.#page[this.#index];
    if (record !== undefined) {
      this.#index++;
      this.moveTo(record.position);
      return record;
    }
    if (this.#failure) throw this.#failure.error;
    if (this.isStored) return PENDING;
    this.#page = [];
    return this.readMemory();
  }

  /** Whether the next entry is only on the disk. */
  abstract get isStored(): boolean;

  /** Reads the next page; `read` throws the error if that fails. */
  fetch(): Promise<void> {
    return (this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined)));
  }

  protected abstract moveTo(position: Position): void;
  protected abstract readMemory(): Positioned<T> | typeof PENDING | typeof ENDED;
  protected abstract nextPage(): Promise<readonly Positioned<T>[]>;

  async #fetch(): Promise<void> {
    if (this.#index < this.#page.length) return;
    try {
      this.#page = await this.nextPage();
    } catch (error) {
      this.#failure = { error };
      this.#page = [];
    }
    this.#index = 0;
  }
}

class StoredTailCursor<T> extends StoredCursor<T> {
  readonly #log: Log<T>;
  readonly #store: Store<T>;
  /** The next page, read ahead while the current one is used; only from the second page on, because many readers need no more than one. */
  #ahead: { readonly after: Position; readonly page: Promise<readonly Positioned<T>[]> } | undefined;
  #hasRead = false;

  constructor(
    log: Log<T>,
    store: Store<T>,
    /** Continues reading in memory. */
    readonly live: TailCursor<T>,
  ) {
    super();
    this.#log = log;
    this.#store = store;
  }

  get isStored(): boolean {
    return this.live.after < this.#log.head && this.live.after + 1 < this.#log.first;
  }

  protected moveTo(position: Position): void {
    this.live.after = position;
  }

  protected readMemory() {
    return this.live.read();
  }

  protected async nextPage(): Promise<readonly Positioned<T>[]> {
    const { after } = this.live;
    const ahead = this.#ahead?.after === after ? this.#ahead.page : undefined;
    const page = await (ahead ?? this.#store.readAfter(after));
    const last = page.at(-1)?.position;
    if (last === undefined && this.isStored) throw new Error(`The file ends with position ${this.#store.last}`);
    this.#ahead = undefined;
    if (last !== undefined && last + 1 < this.#log.first && this.#hasRead) {
      this.#ahead = { after: last, page: this.#store.readAfter(last) };
      this.#ahead.page.catch(() => undefined); // told when it is its turn
    }
    this.#hasRead = true;
    return page;
  }
}

class StoredBackwardCursor<T> extends StoredCursor<T> {
  readonly #log: Log<T>;
  readonly #store: Store<T>;
  #before: Position;

  constructor(log: Log<T>, store: Store<T>, before: Position) {
    super();
    this.#log = log;
    this.#store = store;
    this.#before = Math.min(before, log.head + 1);
  }

  get isStored(): boolean {
    return this.#before > START + 1 && this.#before - 1 < this.#log.first;
  }

  protected moveTo(position: Position): void {
    this.#before = position;
  }

  protected readMemory() {
    if (this.#before <= START + 1) return ENDED;
    const record = this.#log.read(this.#before - 1);
    this.#before = record.position;
    return record;
  }

  protected async nextPage(): Promise<readonly Positioned<T>[]> {
    return [...(await this.#store.readBefore(this.#before))].reverse();
  }
}
