import {
  catchError,
  concatAll,
  defer,
  EMPTY,
  filter,
  firstValueFrom,
  ignoreElements,
  map,
  merge,
  of,
  ReplaySubject,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  throwIfEmpty,
  type Observable,
} from 'rxjs';
import { ContractDaemon, DAEMON_OPTIONS, type DaemonOptions } from '../daemon/contract-daemon';
import { assertCount, assertFunction, assertMethods, assertOptions } from '../errors/assert-argument';
import { InvalidTransitionError } from '../errors/invalid-transition-error';
import { inheritMark, isContinued } from '../journal/group';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, START, type Position, type Positioned } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import { batchesOf } from '../operators/batches-of';
import { countThreshold } from '../operators/count-threshold';
import { waitLimits } from '../operators/wait-limits';
import { CutRequests } from './cut-requests';
import type { FlushPredicate, Snapshot } from './flush-predicate';
import type { FlushSink } from './flush-sink';
import type { FlusherStats } from './flusher-stats';
import { countFlusher } from './flushing-of';

/** What a flusher works on. */
export interface FlusherDaemonOptions<T> extends DaemonOptions {
  /** The journal to persist. */
  readonly scrivener: Scrivener<T>;
  /** Where the journal is persisted. The flusher closes it when it ends. */
  readonly sink: FlushSink<T>;
  /** When the active snapshot is cut. @default countThreshold(100) */
  readonly predicate?: FlushPredicate<T>;
  /** How many cut snapshots may wait while the sink is busy, an integer >= 1; beyond that the active one grows. @default 8 */
  readonly flushQueueCapacity?: number;
  /** The last position that the sink already holds. @default START */
  readonly after?: Position;
}

const OPTIONS: Record<keyof FlusherDaemonOptions<never>, true> = {
  ...DAEMON_OPTIONS,
  ...{ scrivener: true, sink: true, predicate: true, flushQueueCapacity: true, after: true },
};

/**
 * Persists a journal as it grows: its tail, through {@link bufferUntil} and `concatMap`, into a sink.
 *
 * Never blocks writers. Snapshots reach the sink whole, in order and once. When the journal completes, all of it is persisted and the
 * daemon completes. When the journal, the predicate or the sink fails, everything accepted before is persisted and the daemon fails.
 *
 * @example
 * ```ts
 * const flusher = new FlusherDaemon({ scrivener, sink, predicate: anyOf(countThreshold(100), elapsed(1_000)) });
 * await flusher.start();
 * await flusher.whenFlushed(await scrivener.write(entry));
 * await flusher.shutdown();
 * ```
 */
export class FlusherDaemon<in out T> extends ContractDaemon {
  /** `flushed`, then each change; completes when the daemon ends. */
  readonly flushed$: Observable<Position>;
  readonly #scrivener: Scrivener<T>;
  readonly #sink: FlushSink<T>;
  readonly #predicate: FlushPredicate<T>;
  readonly #capacity: number;
  readonly #after: Position;
  /** As `flushed$`, but errors with the error that fails the daemon. */
  readonly #progress = new ReplaySubject<Position>(1);
  readonly #stop = new Subject<void>();
  /** Each position as it arrives; observed only while a call waits for one. */
  readonly #arrived = new Subject<Position>();
  /** Emits when the queue has room, or when a call requests a cut of the active snapshot. */
  readonly #again = new Subject<void>();
  readonly #requests = new CutRequests(this.#again, () => this.#flushed === this.#cut);
  #flushed: Position;
  /** The snapshot that grows. */
  #active: Snapshot<T> | undefined;
  /** The last position of the newest snapshot that was cut. */
  #cut: Position;
  /** Whether the journal has completed and delivered everything. */
  #ended = false;
  #queued = 0;
  #batches = 0;
  #lastFlushMs: number | undefined;
  /** Settles when everything received is persisted, or something failed; set while started. */
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #countOut: (() => void) | undefined;

  /** @throws RangeError if `after` is not a position or `flushQueueCapacity` not an integer >= 1 */
  constructor(options: FlusherDaemonOptions<T>) {
    assertOptions('FlusherDaemon', options, OPTIONS);
    super(options);
    const { scrivener, sink, predicate = countThreshold(100), flushQueueCapacity = 8, after = START } = options;
    assertMethods('scrivener', scrivener, ['tail', 'readBackward']);
    assertMethods('sink', sink, ['append']);
    assertFunction('predicate', predicate);
    assertPosition('after', after);
    assertCount('flushQueueCapacity', flushQueueCapacity);
    this.#scrivener = scrivener;
    this.#sink = sink;
    this.#predicate = predicate;
    this.#capacity = flushQueueCapacity;
    this.#after = this.#flushed = this.#cut = after;
    this.#progress.next(after);
    this.flushed$ = this.#progress.asObservable().pipe(catchError(() => EMPTY));
    this.waitForFailure().then(
      (error) => this.#progress.error(error),
      () => this.#progress.complete(),
    );
  }

  /** The last position that the sink has accepted. */
  get flushed(): Position {
    return this.#flushed;
  }

  /** Its counters at this moment. */
  get stats(): FlusherStats {
    return {
      written: this.#newest,
      flushed: this.#flushed,
      lag: this.#newest - this.#flushed,
      queueDepth: this.#queued,
      batches: this.#batches,
      bytes: this.#sink.bytes,
      lastFlushMs: this.#lastFlushMs,
    };
  }

