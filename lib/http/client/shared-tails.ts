import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { onAbort } from '../../journal/abort';
import type { Position, Positioned } from '../../journal/position';
import { Attempt } from './attempt';
import type { Connection } from './connection';
import type { Decode } from './remote-page';
import { remoteTail, type TailPage, type TailStart } from './remote-tail';
import { SeenTexts } from '../seen';
import type { TabFeed } from './tab-feed';
import { tabTail } from './tab-tail';

/** How much of the newest entries a connection keeps for readers that join, and how far a reader may lag: in entries and in characters. */
const MAX_ENTRIES = 1_000;
const MAX_LENGTH = 1024 * 1024;

/** Pages of a tail, oldest first, and their size. */
class Pages<T> {
  readonly all: TailPage<T>[] = [];
  #entries = 0;
  #length = 0;

  get isFull(): boolean {
    return this.#entries > MAX_ENTRIES || this.#length > MAX_LENGTH;
  }

  push(page: TailPage<T>): void {
    this.all.push(page);
    this.#count(page, 1);
  }

  shift(): TailPage<T> | undefined {
    const page = this.all.shift();
    if (page) this.#count(page, -1);
    return page;
  }

  #count({ texts }: TailPage<T>, sign: 1 | -1): void {
    this.#entries += sign * texts.length;
    this.#length += sign * texts.reduce((length, text) => length + text.length, 0);
  }
}

/** A reader, with the entries that have arrived and that it has not read yet. */
class Reader<T> {
  readonly seen = new SeenTexts();
  readonly pages = new Pages<T>();
  tail: SharedTail<T> | undefined;
  /** The last position received. */
  end: Position;
  /** Where replay ends, if that is known. */
  caughtUpAt: Position | undefined;
  /** Called when it joins the connection of other readers. */
  joined: (() => void) | undefined;
  /** Whether it has read everything received, and waits for more. */
  isAsking = false;
  /** How the tail ended, reported after everything received is read. */
  outcome: { readonly error: unknown } | 'ended' | undefined;
  #newest: string | undefined;
  #wake: (() => void) | undefined;

  constructor(after: Position) {
    this.end = after;
  }

  /** Takes the entries of a page that are new to it. */
  take({ records, texts }: TailPage<T>): void {
    const first = records[0]!.position;
    const from = Math.max(0, this.end + 1 - first);
    const repeated = texts[this.end - first];
    if (this.#newest !== undefined && repeated !== undefined && repeated !== this.#newest) {
      const reason = `position ${this.end} holds another entry than the one that was read`;
      this.finish({ error: new JournalMismatchError(reason) });
    } else if (from < records.length) {
      this.pages.push({ records: records.slice(from), texts: texts.slice(from) });
      this.end = records.at(-1)!.position;
      this.#newest = texts.at(-1);
    }
    this.wake();
  }

  finish(outcome: NonNullable<Reader<T>['outcome']>): void {
    this.tail?.leave(this);
    this.outcome = outcome;
    this.wake();
  }

  /** Whether there is nothing to read or to report. */
  get isWaiting(): boolean {
    return this.pages.all.length === 0 && this.outcome === undefined;
  }

  wake(): void {
    this.#wake?.();
  }

  woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

/** One connection, read at the pace of its fastest reader. */
class SharedTail<T> {
  readonly readers = new Set<Reader<T>>();
  readonly #stop = new AbortController();
  readonly #newest = new Pages<T>();
  /** The last position received. */
  last: Position;
  #resume: (() => void) | undefined;

  constructor(
    after: Position,
    readonly end: (tail: SharedTail<T>) => void,
  ) {
    this.last = after;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Whether it has, or will have soon, the entries after a position. */
  serves(after: Position): boolean {
    const [oldest] = this.#newest.all;
    return after >= (oldest ? oldest.records[0]!.position - 1 : this.last) && after <= this.last + MAX_ENTRIES;
  }

  begin(reader: Reader<T>): void {
    reader.tail = this;
    this.readers.add(reader);
  }

  join(reader: Reader<T>): void {
    reader.tail?.leave(reader);
    this.begin(reader);
    reader.joined?.();
    for (const page of this.#newest.all) {
      if (reader.tail === this && page.records.at(-1)!.position >= reader.end) reader.take(page);
    }
    this.resume();
  }

  leave(reader: Reader<T>): void {
    reader.tail = undefined;
    this.readers.delete(reader);
    if (this.readers.size === 0) this.#close();
    this.resume();
  }

  /** Called when a reader has read everything received. */
  resume(): void {
    this.#resume?.();
  }

  /** @param others - the tails whose readers can continue here when this one reaches their positions */
  async run(pages: AsyncIterator<TailPage<T>>, others: () => Iterable<SharedTail<T>>): Promise<void> {
    try {
      while (await this.#whenAsked()) {
        const next = await pages.next();
        if (next.done) {
          this.#finish('ended');
          return;
        }
        this.#distribute(next.value);
        for (const other of others()) {
          if (other === this || other.last > this.last || !this.serves(other.last)) continue;
          for (const reader of [...other.readers]) this.join(reader);
        }
      }
    } catch (error) {
      this.#finish({ error });
    } finally {
      this.#close();
      pages.return?.().catch(() => undefined);
    }
  }

  #distribute(page: TailPage<T>): void {
    this.last = page.records.at(-1)!.position;
    this.#newest.push(page);
    while (this.#newest.isFull && this.#newest.all.length > 1) this.#newest.shift();
    for (const reader of [...this.readers]) {
      reader.take(page);
      // It gets a connection of its own after it has read what it holds.
      if (reader.pages.isFull && this.readers.size > 1) this.leave(reader);
    }
  }

  #finish(outcome: NonNullable<Reader<T>['outcome']>): void {
    for (const reader of [...this.readers]) {
      // A reader that is further ahead may succeed on its own.
      if (outcome !== 'ended' && reader.end > this.last) {
        this.leave(reader);
        reader.wake();
      } else reader.finish(outcome);
    }
  }

