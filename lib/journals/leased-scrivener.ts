import { defer, Observable, type Subscriber } from 'rxjs';
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

  /** Runs work on the open journal; rejects with {@link JournalNotFoundError} if the journal is deleted meanwhile. */
  protected using<R>(creates: boolean, work: (scrivener: S) => Promise<R>, signal?: AbortSignal): Promise<R> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#lender.borrow(this.#name, {
        creates,
        use: (lease) => {
          work(lease.scrivener)
            .catch((error: unknown) => {
              throw this.#toError(lease, error);
            })
            .finally(() => this.#release(lease))
            .then(resolve, reject);
        },
        fail: reject,
      });
    });
  }

  /** An Observable of the open journal, which stays open until it ends. */
  protected observed<R>(observe: (scrivener: S) => Observable<R>): Observable<R> {
    return defer(() => this.#observe((scrivener) => observe(scrivener)));
  }

  #stream(read: (scrivener: S) => JournalStream<T>, signal: AbortSignal | undefined): JournalStream<T> {
    const pulled = pagedStream<T>((left) => this.#pages(read, left), signal);
    return new JournalStream(
      (subscriber) => {
        forwardAbort(signal, subscriber);
        if (!subscriber.closed) subscriber.add(this.#observe(read).subscribe(subscriber));
      },
      () => pulled[Symbol.asyncIterator](),
    );
  }

  async *#pages(
    read: (scrivener: S) => JournalStream<T>,
    left: AbortSignal,
  ): AsyncGenerator<readonly Positioned<T>[], void> {
    const lease = await new Promise<Lease<S>>((use, fail) =>
      this.#lender.borrow(this.#name, { creates: false, use, fail }),
    );
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

  #observe<R>(observe: (scrivener: S) => Observable<R>): Observable<R> {
    return new Observable((subscriber) => {
      this.#lender.borrow(this.#name, {
        creates: false,
        use: (lease) => {
          subscriber.add(() => this.#release(lease));
          if (!subscriber.closed) this.#follow(lease, observe, subscriber);
        },
        fail: (error) => subscriber.error(error),
      });
    });
  }

  #follow<R>(lease: Lease<S>, observe: (scrivener: S) => Observable<R>, subscriber: Subscriber<R>): void {
    const follower = observe(lease.scrivener).subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => subscriber.error(this.#toError(lease, error)),
      complete: () => {
        if (lease.isDeleted) subscriber.error(new JournalNotFoundError(this.#name));
        else subscriber.complete();
      },
    });
    subscriber.add(follower);
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
