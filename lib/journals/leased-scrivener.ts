import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  firstValueFrom,
  Observable,
  takeLast,
  type ObservableInput,
} from 'rxjs';
import { isNotFound, JournalNotFoundError } from '../errors/journal-not-found-error';
import { forwardAbort } from '../journal/abort';
import { assertReadOptions, assertTailOptions, assertWriteOptions } from '../journal/assert-options';
import { firstMatch } from '../journal/first-match';
import { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import { assertPosition, END, START, type Position, type Positioned } from '../journal/position';
import type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from '../journal/scrivener';
import { forgetStates } from '../state/kept-state';

/** A scrivener of this package: it knows where its journal begins and ends, and writes groups. */
export interface Opened<T> extends Scrivener<T>, GroupWriter<T> {
  readonly head: Position;
  readonly head$: Observable<Position>;
  readonly first: Position;
}

/** The use of an open journal: it is not closed under its user. */
export interface Lease<S> {
  readonly scrivener: S;
  /** Whether the journal was deleted meanwhile. */
  readonly isDeleted: boolean;
  /** Ends the use. */
  release(): void;
}

/** Who borrows an open journal. */
export interface Borrower<S> {
  /** Whether a journal that does not exist is created; otherwise that is a {@link JournalNotFoundError}. */
  readonly creates: boolean;
  /** Receives the open journal, in the order of the requests, immediately if it is open. The borrower releases it. */
  use(lease: Lease<S>): void;
  fail(error: unknown): void;
}

/** What a scrivener borrows the open journal from. */
export interface Lender<S> {
  borrow(name: string, borrower: Borrower<S>): void;
  /** The journal, if it is open now. */
  opened(name: string): S | undefined;
}

/** Where a journal begins and ends. */
type Ends = Pick<Opened<unknown>, 'first' | 'head'>;

const NOTHING: Ends = { first: START + 1, head: START };

/** A journal by its name, whether or not it is open: each use opens it, and keeps it open until the use ends. */
export class LeasedScrivener<in out T, S extends Opened<T> = Opened<T>> implements Scrivener<T>, GroupWriter<T> {
  readonly #name: string;
  readonly #lender: Lender<S>;
  /** As they were at the end of the last use. */
  #ends = NOTHING;

  constructor(name: string, lender: Lender<S>) {
    this.#name = name;
    this.#lender = lender;
  }

  /** The last position, as it was when the journal was open last; {@link START} before its first use. */
  get head(): Position {
    return (this.opened ?? this.#ends).head;
  }

  /** The oldest position kept, as it was when the journal was open last. */
  get first(): Position {
    return (this.opened ?? this.#ends).first;
  }

  /** The last position, then each further one, in order; opens the journal. */
  get head$(): Observable<Position> {
    return this.observed(({ head$ }) => head$);
  }

  async write(entry: T, options?: WriteOptions): Promise<Position> {
    if (options !== undefined) assertWriteOptions(options);
    return this.using(true, (scrivener) => scrivener.write(entry, options), options?.signal);
  }

  async writeAll(entries: Iterable<T>, options?: WriteOptions): Promise<Position[]> {
    const group = [...entries];
    if (options !== undefined) assertWriteOptions(options);
    return this.using(true, (scrivener) => scrivener.writeAll(group, options), options?.signal);
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after: Position | 'oldest' = START, options: TailOptions<T> = {}): JournalStream<T> {
    assertTailOptions(options);
    if (after !== 'oldest') assertPosition('after', after);
    const { signal, ...others } = options;
    return this.#stream((scrivener) => scrivener.tail(after, others), signal);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before: Position = END, options: ReadOptions<T> = {}): JournalStream<T> {
    assertPosition('before', before);
    assertReadOptions(options);
    const { signal, ...others } = options;
    return this.#stream((scrivener) => scrivener.readBackward(before, others), signal);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return firstMatch(this, after, match, options);
  }

  /** In JavaScript, `source$.subscribe(scrivener)` would find no `next` and silently drop everything. */
  protected next(): never {
    throw new TypeError('This scrivener is not an observer: write the source with `source$.pipe(writeTo(scrivener))`');
  }

  /** The journal was deleted: what was known of it no longer applies. */
  forget(): void {
    this.#ends = NOTHING;
    forgetStates(this);
  }

  /** The journal, if it is open now. */
  protected get opened(): S | undefined {
    return this.#lender.opened(this.#name);
  }

  /**
   * Runs work on the open journal; rejects with {@link JournalNotFoundError} if the journal is deleted meanwhile.
   *
   * @param signal - ends the wait until it is open
   */
  protected using<R>(creates: boolean, work: (scrivener: S) => Promise<R>, signal?: AbortSignal): Promise<R> {
    return firstValueFrom(this.#use(this.#lease(creates, signal), work));
  }

  /** An Observable of the open journal, which stays open until it ends. */
  protected observed<R>(observe: (scrivener: S) => ObservableInput<R>): Observable<R> {
    return this.#use(this.#lease(false), observe);
  }

  #stream(read: (scrivener: S) => JournalStream<T>, signal: AbortSignal | undefined): JournalStream<T> {
    const pulled = pagedStream<T>((left) => this.#pages(read, left), signal);
    return new JournalStream(
      (subscriber) => {
        forwardAbort(signal, subscriber);
        if (!subscriber.closed) this.observed(read).subscribe(subscriber);
      },
      () => pulled[Symbol.asyncIterator](),
    );
  }

  async *#pages(
    read: (scrivener: S) => JournalStream<T>,
    left: AbortSignal,
  ): AsyncGenerator<readonly Positioned<T>[], void> {
    const lease = await firstValueFrom(this.#lease(false));
    try {
      const records = read(lease.scrivener)[Symbol.asyncIterator]();
      const leave = () => void records.return?.();
      left.addEventListener('abort', leave);
      if (left.aborted) leave();
      for (let next = await records.next(); !next.done; next = await records.next()) yield [next.value];
      if (lease.isDeleted) throw new JournalNotFoundError(this.#name);
    } catch (error) {
      throw this.#toError(lease, error);
    } finally {
      this.#release(lease);
    }
  }

  /** Emits a lease when the journal is open; its receiver releases it. */
  #lease(creates: boolean, signal?: AbortSignal): Observable<Lease<S>> {
    return new Observable((subscriber) => {
      forwardAbort(signal, subscriber);
      if (subscriber.closed) return;
      this.#lender.borrow(this.#name, {
        creates,
        use: (lease) => {
          if (subscriber.closed) return this.#release(lease);
          subscriber.next(lease);
          subscriber.complete();
        },
        fail: (error) => subscriber.error(error),
      });
    });
  }

  #use<R>(lease$: Observable<Lease<S>>, work: (scrivener: S) => ObservableInput<R>): Observable<R> {
    return lease$.pipe(
      takeLast(1), // when the work begins, an abort no longer ends the wait
      concatMap((lease) => {
        const assertThere = defer(() => {
          if (lease.isDeleted) throw new JournalNotFoundError(this.#name);
          return EMPTY;
        });
        const worked = defer(() => work(lease.scrivener));
        return concat(worked, assertThere).pipe(
          catchError((error: unknown) => {
            throw this.#toError(lease, error);
          }),
          finalize(() => this.#release(lease)),
        );
      }),
    );
  }

  #release(lease: Lease<S>): void {
    const { first, head } = lease.scrivener;
    if (!lease.isDeleted) this.#ends = { first, head };
    lease.release();
  }

  #toError(lease: Lease<S>, error: unknown): unknown {
    return lease.isDeleted && !isNotFound(error) ? new JournalNotFoundError(this.#name) : error;
  }
}
