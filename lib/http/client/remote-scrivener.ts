import { Subject, type Observable } from 'rxjs';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { readEntry, type Reading } from '../../flush/validate-entry';
import { assertReadOptions, assertTailOptions, assertWriteOptions } from '../../journal/assert-options';
import type { ConnectionStatus } from '../../journal/connection-status';
import { firstMatch } from '../../journal/first-match';
import { headOf } from '../../journal/head-of';
import type { JournalStream } from '../../journal/journal-stream';
import { pagedStream, type OpenPages } from '../../journal/paged-stream';
import { assertPosition, END, type Position, type Positioned } from '../../journal/position';
import { matching, tailFrom } from '../../journal/read-from';
import type {
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from '../../journal/scrivener';
import { untilClosed } from '../../journal/until-closed';
import type { Connection } from './connection';
import { encodeEntry } from './encode-entry';
import type { RemoteScrivenerConfig } from './open-remote-scrivener';
import { remotePages, type Decode } from './remote-page';
import { SharedTails } from './shared-tails';
import type { RemoteWriter } from './remote-writer';
import type { TabFeed } from './tab-feed';

/** The parts from which {@link openRemoteScrivener} builds a scrivener. */
export interface RemoteScrivenerParts<T> {
  readonly connection: Connection;
  readonly writer: RemoteWriter;
  readonly reading: Pick<RemoteScrivenerConfig<T>, 'schema' | 'upgrade'>;
  readonly feed: TabFeed | undefined;
}

/**
 * A journal that another process serves with {@link journalHandler}, opened with {@link openRemoteScrivener}; in browsers and in Node.
 *
 * Reads survive failures of the network and the server: they reconnect and continue after the last entry received.
 */
export class RemoteScrivener<in out T> implements Scrivener<T>, AsyncDisposable {
  readonly #connection: Connection;
  readonly #writer: RemoteWriter;
  readonly #reading: Reading<T>;
  readonly #tails: SharedTails<T>;
  readonly #closed$ = new Subject<void>();
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor({ connection, writer, reading, feed }: RemoteScrivenerParts<T>) {
    this.#connection = connection;
    this.#writer = writer;
    this.#reading = reading;
    this.#tails = new SharedTails(connection, this.#decode, feed);
  }

  /**
   * The newest position that this process knows, {@link START} if none: from the opening, its writes and its reads. It does not ask the server what
   * others have written since.
   */
  get head(): Position {
    return this.#connection.head;
  }

  /**
   * The oldest position kept, as far as this process knows: from the server's newest answer, 1 if that does not say. It does not ask the server what
   * was dropped since.
   */
  get first(): Position {
    return this.#connection.first;
  }

  /** `head`, then each further position, in order, as it arrives from the server; completes when this scrivener is closed. */
  get head$(): Observable<Position> {
    return headOf(this);
  }

  /**
   * The status of the connection, now and from now on: `open`, or `retrying` with the error and the time of the next try, which comes
   * earlier if another request is answered, or the network or the page is back. Completes when this scrivener is closed.
   *
   * @example
   * ```ts
   * scrivener.connected$.subscribe(({ status }) => (banner.hidden = status === 'open'));
   * ```
   */
  get connected$(): Observable<ConnectionStatus> {
    return this.#connection.connected$;
  }

  /**
   * Sends the entry and resolves with its position; if no answer comes, sends it again under the same key.
   *
   * Rejects as {@link Scrivener.write} does, and with {@link EntryValidationError}, {@link SerializationError} and {@link EntryTooLargeError} for an
   * entry that cannot be journaled, {@link AccessDeniedError}, {@link JournalLostError} if it could not be sent, {@link WriteUncertainError} if it was sent
   * and its outcome is unknown, and {@link HttpStatusError}.
   */
  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    assertWriteOptions(options);
    const { expect, signal } = options;
    if (this.#closing) throw new JournalClosedError();
    const json = encodeEntry(this.#reading, entry);
    if (expect !== undefined) assertPosition('expect', expect);
    signal?.throwIfAborted();
    return this.#writer.write(json, { expect, signal });
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options: TailOptions<T> = {}): JournalStream<T> {
    assertTailOptions(options);
    const { match, signal, caughtUp } = options;
    return tailFrom(after, match, (from) => this.#stream((stop) => this.#tails.read(from, stop, caughtUp), signal));
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before: Position = END, options: ReadOptions<T> = {}): JournalStream<T> {
    assertReadOptions(options);
    const { match, signal } = options;
    assertPosition('before', before);
    const pages: OpenPages<T> = (stop) => remotePages(this.#connection, this.#decode, before, stop);
    return matching(this.#stream(pages, signal), match);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return firstMatch(this, after, match, options);
  }

  /** Completes this scrivener's tails and waits for pending writes; the journal is unchanged. Further calls return the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closed$.next();
    await this.#writer.settled;
    this.#connection.end();
  }

  // The URL may hold secrets.
  readonly #decode: Decode<T> = (position, entry) =>
    readEntry(this.#reading, entry, 'the journal of the server', position);

  /** Pages until they end, or the scrivener is closed; errors with {@link JournalClosedError} if it is already closed. */
  #stream(open: OpenPages<T>, signal: AbortSignal | undefined): JournalStream<T> {
    const scrivener = { isClosed: () => this.#closing !== undefined, closed$: this.#closed$ };
    return pagedStream(untilClosed(open, scrivener), signal);
  }
}
