import { onAbort } from '../../journal/abort';
import type { Position, Positioned } from '../../journal/position';
import { Attempt } from './attempt';
import type { Connection } from './connection';
import type { Decode } from './remote-page';
import { remoteTail, type TailPage, type TailStart } from './remote-tail';
import { SharedTail } from './shared-tail';
import type { TabFeed } from './tab-feed';
import { tabTail } from './tab-tail';
import { TailReader } from './tail-reader';

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
    const reader = new TailReader<T>(after);
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

  #join(reader: TailReader<T>, isReplaying: boolean): void {
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
  async #askHead(reader: TailReader<T>, signal: AbortSignal): Promise<void> {
    try {
      reader.caughtUpAt = await this.#connection.retryUntilSettled(() => this.#connection.askHead(signal), signal);
      reader.wake();
    } catch (error) {
      reader.finish({ error });
    }
  }
}