  async #whenAsked(): Promise<boolean> {
    const isAsked = () => [...this.readers].some(({ isAsking, isWaiting }) => isAsking && isWaiting);
    while (!this.signal.aborted && !isAsked()) await new Promise<void>((resolve) => (this.#resume = resolve));
    return !this.signal.aborted;
  }

  #close(): void {
    this.#stop.abort();
    this.end(this);
  }
}

/**
 * The tails of a journal, on as few connections as possible. A reader that starts where a connection is, or up to 1,000 entries (1 MiB) before, shares it; one that starts
 * earlier has its own connection until it gets there. A reader that falls behind by that much gets its own again.
 */
export class SharedTails<T> {
  readonly #connection: Connection;
  readonly #open: (start: TailStart, signal: AbortSignal) => AsyncGenerator<TailPage<T>, unknown>;
  readonly #tails = new Set<SharedTail<T>>();

  /** @param feed - the source of new entries that tabs share, if they do */
  constructor(connection: Connection, decode: Decode<T>, feed: TabFeed | undefined) {
    this.#connection = connection;
    this.#open = (start, signal) =>
      feed ? tabTail(connection, decode, start, feed, signal) : remoteTail(connection, decode, start, signal);
  }

  /** The entries after a position, a page at a time; ends with the journal, and when the signal is aborted. */
  async *read(
    after: Position,
    signal: AbortSignal,
    caughtUp: ((position: Position) => void) | undefined,
  ): AsyncGenerator<readonly Positioned<T>[], void> {
    const reader = new Reader<T>(after);
    let last = after;
    let unreported = caughtUp;
    const isLeft = () => signal.aborted;
    const reportCaughtUp = (position: Position) => {
      const report = unreported;
      unreported = undefined;
      report?.(position);
    };
    // Ends with the read, whatever ends that.
    const reading = new Attempt(signal);
    reader.joined = () => {
      if (unreported && reader.caughtUpAt === undefined) void this.#askHead(reader, reading.signal);
    };
    // Also if nobody requests the next page any longer.
    const unlisten = onAbort(signal, () => {
      reader.tail?.leave(reader);
      reader.wake();
    });
    try {
      while (!signal.aborted) {
        const { caughtUpAt = Infinity } = reader;
        // Later entries may have arrived before that position was known.
        if (unreported && last >= caughtUpAt) {
          reportCaughtUp(last > after ? last : caughtUpAt);
          // The callback may end the read.
          continue;
        }
        const page = reader.pages.shift();
        if (page) {
          for (const text of page.texts) reader.seen.note(text);
          const live = unreported ? page.records.findIndex(({ position }) => position > caughtUpAt) : -1;
          if (live > 0) yield page.records.slice(0, live);
          if (isLeft()) return;
          if (live >= 0) reportCaughtUp(caughtUpAt);
          if (isLeft()) return;
          last = page.records.at(-1)!.position;
          yield live > 0 ? page.records.slice(live) : page.records;
          continue;
        }
        if (reader.outcome === 'ended') {
          reportCaughtUp(Math.max(this.#connection.head, last));
          return;
        }
        if (reader.outcome) throw reader.outcome.error;
        const woken = reader.woken();
        reader.isAsking = true;
        if (reader.tail) reader.tail.resume();
        else this.#join(reader, unreported !== undefined && reader.caughtUpAt === undefined);
        if (reader.isWaiting) await woken;
        reader.isAsking = false;
      }
    } finally {
      unlisten();
      reading.end();
      reader.tail?.leave(reader);
    }
  }

  #join(reader: Reader<T>, isReplaying: boolean): void {
    const found = [...this.#tails].filter((tail) => tail.serves(reader.end)).sort((a, b) => b.last - a.last)[0];
    if (found) {
      found.join(reader);
      this.#connection.endPauses();
      return;
    }
    const tail = new SharedTail<T>(reader.end, (ended) => this.#tails.delete(ended));
    this.#tails.add(tail);
    tail.begin(reader);
    const reached = (position: Position) => {
      reader.caughtUpAt = position;
      reader.wake();
    };
    const start = { after: reader.end, seen: reader.seen.copy(), caughtUp: isReplaying ? reached : undefined };
    void tail.run(this.#open(start, tail.signal), () => this.#tails);
  }

  /** For a reader that has joined live readers, replay ends at the journal's current end. */
  async #askHead(reader: Reader<T>, signal: AbortSignal): Promise<void> {
    try {
      reader.caughtUpAt = await this.#connection.retryUntilSettled(() => this.#connection.askHead(signal), signal);
      reader.wake();
    } catch (error) {
      reader.finish({ error });
    }
  }
}
