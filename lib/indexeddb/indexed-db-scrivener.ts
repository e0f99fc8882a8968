import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable, Subscription } from 'rxjs';
import type { DaemonEvent } from '../daemon/daemon-event';
import { InvalidTransitionError } from '../errors/invalid-transition-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { FlusherDaemon } from '../flush/flusher-daemon';
import { validateEntry } from '../flush/validate-entry';
import { assertWritable } from '../journal/assert-writable';
import { atHead } from '../journal/at-head';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { JournalStream } from '../journal/journal-stream';
import type { Position, Positioned } from '../journal/position';
import type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from '../journal/scrivener';
import type { IndexedDbFlushing } from './indexed-db-flushing';

/** The parts from which {@link openIndexedDbScrivener} builds a scrivener. */
export interface IndexedDbScrivenerParts<T> {
  readonly memory: InMemoryScrivener<T>;
  readonly flushing: IndexedDbFlushing<T>;
  readonly flusher: FlusherDaemon<T>;
  /** Makes the line of a record, whose group continues in the next one or does not. */
  readonly lineOf: (record: Positioned<T>, isContinued: boolean) => string;
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  readonly daemonEvents: Scrivener<DaemonEvent>;
  readonly recovered: { readonly entries: number; readonly lastPosition: Position };
  /** Calls a function whenever the page is hidden. */
  readonly whenHidden: (flush: () => void) => Subscription;
  /** Releases the journal. */
  readonly release: () => void;
}

/**
 * A journal in memory and in a browser's IndexedDB, opened with {@link openIndexedDbScrivener}: reads come from memory, a flusher persists what is written.
 *
 * Entries are serialized when they are written, so later changes to an object do not reach the database. If the database can no longer be written, the
 * flusher fails, a warning is printed, and the journal continues in memory.
 */
export class IndexedDbScrivener<in out T> implements Scrivener<T>, GroupWriter<T>, AsyncDisposable {
  /** The journal of the flusher's events. */
  readonly daemonEvents: Scrivener<DaemonEvent>;
  /** What the database held at the opening. */
  readonly recovered: { readonly entries: number; readonly lastPosition: Position };
  readonly #parts: IndexedDbScrivenerParts<T>;
  readonly #memory: InMemoryScrivener<T>;
  readonly #leaving: Subscription;
  #flusher: FlusherDaemon<T>;
  #closing: Promise<void> | undefined;
  #reopening: Promise<void> | undefined;

  /** @internal */
  constructor(parts: IndexedDbScrivenerParts<T>) {
    this.#parts = parts;
    this.#memory = parts.memory;
    this.#flusher = parts.flusher;
    this.daemonEvents = parts.daemonEvents;
    this.recovered = parts.recovered;
    this.#leaving = parts.whenHidden(() => {
      this.flush().catch(() => undefined); // the flusher says it
    });
  }

  /** The daemon that persists the journal; another one after {@link IndexedDbScrivener.reopen}. */
  get flusher(): FlusherDaemon<T> {
    return this.#flusher;
  }

  /** The last position assigned, {@link START} when the journal is empty. */
  get head(): Position {
    return this.#memory.head;
  }

  /** The oldest position kept, `head + 1` when there is none. */
  get first(): Position {
    return this.#memory.first;
  }

  /** `head`, then each further position, in order; completes when the journal is closed. */
  get head$(): Observable<Position> {
    return this.#memory.head$;
  }

  /** The last position that is in the database. */
  get flushed(): Position {
    return this.flusher.flushed;
  }

  /** `flushed`, then each change; completes when the flusher ends. */
  get flushed$(): Observable<Position> {
    return this.flusher.flushed$;
  }

  /**
   * Writes synchronously: returns the entry's position after every live subscriber has received it; the entry reaches the database with its batch.
   *
   * @throws {@link SerializationError} and {@link EntryValidationError} for an entry that cannot be journaled, {@link JournalClosedError} after `close`
   */
  append(entry: T): Position {
    return this.#append([entry], {}, ([made]) => this.#memory.append(made!));
  }

  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    return this.#append([entry], options, ([made]) => this.#memory.append(made!));
  }

  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    return this.#append([...entries], options, (group) => this.#memory.writeAll(group));
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    return this.#memory.tail(after, options);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    return this.#memory.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#memory.waitFor(after, match, options);
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
   * Ends the journal, persists what is not flushed yet, and releases the database. Further calls return the same promise.
   *
   * If entries did not reach the database, it rejects, with the database released, with the error that failed the flusher.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Continues flushing after the flusher has failed, with a new flusher; resolves when that is running.
   *
   * Entries written meanwhile are persisted as they were written. If the database holds less than was flushed, because somebody has cleared the site's data, all of
   * the journal is written again, and `flushed` restarts from what the database holds. Rejects with {@link InvalidTransitionError} if the flusher has not failed, {@link JournalClosedError}
   * after `close`, and with the error of opening the database.
   *
   * @example
   * ```ts
   * scrivener.flusher.waitForFailure().then(async (error) => {
   *   await showThatNothingIsKept(error);
   *   await scrivener.reopen();
   * });
   * ```
   */
  reopen(): Promise<void> {
    return (this.#reopening ??= this.#reopen().finally(() => (this.#reopening = undefined)));
  }

  /** In JavaScript, `source$.subscribe(scrivener)` would find no `next` and silently drop everything. */
  protected next(): never {
    throw new TypeError(
      'An IndexedDbScrivener is not an observer: write the source with `source$.pipe(writeTo(scrivener))`',
    );
  }

  #append<R>(written: readonly T[], options: WriteOptions, append: (group: readonly T[]) => R): R {
    const { schema, lineOf, flushing } = this.#parts;
    this.#assertOpen();
    const group = schema ? written.map((entry) => validateEntry(schema, entry)) : written;
    const made = atHead(this, (head) =>
      group.map((entry, index) => lineOf({ position: head + 1 + index, entry }, index < group.length - 1)),
    );
    this.#assertOpen();
    assertWritable(options, this.head);
    // After a failure, too, for `reopen`.
    made.forEach((line, index) => flushing.keep(this.head + 1 + index, line));
    return append(group);
  }

  #assertOpen(): void {
    if (this.#closing) throw new JournalClosedError();
  }

  async #reopen(): Promise<void> {
    const { flushing } = this.#parts;
    const failed = this.#flusher;
    this.#assertOpen();
    if (failed.status !== 'Failed') throw new InvalidTransitionError(failed.name, failed.status, 'reopen');
    await failed.shutdown().catch(() => undefined); // has closed the database, and says again why it failed
    await flushing.start(await flushing.after(failed), (flusher) => (this.#flusher = flusher));
  }

  async #close(): Promise<void> {
    if (this.#reopening) await this.#reopening.catch(() => undefined);
    this.#memory.complete();
    try {
      await this.flusher.shutdown();
      if (this.flushed < this.head) throw await this.flusher.waitForFailure();
    } finally {
      this.#leaving.unsubscribe();
      this.#parts.release();
    }
  }
}
