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
import { JournalClosedError } from '../errors/journal-closed-error';
import type { RemoteScrivener } from '../http/client/remote-scrivener';
import type { Guest } from './guest';
import type { Holder } from './holder';
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
  /** How the file is written and read where another process has it; none if this one had it from the start. */
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
        switchMap((status) => (status.status === 'retrying' ? this.#explained(status) : of(status))),
        distinctUntilChanged((before, now) => before.status === 'open' && now.status === 'open'),
      )
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
    return defer(() => this.#seat.holder?.file.head$ ?? this.#guest!.head$);
  }

  /** The last position that is in the file; a guest hears of nothing else. */
  get flushed(): Position {
    return this.#seat.holder?.file.flushed ?? this.#reads.head;
  }

  /** `flushed`, then each change; completes when this scrivener is closed. */
  get flushed$(): Observable<Position> {
    return this.role$.pipe(
      switchMap(() => this.#seat.holder?.file.flushed$ ?? this.#guest?.head$ ?? of(this.flushed)),
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
    return this.#direct?.write(entry, options) ?? this.#told(this.#guest!.write(entry, options));
  }

  /** {@link SharedScrivener.write} for several entries as one. */
  async writeAll(entries: Iterable<T>, options: WriteOptions = {}): Promise<Position[]> {
    if (this.#closing) throw new JournalClosedError();
    const all = [...entries];
    return this.#direct?.writeAll(all, options) ?? this.#told(this.#guest!.writeAll(all, options));
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
  get #reads(): Pick<RemoteScrivener<T>, 'head' | 'first' | 'tail' | 'readBackward'> {
    return this.#seat.holder?.file ?? this.#guest!.reads;
  }

  /** The holder that this process is, when nothing that was written before is on its way through a socket. */
  get #direct(): Holder<T> | undefined {
    return this.#guest?.isWriting ? undefined : this.#seat.holder;
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
    await this.#guest?.close();
    await this.#seat.close();
  }
}
