import type { StandardSchemaV1 } from '@standard-schema/spec';
import { Attempt } from '../http/client/attempt';
import { Connection } from '../http/client/connection';
import { encodeEntry } from '../http/client/encode-entry';
import { RemoteScrivener } from '../http/client/remote-scrivener';
import { RemoteWriter } from '../http/client/remote-writer';
import { assertWriteOptions } from '../journal/assert-options';
import { assertPosition, type Position } from '../journal/position';
import type { WriteOptions } from '../journal/scrivener';
import { GROUP_TYPE } from './holder';

/** Nobody resolves it. */
const ORIGIN = 'http://journal.invalid';
/** So long a write is tried while nobody answers. */
const RETRY_MS = 30_000;

/** Writes and reads through the process that has the file, whichever that is. */
export class Guest<T> {
  readonly reads: RemoteScrivener<T>;
  readonly #connection: Connection;
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;
  /** What is written takes its turn here, in the order of the calls. */
  readonly #writer: RemoteWriter;

  /** @param ask - sends a request to the process that has the file */
  constructor(ask: typeof fetch, schema: StandardSchemaV1<unknown, T> | undefined) {
    this.#schema = schema;
    const connection = new Connection({ url: new URL(ORIGIN), headers: () => ({}), fetch: ask });
    const writer = new RemoteWriter(connection, RETRY_MS);
    this.#connection = connection;
    this.#writer = writer;
    this.reads = new RemoteScrivener({ connection, writer, reading: { ...(schema && { schema }) }, feed: undefined });
  }

  /** Resolves with whether who has the file answers in time, and then keeps up with it; it may still be reading the file. */
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
    // Keeps `head` up to date, and notices when the holder goes.
    this.reads.tail(this.reads.head).subscribe({ error: () => undefined });
    return true;
  }

  /** Whether something that was written is not settled. */
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
    // As they are now, and with what refuses them.
    const all = entries.map((entry) => encodeEntry({ schema: this.#schema }, entry));
    if (expect !== undefined) assertPosition('expect', expect);
    signal?.throwIfAborted();
    const json = `{"entries":[${all.join(',')}]${expect === undefined ? '' : `,"expect":${expect}`}}`;
    const last = await this.#writer.write(json, { signal, group: { type: GROUP_TYPE, count: all.length } });
    return all.map((_, index) => last - all.length + 1 + index);
  }

  /** Completes the tails, and waits for what was written. */
  close(): Promise<void> {
    return this.reads.close();
  }
}
