import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import type { DaemonEvent } from '../daemon/daemon-event';
import { JournalClosedError } from '../errors/journal-closed-error';
import { SerializationError } from '../errors/serialization-error';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import type { FlusherDaemon } from '../flush/flusher-daemon';
import { validateEntry } from '../flush/validate-entry';
import { assertWritable } from '../journal/assert-writable';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { JournalStream } from '../journal/journal-stream';
import type { Position, Positioned } from '../journal/position';
import type { GroupWriter, ReadOptions, Scrivener, TailOptions, WaitOptions, WriteOptions } from '../journal/scrivener';
import type { FileContent } from './file-append-sink';
import { publish } from './diagnostics';
import { continuedLine } from './group-line';
import { isOwn } from './is-line-beginning';
import type { JournalLock } from './journal-lock';

const MAX_ATTEMPTS = 10;

/** What {@link openFileScrivener} puts a scrivener together from. */
export interface FileScrivenerParts<T> {
  readonly journal: InMemoryScrivener<T>;
  readonly flusher: FlusherDaemon<T>;
  /** The lines of what is not in the sink yet, which the flusher's sink takes as it goes. */
  readonly lines: { push(line: string): void };
  readonly lock: JournalLock;
  readonly serializer: EntrySerializer<T>;
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  readonly daemonEvents: Scrivener<DaemonEvent>;
  readonly recovered: FileContent;
}

/**
 * A journal in memory and in a file, opened with {@link openFileScrivener}: reads come from memory, a flusher persists what is written.
 *
 * Entries are serialized when they are written, so the file gets them as they were then. When the file cannot be written any more, the
 * flusher fails and says so, and the journal goes on in memory.
 */
export class FileScrivener<T> implements Scrivener<T>, GroupWriter<T>, AsyncDisposable {
  /** The daemon that persists the journal. */
  readonly flusher: FlusherDaemon<T>;
  /** Where the flusher journals what happens to it. */
  readonly daemonEvents: Scrivener<DaemonEvent>;
  /** What the file held when it was opened. */
  readonly recovered: { readonly entries: number; readonly lastPosition: Position; readonly truncatedBytes: number };
  readonly #journal: InMemoryScrivener<T>;
  readonly #lines: { push(line: string): void };
  readonly #lock: JournalLock;
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;
  readonly #toLine: (record: Positioned<T>) => string;
  /** How the line of an entry says that its group goes on in the next one. */
  readonly #continue: (line: string) => string;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor({ journal, flusher, lines, lock, serializer, schema, daemonEvents, recovered }: FileScrivenerParts<T>) {
    this.flusher = flusher;
    this.daemonEvents = daemonEvents;
    this.recovered = recovered;
    this.#journal = journal;
    this.#lines = lines;
    this.#lock = lock;
    this.#schema = schema;
    // The journal's own serializer keeps to its promises.
    const own = isOwn(serializer);
    this.#toLine = own ? (record) => serializer.serialize(record) : (record) => toLine(serializer, record);
    this.#continue = own ? continuedLine : (line) => line;
  }

  /** The last position assigned, {@link START} when the journal is empty. */
  get head(): Position {
    return this.#journal.head;
  }

  /** `head`, then each further position, in order; completes when the journal is closed. */
  get head$(): Observable<Position> {
    return this.#journal.head$;
  }

  /** The last position that is in the file. */
  get flushed(): Position {
    return this.flusher.flushed;
  }

  /** `flushed`, then each change; completes when the flusher ends. */
  get flushed$(): Observable<Position> {
    return this.flusher.flushed$;
  }

  /**
   * Writes synchronously: returns the entry's position once every live subscriber was given it; it reaches the file with its batch.
   *
   * @throws {@link SerializationError} and {@link EntryValidationError} for an entry that cannot be journaled, {@link JournalClosedError} once closed
   */
  append(entry: T): Position {
    return this.#append(entry);
  }

  async write(entry: T, options?: WriteOptions): Promise<Position> {
    return this.#append(entry, options);
  }

  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    if (this.#closing) throw new JournalClosedError();
    const group = [...entries];
    for (const entry of group) if (this.#schema) validateEntry(this.#schema, entry);
    const lines = this.#nextLines(group);
    assertWritable(options, this.head);
    if (this.flusher.status !== 'Failed') for (const line of lines) this.#lines.push(line);
    return this.#journal.writeAll(group);
  }

  tail(after?: Position, options?: TailOptions): JournalStream<T> {
    return this.#journal.tail(after, options);
  }

  readBackward(before?: Position, options?: ReadOptions): JournalStream<T> {
    return this.#journal.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#journal.waitFor(after, match, options);
  }

  /** {@link FlusherDaemon.whenFlushed} of the flusher. */
  whenFlushed(position: Position, options?: WaitOptions): Promise<void> {
    return this.flusher.whenFlushed(position, options);
  }

  /** {@link FlusherDaemon.flush} of the flusher. */
  flush(): Promise<void> {
    return this.flusher.flush();
  }

  /**
   * Ends the journal, persists what is not yet, and releases the file; again: the same promise.
   *
   * Rejects, with the file released, with what the flusher failed with when entries did not reach the file.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #append(entry: T, options?: WriteOptions): Position {
    if (this.#closing) throw new JournalClosedError();
    if (this.#schema) validateEntry(this.#schema, entry);
    const line = this.#nextLine(entry);
    if (options) assertWritable(options, this.head);
    if (this.flusher.status !== 'Failed') this.#lines.push(line);
    return this.#journal.append(entry);
  }

  /** The line at the next position. */
  #nextLine(entry: T): string {
    return this.#atHead((head) => this.#toLine({ position: head + 1, entry }));
  }

  /** The lines of a group at the next positions. */
  #nextLines(group: readonly T[]): string[] {
    return this.#atHead((head) =>
      group.map((entry, index) => {
        const line = this.#toLine({ position: head + 1 + index, entry });
        return index < group.length - 1 ? this.#continue(line) : line;
      }),
    );
  }

  /** What is made at the journal's end, also when a toJSON or a getter of an entry writes, too. */
  #atHead<R>(make: (head: Position) => R): R {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { head } = this;
      const made = make(head);
      if (this.#closing) throw new JournalClosedError();
      if (head === this.head) return made;
    }
    throw new SerializationError('it writes to the journal each time it is serialized');
  }

  async #close(): Promise<void> {
    this.#journal.complete();
    try {
      await this.flusher.shutdown();
      if (this.flushed < this.head) throw await this.flusher.waitForFailure();
    } finally {
      await this.#lock.release();
      const { flushed, head: lastPosition } = this;
      publish('rx-scrivener:closed', () => ({ filePath: this.#lock.realPath, lastPosition, flushed }));
    }
  }
}
