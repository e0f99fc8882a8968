import { BehaviorSubject, concatMap, defer, range, startWith, type Observable } from 'rxjs';
import type { Reading } from '../flush/validate-entry';
import { Attempt } from '../http/client/attempt';
import { Connection } from '../http/client/connection';
import { encodeEntry } from '../http/client/encode-entry';
import { RemoteScrivener } from '../http/client/remote-scrivener';
import { RemoteWriter } from '../http/client/remote-writer';
import { assertWriteOptions } from '../journal/assert-options';
import { assertPosition, START, type Position } from '../journal/position';
import type { WriteOptions } from '../journal/scrivener';
import { watchHeads } from './heads';
import { GROUP_TYPE } from './holder';

/** Nobody resolves it. */
const ORIGIN = 'http://journal.invalid';
/** The longest pause before the holder is asked again: it is near, and may be gone, and then a guest is to take over. */
const LONGEST_PAUSE_MS = 500;
/** How long a write is retried while nobody answers. */
const RETRY_MS = 30_000;

/** Writes and reads through the holder: the process that has the file at the time. */
export class Guest<T> {
  readonly reads: RemoteScrivener<T>;
  readonly #connection: Connection;
  readonly #reading: Reading<T>;
  /** Queues the writes in the order of the calls. */
  readonly #writer: RemoteWriter;
  readonly #heads$ = new BehaviorSubject<Position>(START);
  readonly #left = new AbortController();

  /** @param ask - sends a request to the holder */
  constructor(ask: typeof fetch, { schema, upgrade }: Reading<T>) {
    const reading = { ...(schema && { schema }), ...(upgrade && { upgrade }) };
    this.#reading = reading;
    const connection = new Connection({
      url: new URL(ORIGIN),
      headers: () => ({}),
      fetch: ask,
      longestPauseMs: LONGEST_PAUSE_MS,
    });
    const writer = new RemoteWriter(connection, RETRY_MS);
    this.#connection = connection;
    this.#writer = writer;
    this.reads = new RemoteScrivener({ connection, writer, reading, feed: undefined });
  }

  /** Resolves with whether the holder answers in time, which may still be reading the file; if so, keeps up with it. */
  async arrives(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    const attempt = new Attempt(signal);
    attempt.allow(ms);
    try {
      await this.#connection.json({ method: 'HEAD', signal: attempt.signal });
    } catch {
      return false;
    } finally {
      attempt.end();
    }
    this.#heads$.next(this.reads.head);
    // Keeps `head` up to date and notices when the holder ends, even if this process cannot read the entries.
    void watchHeads(this.#connection, (head) => this.#noteHead(head), this.#left.signal);
    return true;
  }

  /** `head`, then each further position, in order; completes when this guest is closed. */
  get head$(): Observable<Position> {
    return defer(() => {
      let last = this.reads.head;
      const further = (head: Position) => {
        const after = last;
        last = Math.max(last, head);
        return range(after + 1, last - after);
      };
      return this.#heads$.pipe(concatMap(further), startWith(last));
    });
  }

  /** Whether a write is pending. */
  get isWriting(): boolean {
    return this.#writer.isWriting;
  }

  write(entry: T, options?: WriteOptions): Promise<Position> {
    return this.reads.write(entry, options);
  }

  /** {@link Guest.write} for several entries as one. */
  async writeAll(entries: readonly T[], options: WriteOptions = {}): Promise<Position[]> {
    assertWriteOptions(options);
    const { expect, signal } = options;
    // Serialized now, so that later changes have no effect, and errors come at once.
    const all = entries.map((entry) => encodeEntry(this.#reading, entry));
    if (expect !== undefined) assertPosition('expect', expect);
    signal?.throwIfAborted();
    const json = `{"entries":[${all.join(',')}]${expect === undefined ? '' : `,"expect":${expect}`}}`;
    const last = await this.#writer.write(json, { signal, group: { type: GROUP_TYPE, count: all.length } });
    return all.map((_, index) => last - all.length + 1 + index);
  }

  /** Completes the tails, and waits for pending writes. */
  close(): Promise<void> {
    this.#left.abort();
    this.#heads$.complete();
    return this.reads.close();
  }

  #noteHead(head: Position): void {
    this.#connection.noteHead(head);
    this.#heads$.next(head);
  }
}
