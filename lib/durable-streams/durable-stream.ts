import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import { JournalClosedError } from '../errors/journal-closed-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { validateEntry } from '../flush/validate-entry';
import { assertWriteOptions } from '../journal/assert-options';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { JournalStream } from '../journal/journal-stream';
import { assertPosition, type Position, type Positioned } from '../journal/position';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions, WriteOptions } from '../journal/scrivener';
import { StreamClient, type StreamClientOptions } from './stream-client';
import { StreamReader } from './stream-reader';
import { StreamWriter } from './stream-writer';

/** What a stream is opened with. */
export interface DurableStreamParts<T> extends StreamClientOptions {
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  readonly producer: string | undefined;
}

/** A JSON stream of a server of the Durable Streams Protocol, opened with {@link openDurableStream}: all that was read of it is kept. */
export class DurableStream<in out T> implements Scrivener<T>, AsyncDisposable {
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;
  readonly #read = new InMemoryScrivener<T>();
  readonly #closing = new AbortController();
  readonly #reader: StreamReader<T>;
  readonly #writer: StreamWriter;
  #following: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(parts: DurableStreamParts<T>) {
    const { schema, producer } = parts;
    const client = new StreamClient(parts, this.#closing.signal);
    this.#schema = schema;
    this.#reader = new StreamReader(client, this.#read, schema);
    this.#writer = new StreamWriter(client, this.#read, this.#reader, producer ?? crypto.randomUUID());
  }

  /** The last position that was read. */
  get head(): Position {
    return this.#read.head;
  }

  /** `head`, then each further position, in order. */
  get head$(): Observable<Position> {
    return this.#read.head$;
  }

  /** The oldest position: a stream keeps all. */
  get first(): Position {
    return this.#read.first;
  }

  /** @internal Reads what there is, and continues. */
  async open(): Promise<void> {
    await this.#reader.open();
    this.#following = this.#reader.follow();
  }

  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    assertWriteOptions(options);
    const { expect, signal } = options;
    if (expect !== undefined) {
      assertPosition('expect', expect);
      throw new NotSupportedError('`expect`: the protocol has no append on condition of a position');
    }
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted || this.#reader.isClosed) throw new JournalClosedError();
    return this.#writer.write(this.#schema ? validateEntry(this.#schema, entry) : entry, signal);
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    return this.#read.tail(after, options);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    return this.#read.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#read.waitFor(after, match, options);
  }

  /** Releases the server: tails complete, what waits to be sent rejects, and what was sent is uncertain. The stream continues. Again: the same. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    this.#read.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
