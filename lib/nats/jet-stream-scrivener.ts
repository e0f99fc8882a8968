import type { Observable } from 'rxjs';
import { JournalClosedError } from '../errors/journal-closed-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { assertReadOptions, assertTailOptions, assertWriteOptions } from '../journal/assert-options';
import type { ConnectionStatus } from '../journal/connection-status';
import { firstMatch } from '../journal/first-match';
import { headOf } from '../journal/head-of';
import type { JournalStream } from '../journal/journal-stream';
import { pagedStream, type OpenPages } from '../journal/paged-stream';
import { assertPosition, END, type Position, type Positioned } from '../journal/position';
import { matching, tailFrom } from '../journal/read-from';
import type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from '../journal/scrivener';
import { untilClosed } from '../journal/until-closed';
import { backwardPages } from './backward-pages';
import type { Publisher } from './publisher';
import type { StreamLink } from './stream-link';
import type { StreamPayload } from './stream-payload';
import { tailPages } from './tail-pages';

/** The parts of a scrivener, which {@link openJetStreamScrivener} puts together. */
export interface JetStreamScrivenerParts<T> {
  readonly link: StreamLink;
  /** `undefined`: nothing can be published to the stream. */
  readonly publisher: Publisher | undefined;
  readonly payload: StreamPayload<T>;
}

/**
 * A journal in a JetStream stream, opened with {@link openJetStreamScrivener}: any number of processes write and read it, each through a
 * scrivener of its own. An entry's position is its message's sequence in the stream.
 */
export class JetStreamScrivener<in out T> implements Scrivener<T>, GroupWriter<T>, AsyncDisposable {
  readonly #link: StreamLink;
  readonly #publisher: Publisher | undefined;
  readonly #payload: StreamPayload<T>;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor({ link, publisher, payload }: JetStreamScrivenerParts<T>) {
    this.#link = link;
    this.#publisher = publisher;
    this.#payload = payload;
  }

  /**
   * The newest position that this process knows, {@link START} if none: from the opening, its writes and its reads. It does not ask the server what
   * others have written since.
   */
  get head(): Position {
    return this.#link.head;
  }

  /** The oldest position that the stream is known to keep, as of the last time it was asked; `head + 1` when it keeps none. */
  get first(): Position {
    return this.#link.first;
  }

  /** `head`, then each further position, in order, as it arrives from the stream; completes when this scrivener is closed. */
  get head$(): Observable<Position> {
    return headOf(this);
  }

  /**
   * The status of the connection, now and from now on: `open`, or `retrying` since it was lost; completes when the connection is closed for good, or this scrivener
   * is. The client retries on its own and does not say when, so there is no `nextAttempt`.
   */
  get connected$(): Observable<ConnectionStatus> {
    return this.#link.connected$;
  }

  /**
   * Publishes the entry and resolves with the sequence that the stream acknowledges; sends it again, under the same message id, while no
   * acknowledgement comes, for half of the stream's duplicate window.
   *
   * Rejects as {@link Scrivener.write} does, and with {@link EntryValidationError} and {@link SerializationError} for an entry that cannot be
   * journaled, {@link WriteUncertainError} if it was sent and not acknowledged, {@link JournalLostError} if the stream is gone or out of
   * reach, and {@link WriteRefusedError} if the stream refuses the message, as a full stream may.
   */
  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    const publisher = this.#writable();
    return publisher.publish([this.#payload.encode(entry)], checked(options));
  }

  /**
   * Publishes the entries as one atomic batch, all or none, and resolves with their positions; otherwise as {@link JetStreamScrivener.write}.
   *
   * Rejects with {@link NotSupportedError} if the server is older than nats-server 2.12, or the stream was created without `allow_atomic`.
   */
  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    const publisher = this.#writable();
    publisher.assertAtomic();
    const payloads = Array.from(entries, (entry) => this.#payload.encode(entry));
    const given = checked(options);
    if (payloads.length === 0) return [];
    const first = await publisher.publish(payloads, given);
    return payloads.map((_, index) => first + index);
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options: TailOptions<T> = {}): JournalStream<T> {
    assertTailOptions(options);
    const { match, signal, caughtUp } = options;
    return tailFrom(after, match, (from) =>
      this.#stream((stop) => tailPages(this.#link, this.#payload, from, stop, caughtUp), signal),
    );
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before: Position = END, options: ReadOptions<T> = {}): JournalStream<T> {
    assertPosition('before', before);
    assertReadOptions(options);
    const { match, signal } = options;
    return matching(
      this.#stream((stop) => backwardPages(this.#link, this.#payload, before, stop), signal),
      match,
    );
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return firstMatch(this, after, match, options);
  }

  /**
   * Completes this scrivener's tails and waits for pending acknowledgements; the stream and the connection are
   * unchanged. Further calls return the same promise.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Pages until they end, or the scrivener is closed; errors with {@link JournalClosedError} when it is already. */
  #stream(open: OpenPages<T>, signal: AbortSignal | undefined): JournalStream<T> {
    const scrivener = { isClosed: () => this.#closing !== undefined, closed$: this.#link.closed$ };
    return pagedStream(untilClosed(open, scrivener), signal);
  }

  #writable(): Publisher {
    if (this.#closing) throw new JournalClosedError();
    if (this.#publisher) return this.#publisher;
    throw new NotSupportedError(`the stream "${this.#link.stream}" takes its messages from other streams alone`);
  }

  async #close(): Promise<void> {
    this.#link.closed$.next();
    await this.#publisher?.close();
  }
}

function checked(options: WriteOptions): WriteOptions {
  assertWriteOptions(options);
  if (options.expect !== undefined) assertPosition('expect', options.expect);
  options.signal?.throwIfAborted();
  return options;
}
