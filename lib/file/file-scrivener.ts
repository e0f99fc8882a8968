import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import type { DaemonEvent } from '../daemon/daemon-event';
import { BacklogFullError } from '../errors/backlog-full-error';
import { InvalidTransitionError } from '../errors/invalid-transition-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { flushedOnly } from '../flush/flushed-only';
import type { FlusherDaemon } from '../flush/flusher-daemon';
import type { LineOf } from '../flush/readable-line-of';
import { validateEntry } from '../flush/validate-entry';
import { assertWritable } from '../journal/assert-writable';
import { atHead } from '../journal/at-head';
import { headOf } from '../journal/head-of';
import type { JournalStream } from '../journal/journal-stream';
import type { Log } from '../journal/log';
import { START, type Position, type Positioned } from '../journal/position';
import type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from '../journal/scrivener';
import { flushAtExit } from './flushing/at-exit';
import { Backlog } from './flushing/backlog';
import { publish } from './flushing/diagnostics';
import type { PendingLines } from './flushing/flushing';
import { Turns } from './flushing/turns';

/** Starts flushers, and holds the lines that they will flush. */
interface FlusherSource<T> {
  readonly lines: PendingLines;
  readonly flushSync: (head: Position) => void;
  giveBack(): void;
  start(after: Position, take?: (flusher: FlusherDaemon<T>) => void): Promise<FlusherDaemon<T>>;
}

/** How a journal is read, from memory or from the store. */
type Reads<T> = Pick<Scrivener<T>, 'tail' | 'readBackward' | 'waitFor'>;

/** The parts from which {@link openFileScrivener} builds a scrivener. */
export interface FileScrivenerParts<T> {
  readonly log: Log<T>;
  readonly reads: Reads<T>;
  readonly flushing: FlusherSource<T>;
  readonly flusher: FlusherDaemon<T>;
  readonly filePath: string;
  /** Whether the journal's own file is where it is persisted. */
  readonly isFile: boolean;
  /** Reopens the flusher's sink; `undefined` if that cannot be reopened. */
  readonly reopen: (() => Promise<void>) | undefined;
  /** Releases the file. */
  readonly release: () => Promise<void>;
  readonly lineOf: LineOf<T>;
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  readonly retain: number;
  /** The oldest position that is kept on the disk. */
  readonly oldest: () => Position;
  readonly maxPending: number;
  readonly daemonEvents: Scrivener<DaemonEvent>;
  readonly recovered: FileScrivener<T>['recovered'];
}

/**
 * A journal in memory and in a file, opened with {@link openFileScrivener}: reads come from memory, a flusher persists what is written.
 *
 * Entries are serialized when they are written, so later changes to an object do not reach the file. If the file can no longer be written, the
 * flusher fails, a warning is emitted, and the journal continues in memory.
 */
export class FileScrivener<in out T> implements Scrivener<T>, GroupWriter<T>, AsyncDisposable {
  /** The journal of the flusher's events. */
  readonly daemonEvents: Scrivener<DaemonEvent>;
  /** What the file held when it was opened. */
  readonly recovered: { readonly entries: number; readonly lastPosition: Position; readonly truncatedBytes: number };
  readonly #parts: FileScrivenerParts<T>;
  readonly #log: Log<T>;
  readonly #reads: Reads<T>;
  readonly #lines: PendingLines;
  readonly #backlog: Backlog;
  readonly #turns = new Turns();
  #flusher: FlusherDaemon<T>;
  /** Removes the flush at the end of the process. */
  #leave: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #reopening: Promise<void> | undefined;

