import { Subject, type Observable } from 'rxjs';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { assertReadsBack, readEntry, validateEntry, type Reading } from '../../flush/validate-entry';
import { toJson } from '../../flush/json-entry-serializer';
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
import type { RemoteScrivenerConfig } from './open-remote-scrivener';
import { remotePages, type Decode } from './remote-page';
import { SharedTails } from './shared-tails';
import type { RemoteWriter } from './remote-writer';
import type { TabFeed } from './tab-feed';

/** What {@link openRemoteScrivener} puts a scrivener together from. */
export interface RemoteScrivenerParts<T> {
  readonly connection: Connection;
  readonly writer: RemoteWriter;
  readonly reading: Pick<RemoteScrivenerConfig<T>, 'schema' | 'upgrade'>;
  readonly feed: TabFeed | undefined;
}

/**
 * A journal that another process serves with {@link journalHandler}, opened with {@link openRemoteScrivener}; in browsers and in Node.
 *
 * Reads continue through whatever happens to the network and to the server: they connect again, after the last entry that came.
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
   * The newest position that this process knows of, {@link START} when that is none: from opening, from what it wrote and from what it read. What
   * others have written since is not asked for.
   */
  get head(): Position {
    return this.#connection.head;
  }

  /**
   * The oldest position kept, as far as this process knows: from the newest answer of the server, 1 where that does not say. What was dropped since
   * is not asked for.
   */
  get first(): Position {
    return this.#connection.first;
  }

  /** `head`, then each further position, in order, as the server tells of it; completes when this scrivener is closed. */
  get head$(): Observable<Position> {
    return headOf(this);
  }

  /**
   * How the server was found by the newest request, now and from now on: `open`, or `retrying` with the error and the time of the next try, for which
   * nobody waits when another request is answered, or the network or the page is back. Completes when this scrivener is closed.
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
   * Sends the entry and resolves with the position it took; sent again, under the same key, when no answer comes.
   *
   * Rejects as {@link Scrivener.write} does, and with {@link EntryValidationError}, {@link SerializationError} and {@link EntryTooLargeError} for an
   * entry that cannot be journaled, {@link AccessDeniedError}, {@link JournalLostError} when it could not be sent, {@link WriteUncertainError} when it was
   * and nobody knows what became of it, and {@link HttpStatusError}.
   */
  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    assertWriteOptions(options);
    const { expect, signal } = options;
    if (this.#closing) throw new JournalClosedError();
    const json = this.#encode(entry);
    if (expect !== undefined) assertPosition('expect', expect);
    signal?.throwIfAborted();
    return this.#writer.write(json, expect, signal);
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

  /** Ends this scrivener's tails, which complete, and waits for the writes that are under way; the journal stays as it is. Again: the same promise. */
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

  /** The JSON of what the schema makes of an entry. */
  #encode(entry: T): string {
    const { schema, upgrade } = this.#reading;
    if (!schema && !upgrade) return toJson(entry);
    const json = toJson(schema ? validateEntry(schema, entry) : entry);
    assertReadsBack(this.#reading, JSON.parse(json), END, (again) => toJson(again) === json);
    return json;
  }

  // The address may hold secrets.
  readonly #decode: Decode<T> = (position, entry) =>
    readEntry(this.#reading, entry, 'the journal of the server', position);

  /** Pages until they end, or the scrivener is closed; errors with {@link JournalClosedError} when it is already. */
  #stream(open: OpenPages<T>, signal: AbortSignal | undefined): JournalStream<T> {
    const scrivener = { isClosed: () => this.#closing !== undefined, closed$: this.#closed$ };
    return pagedStream(untilClosed(open, scrivener), signal);
  }
}
