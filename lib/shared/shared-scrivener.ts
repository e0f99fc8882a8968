import { BehaviorSubject, defer, distinctUntilChanged, map, of, switchMap, type Observable } from 'rxjs';
import { toJson } from '../flush/json-entry-serializer';
import { validateEntry } from '../flush/validate-entry';
import type { ConnectionStatus } from '../journal/connection-status';
import { assertPosition, type Position, type Positioned } from '../journal/position';
import { assertReadOptions, assertTailOptions } from '../journal/assert-options';
import { firstMatch } from '../journal/first-match';
import type { JournalStream } from '../journal/journal-stream';
import type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from '../journal/scrivener';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { RemoteScrivener } from '../http/client/remote-scrivener';
import type { Seat } from './seat';

const OPEN: ConnectionStatus = { status: 'open' };

/** What a process is to the others that share a journal. */
export type SharedRole = 'holder' | 'guest';

/**
 * One journal in a file that any number of processes write and read, opened with {@link openSharedScrivener}: the first one holds the file, and serves the
 * others; when it goes, another takes over, and everybody continues.
 *
 * `write` resolves when the entry is flushed. What one process writes takes positions in the order of its calls.
 */
export class SharedScrivener<in out T> implements Scrivener<T>, GroupWriter<T>, AsyncDisposable {
  readonly #seat: Seat<T>;
  readonly #remote: RemoteScrivener<T> | undefined;
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;
  /** What was written through the remote scrivener and is not settled: a group comes after it. */
  readonly #writing = new Set<Promise<unknown>>();
  /** The pending group: later writes come after it. */
  #group: Promise<unknown> | undefined;
  readonly #connected$ = new BehaviorSubject<ConnectionStatus>({ status: 'open' });
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(seat: Seat<T>, remote: RemoteScrivener<T> | undefined, schema: StandardSchemaV1<unknown, T> | undefined) {
    this.#seat = seat;
    this.#remote = remote;
    this.#schema = schema;
    // Keeps `head` up to date, and notices when the holder goes.
    remote?.tail(remote.head).subscribe({ error: () => undefined });
    (remote?.connected$ ?? seat.role$.pipe(map(() => OPEN)))
      .pipe(switchMap((status) => (status.status === 'retrying' ? this.#explained(status) : of(status))))
      .subscribe(this.#connected$);
  }

  /** Whether this process has the file. */
  get role(): SharedRole {
    return this.#seat.holder ? 'holder' : 'guest';
  }

  /** `role`, then each change. Completes when this scrivener is closed. */
  get role$(): Observable<SharedRole> {
    return this.#seat.role$;
  }

  /**
   * Whether the holder of the file answers, now and from now on: `open` (always, if this process is the holder), or `retrying`, some seconds after it has fallen
   * silent, with a {@link JournalLostError} that says who has it. Completes when this scrivener is closed.
   */
  get connected$(): Observable<ConnectionStatus> {
    return this.#connected$.asObservable();
  }

  /** The last position that this process knows of, {@link START} when there is none. */
  get head(): Position {
    return this.#reads.head;
  }

  /** The oldest position kept, as far as this process knows. */
  get first(): Position {
    return this.#reads.first;
  }

  /** `head`, then each further position, in order; completes when this scrivener is closed. */
  get head$(): Observable<Position> {
    return defer(() => this.#reads.head$);
  }

  /** The last position that is in the file; a guest hears of nothing else. */
  get flushed(): Position {
    return this.#seat.holder?.file.flushed ?? this.#reads.head;
  }

  /** `flushed`, then each change; completes when this scrivener is closed. */
  get flushed$(): Observable<Position> {
    return this.role$.pipe(
      switchMap(() => this.#seat.holder?.file.flushed$ ?? this.#remote?.head$ ?? of(this.flushed)),
      distinctUntilChanged((before, after) => after <= before),
    );
  }

  /**
   * Resolves with the position that the entry took, when it is flushed.
   *
   * Rejects as {@link Scrivener.write} does, with {@link SerializationError} and {@link EntryValidationError} for an entry that cannot be journaled,
   * {@link JournalLostError} when no process could take it for 30 seconds, and {@link WriteUncertainError} when nobody knows what became of it: its holder was
   * killed, is silent for 30 seconds, or the disk is full. Where a process has the file and does not answer, the first, or the `cause` of the second, says which.
   */
  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    if (this.#closing) throw new JournalClosedError();
    const group = this.#group;
    if (group) await settled(group);
    const { holder } = this.#seat;
    if (holder && this.#writing.size === 0) return holder.write(entry, options);
    return this.#track(this.#remote!.write(entry, options));
  }

  /** {@link SharedScrivener.write} for several entries as one. */
  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    if (this.#closing) throw new JournalClosedError();
    const schema = this.#schema;
    const all = [...entries];
    const since = performance.now();
    const { holder } = this.#seat;
    if (holder && this.#writing.size === 0 && this.#group === undefined) return holder.writeAll(all, options);
    // As they are now, and with what refuses them.
    const json = all.map((entry) => toJson(schema ? validateEntry(schema, entry) : entry));
    if (options.expect !== undefined) assertPosition('expect', options.expect);
    options.signal?.throwIfAborted();
    const before = [...this.#writing, Promise.resolve(this.#group)];
    const group = Promise.allSettled(before).then(async () => {
      options.signal?.throwIfAborted();
      return this.#seat.writeGroup(json, options.expect, since);
    });
    const current = settled(group).finally(() => {
      if (this.#group === current) this.#group = undefined;
    });
    this.#group = current;
    return this.#told(group);
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    if (options) assertTailOptions(options);
    return this.#reads.tail(after, options);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    if (options) assertReadOptions(options);
    return this.#reads.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return firstMatch(this, after, match, options);
  }

  /** Resolves when a position is in the file, immediately if it is. Rejects as {@link FlusherDaemon.whenFlushed} does. */
  async whenFlushed(position: Position, options?: WaitOptions): Promise<void> {
    assertPosition('position', position);
    const { holder } = this.#seat;
    if (holder) return holder.file.whenFlushed(position, options);
    if (this.flushed < position) await this.waitFor(position - 1, () => true, options);
  }

  /** Ends this scrivener's tails, which complete; a holder answers what it was sent, and releases the file, which another process takes. Again: the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The file where this process has it: then nothing is sent. */
  get #reads(): Pick<RemoteScrivener<T>, 'head' | 'head$' | 'first' | 'tail' | 'readBackward'> {
    return this.#seat.holder?.file ?? this.#remote!;
  }

  #track<R>(writing: Promise<R>): Promise<R> {
    const tracked = settled(writing).finally(() => this.#writing.delete(tracked));
    this.#writing.add(tracked);
    return this.#told(writing);
  }

  /** What is written, with who does not answer in what it rejects with. */
  async #told<R>(writing: Promise<R>): Promise<R> {
    try {
      return await writing;
    } catch (error) {
      throw this.#seat.explainWrite(error);
    }
  }

  /** A lost connection, with who does not answer; the file is taken meanwhile if nobody has it. */
  async #explained(status: Extract<ConnectionStatus, { status: 'retrying' }>): Promise<ConnectionStatus> {
    await this.#seat.look();
    return { ...status, error: this.#seat.explain(status.error) };
  }

  async #close(): Promise<void> {
    await this.#group;
    await this.#remote?.close();
    await this.#seat.close();
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => undefined);
}