  /**
   * Resolves when the sink has accepted `position`; immediately if it already has.
   * Does not wait for the predicate: the batch of `position` is cut when the sink is idle, with everything written by then.
   * Rejects with the error that failed the daemon, {@link InvalidTransitionError} if it completed before, `TimeoutError`, and the signal's reason.
   */
  async whenFlushed(position: Position, options?: WaitOptions): Promise<void> {
    assertPosition('position', position);
    await firstValueFrom(
      this.#accepted(position, () => this.#requests.cutWhenIdle(position)).pipe(
        waitLimits(options, `position ${position} to be flushed`),
      ),
    );
  }

  /**
   * Cuts the active snapshot now; resolves when everything written before the call is in the sink.
   * Rejects with the error that failed the daemon, and {@link InvalidTransitionError} before `start`.
   */
  async flush(): Promise<void> {
    if (this.#drained === undefined) throw new InvalidTransitionError(this.name, this.status, 'flush');
    await firstValueFrom(
      this.#written().pipe(switchMap((newest) => this.#accepted(newest, () => this.#requests.cutNow(newest)))),
    );
  }

  /**
   * {@link ContractDaemon.shutdown}; resolves when the sink is closed and holds everything that was written, even if the daemon has failed.
   * As long as something that was written is not in the sink, each call rejects with the error that failed the daemon.
   */
  override async shutdown(): Promise<void> {
    try {
      await super.shutdown();
    } finally {
      await this.#closed?.catch(() => undefined);
    }
    if (this.status !== 'Failed' || this.#drained === undefined) return;
    const written = await firstValueFrom(this.#written().pipe(catchError(() => of(this.#newest))));
    if (this.#flushed < Math.max(written, this.#newest)) throw await this.waitForFailure();
  }

  protected override async onStart(): Promise<void> {
    this.#countOut = countFlusher(this.#scrivener, this);
    this.#drained = new Promise((resolve, reject) => {
      this.#flushBatches().subscribe({
        next: (position) => {
          this.#batches++;
          this.#flushed = position;
          this.#progress.next(position);
          this.#requests.accepted(this.#cut);
        },
        error: reject,
        complete: resolve,
      });
    });
    this.#drained.then(
      () => this.shutdown().catch(() => undefined), // its failure is journaled
      (error: unknown) => this.#break(error),
    );
  }

  protected override async onShutdown(): Promise<void> {
    try {
      const flushed = this.flush();
      await flushed.catch(() => undefined); // what was received is still persisted
      this.#stop.next();
      await this.#drained;
      await flushed;
      await this.#closeSink();
      this.#countOut?.();
    } catch (error) {
      await this.#break(error);
    }
  }

  /** Emits the last position of each snapshot the sink has accepted. */
  #flushBatches(): Observable<Position> {
    return this.#scrivener.tail(this.#after).pipe(
      tap<Positioned<T>>({ next: inheritMark, complete: () => (this.#ended = true) }),
      // eslint-disable-next-line rxjs-x/no-unsafe-takeuntil -- what was received is persisted
      takeUntil(this.#stop),
      batchesOf<Positioned<T>>((snapshots) => this.#predicate(snapshots), {
        cuts: (active, isDue) => this.#cuts(active, isDue),
        again: this.#again,
      }),
      map((snapshot) => {
        this.#active = undefined;
        // If the tail ends inside a group, the received part of the group belongs to no batch.
        while (snapshot.length > 0 && isContinued(snapshot.at(-1)!)) snapshot.pop();
        if (snapshot.length === 0) return EMPTY;
        this.#queued++;
        this.#cut = lastPosition(snapshot);
        return defer(() => this.#append(snapshot));
      }),
      // Queued: otherwise the error would overtake the snapshots that wait for the sink.
      catchError((error: unknown) => of(throwError(() => error))),
      concatAll(),
    );
  }

  async #append(snapshot: Snapshot<T>): Promise<Position> {
    this.#queued--;
    this.#again.next();
    const start = performance.now();
    await this.#sink.append(snapshot);
    this.#lastFlushMs = performance.now() - start;
    return lastPosition(snapshot);
  }

  /** The predicate, `flush` or a waiting call requests the cut; a full queue, or a group that continues, delays it. */
  #cuts(active: Snapshot<T>, isDue: boolean): boolean {
    const newest = active[active.length - 1]!;
    this.#active = active;
    if (this.#arrived.observed) this.#arrived.next(newest.position);
    return (isDue || this.#requests.isDue(this.#cut)) && this.#queued < this.#capacity && !isContinued(newest);
  }

  /** The newest position received. */
  get #newest(): Position {
    return this.#active === undefined ? this.#cut : lastPosition(this.#active);
  }

  /** The newest position of the journal, or the one it had when it ended: a closed journal may refuse reads. */
  #written(): Observable<Position> {
    const newest = defer(() => of(this.#newest));
    return defer(() => (this.#ended ? newest : newestPosition(this.#scrivener))).pipe(
      catchError((error: unknown) => (this.#ended ? newest : throwError(() => error))),
    );
  }

  /**
   * Emits when the sink has accepted `position`; calls `ask` when the position is received but not accepted yet. Inside a subscriber of the journal,
   * the tail may lag the journal.
   */
  #accepted(position: Position, ask: () => void): Observable<unknown> {
    const accepted = this.#progress.pipe(
      filter((flushed) => flushed >= position),
      throwIfEmpty(() => new InvalidTransitionError(this.name, this.status, `flush ${position}`)),
    );
    const come = defer(() => (this.#newest >= position ? of(position) : this.#arrived)).pipe(
      filter((newest) => newest >= position),
      take(1),
      tap(ask),
      ignoreElements(),
    );
    return merge(accepted, come);
  }

  async #break(error: unknown): Promise<void> {
    this.#closeSink().catch(() => undefined); // the first failure is the one to report
    await this.fail(error);
  }

  #closeSink(): Promise<void> {
    return (this.#closed ??= (async () => this.#sink.close?.())());
  }
}

function lastPosition(snapshot: Snapshot<unknown>): Position {
  return snapshot.at(-1)!.position;
}