  /** @internal */
  constructor(parts: FileScrivenerParts<T>) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#reads = parts.reads;
    this.#lines = parts.flushing.lines;
    this.daemonEvents = parts.daemonEvents;
    this.recovered = parts.recovered;
    this.#flusher = parts.flusher;
    this.#backlog = new Backlog(parts.maxPending, this);
    this.#keepTrimmed();
    // With a custom sink there is nothing to do then.
    if (parts.isFile) this.#leave = flushAtExit({ filePath: parts.filePath, flushSync: () => this.flushSync() });
  }

  /** The daemon that persists the journal; a new one after {@link FileScrivener.reopen}. */
  get flusher(): FlusherDaemon<T> {
    return this.#flusher;
  }

  /** The last position assigned; {@link START} if the journal is empty. */
  get head(): Position {
    return this.#log.head;
  }

  /** The oldest position kept, in memory or on the disk; `head + 1` if none is kept. */
  get first(): Position {
    return Math.max(this.#parts.oldest(), START + 1);
  }

  /** `head`, then each further position, in order; completes when the journal is closed. */
  get head$(): Observable<Position> {
    return headOf(this);
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
   * Writes synchronously: returns the entry's position after every live subscriber has received it; the entry reaches the file with its batch.
   *
   * @throws {@link SerializationError} and {@link EntryValidationError} for an entry that cannot be journaled, {@link JournalClosedError} after `close`,
   *   {@link BacklogFullError} if `maxPending` entries wait to be flushed
   */
  append(entry: T): Position {
    if (!this.#backlog.hasRoom(1)) throw new BacklogFullError(this.#parts.maxPending);
    return this.#append(entry);
  }

  async write(entry: T, options?: WriteOptions): Promise<Position> {
    if (this.#backlog.hasRoom(1)) return this.#turns.settle(this.#append(entry, options));
    return this.#backlog.whenRoom(1, options?.signal, () => this.#append(entry, options));
  }

  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    const group = [...entries];
    if (this.#backlog.hasRoom(group.length)) return this.#turns.settle(this.#appendAll(group, options));
    return this.#backlog.whenRoom(group.length, options.signal, () => this.#appendAll(group, options));
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    const stream = this.#reads.tail(after, options);
    return options?.flushed ? flushedOnly(stream, this, options.signal) : stream;
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    return this.#reads.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#reads.waitFor(after, match, options);
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
   * Flushes everything written to the file before it returns ('disk': and syncs it): for a signal's handler. At the end of the process this happens automatically.
   *
   * Throws the system's error that prevents it, and {@link NotSupportedError} with a `sink` of your own.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => {
   *   scrivener.flushSync();
   *   process.exit();
   * });
   * ```
   */
  flushSync(): void {
    this.#parts.flushing.flushSync(this.head);
  }

  /**
   * Ends the journal, persists what is not flushed yet, and releases the file. Further calls return the same promise.
   *
   * If entries did not reach the file, it rejects, with the file released, with the error that failed the flusher.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Starts a new flusher that continues after `flushed`, if the flusher has failed; resolves when the new one is running.
   *
   * Entries written meanwhile are persisted as they were written. Rejects with {@link InvalidTransitionError} if the flusher has not failed,
   * {@link JournalClosedError} after `close`, {@link CorruptJournalError} if the file ends before `flushed`, and with the error of opening it.
   *
   * @example
   * ```ts
   * scrivener.flusher.waitForFailure().then(async () => {
   *   await makeRoomOnDisk();
   *   await scrivener.reopen();
   * });
   * ```
   */
  reopen(): Promise<void> {
    return (this.#reopening ??= this.#reopen().finally(() => (this.#reopening = undefined)));
  }

  /** In JavaScript, `source$.subscribe(scrivener)` would find no `next` and silently drop everything. */
  protected next(): never {
    throw new TypeError('A FileScrivener is not an observer: write the source with `source$.pipe(writeTo(scrivener))`');
  }

  #append(written: T, options?: WriteOptions): Position {
    const { schema } = this.#parts;
    this.#assertOpen();
    const entry = schema ? validateEntry(schema, written) : written;
    const line = atHead(this, (head) => this.#parts.lineOf({ position: head + 1, entry }, false));
    this.#assertOpen();
    if (options) assertWritable(options, this.head);
    this.#keep(line);
    return this.#log.append(entry);
  }

  #appendAll(written: readonly T[], options: WriteOptions): Position[] {
    const { schema, lineOf } = this.#parts;
    this.#assertOpen();
    const group = schema ? written.map((entry) => validateEntry(schema, entry)) : written;
    const lines = atHead(this, (head) =>
      group.map((entry, index) => lineOf({ position: head + 1 + index, entry }, index < group.length - 1)),
    );
    this.#assertOpen();
    assertWritable(options, this.head);
    for (const line of lines) this.#keep(line);
    return this.#log.appendAll(group);
  }

  #assertOpen(): void {
    if (this.#closing) throw new JournalClosedError();
  }

  #keep(line: string): void {
    this.#turns.note(line);
    // Also after a failure, for `reopen` and for the end of the process.
    if (this.#parts.reopen || this.#flusher.status !== 'Failed') this.#lines.push(line);
  }

  async #reopen(): Promise<void> {
    const { flushing, reopen } = this.#parts;
    const failed = this.#flusher;
    this.#assertOpen();
    if (failed.status !== 'Failed') throw new InvalidTransitionError(failed.name, failed.status, 'reopen');
    if (!reopen) throw new InvalidTransitionError(failed.name, failed.status, 'reopen: its sink is closed');
    await failed.shutdown().catch(() => undefined); // has released the file, and rejects again with the failure
    await reopen();
    flushing.giveBack();
    const starting = flushing.start(failed.flushed, (flusher) => (this.#flusher = flusher));
    this.#keepTrimmed();
    await starting;
  }

  /** Keeps in memory the newest entries and all that are not flushed, except retired ones. */
  #keepTrimmed(): void {
    const { retain, oldest } = this.#parts;
    this.flushed$.subscribe((flushed) => {
      this.#log.trim(Math.max(Math.min(flushed, this.head - retain) + 1, oldest()));
    });
  }

  async #close(): Promise<void> {
    const { filePath, release } = this.#parts;
    if (this.#reopening) await this.#reopening.catch(() => undefined);
    this.#log.close({ failed: false });
    try {
      await this.#flusher.shutdown();
      if (this.flushed < this.head) throw await this.#flusher.waitForFailure();
    } finally {
      this.#leave?.();
      await release();
      const { flushed, head: lastPosition } = this;
      publish('rx-scrivener:closed', () => ({ filePath, lastPosition, flushed }));
    }
  }
}
