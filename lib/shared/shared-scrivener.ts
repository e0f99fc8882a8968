import { BehaviorSubject, defer, distinctUntilChanged, of, switchMap, type Observable } from 'rxjs';
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
import { ScrivenerError } from '../errors/scrivener-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import type { RemoteScrivener } from '../http/client/remote-scrivener';
import type { Guest } from './guest';
import type { Holder } from './holder';
import type { Seat } from './seat';

const OPEN: ConnectionStatus = { status: 'open' };

/** The role of a process among those that share a journal. */
export type SharedRole = 'holder' | 'guest';

/**
 * One journal in a file that any number of processes write and read, opened with {@link openSharedScrivener}: the first one holds the file, and serves the
 * others; when it ends, another takes over, and all continue.
 *
 * `write` resolves when the entry is flushed. The entries of one process get positions in the order of its calls.
 */
export class SharedScrivener<in out T> implements Scrivener<T>, GroupWriter<T>, AsyncDisposable {
  readonly #seat: Seat<T>;
  /** Writes and reads through another process; `undefined` if this process has held the file from the start. */
  readonly #guest: Guest<T> | undefined;
  readonly #connected$ = new BehaviorSubject<ConnectionStatus>({ status: 'open' });
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(seat: Seat<T>, guest: Guest<T> | undefined) {
    this.#seat = seat;
    this.#guest = guest;
    seat.role$
      .pipe(
        switchMap((role) => (role === 'guest' && guest ? guest.reads.connected$ : of(OPEN))),
        switchMap((status) => (status.status === 'retrying' ? this.#withReasonOf(status) : of(status))),
        distinctUntilChanged((before, now) => before.status === 'open' && now.status === 'open'),
      )
      .subscribe(this.#connected$);
  }

  /** `holder` if this process has the file, otherwise `guest`. */
  get role(): SharedRole {
    return this.#seat.holder ? 'holder' : 'guest';
  }

  /** `role`, then each change. Completes when this scrivener is closed. */
  get role$(): Observable<SharedRole> {
    return this.#seat.role$;
  }

  /**
   * Whether the holder of the file answers, now and from now on: `open` (always, if this process is the holder), or `retrying`, a few seconds after it has fallen
   * silent, with a {@link JournalLostError} that says which process has the file. Completes when this scrivener is closed.
   */
  get connected$(): Observable<ConnectionStatus> {
    return this.#connected$.asObservable();
  }

  /** The last position that this process knows, {@link START} if there is none. */
  get head(): Position {
    return this.#reads.head;
  }

  /** The oldest position kept, as far as this process knows. */
  get first(): Position {
    return this.#reads.first;
  }

  /** `head`, then each further position, in order; completes when this scrivener is closed. */
  get head$(): Observable<Position> {
    return defer(() => this.#seat.holder?.file.head$ ?? this.#guest!.head$);
  }

  /** The last position that is in the file, as far as this process knows. A guest receives only flushed positions. */
  get flushed(): Position {
    return this.#seat.holder?.file.flushed ?? this.#reads.head;
  }

  /** `flushed`, then each change; completes when this scrivener is closed. */
  get flushed$(): Observable<Position> {
    return this.role$.pipe(
      switchMap(() => this.#seat.holder?.flushed$ ?? this.#guest?.head$ ?? of(this.flushed)),
      distinctUntilChanged((before, after) => after <= before),
    );
  }

  /**
   * Resolves with the position of the entry when it is flushed.
   *
   * Rejects as {@link Scrivener.write} does, with {@link SerializationError} and {@link EntryValidationError} for an entry that cannot be journaled,
   * {@link JournalLostError} if no process accepted it for 30 seconds, and {@link WriteUncertainError} if its outcome is unknown: the holder was
   * killed, is silent for 30 seconds, or the disk is full. If a process has the file and does not answer, the first error, or the `cause` of the second, says which.
   */
  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    if (this.#closing) throw new JournalClosedError();
    return this.#direct?.write(entry, options) ?? this.#withReason(this.#guest!.write(entry, options));
  }

  /** {@link SharedScrivener.write} for several entries as one. */
  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    if (this.#closing) throw new JournalClosedError();
    const all = [...entries];
    return this.#direct?.writeAll(all, options) ?? this.#withReason(this.#guest!.writeAll(all, options));
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

  /** Completes this scrivener's tails. A holder answers pending requests, then releases the file, and another process takes it. Further calls return the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The file, if this process holds it: then no request is needed. */
  get #reads(): Pick<RemoteScrivener<T>, 'head' | 'first' | 'tail' | 'readBackward'> {
    return this.#seat.holder?.file ?? this.#guest!.reads;
  }

  /** Set if this process is the holder, and none of its earlier writes is pending at a socket. */
  get #direct(): Holder<T> | undefined {
    return this.#guest?.isWriting ? undefined : this.#seat.holder;
  }

  /** The result of a write; if it rejects, the error says who does not answer. */
  async #withReason<R>(writing: Promise<R>): Promise<R> {
    try {
      return await writing;
    } catch (error) {
      throw this.#seat.reasonForWrite(error);
    }
  }

  /** The status of a lost connection, with who does not answer. Meanwhile the file is taken if nobody has it. */
  async #withReasonOf(status: Extract<ConnectionStatus, { status: 'retrying' }>): Promise<ConnectionStatus> {
    // The holder has answered: it cannot read, as what is not flushed on a full disk.
    if (ScrivenerError.is((status.error as Error).cause)) return status;
    await this.#seat.look();
    return { ...status, error: this.#seat.reasonFor(status.error) };
  }

  async #close(): Promise<void> {
    await this.#guest?.close();
    await this.#seat.close();
  }
}
