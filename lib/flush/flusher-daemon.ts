import {
  catchError,
  concatAll,
  defer,
  delayWhen,
  dematerialize,
  EMPTY,
  filter,
  firstValueFrom,
  ignoreElements,
  map,
  materialize,
  merge,
  of,
  ReplaySubject,
  startWith,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  throwIfEmpty,
  type Observable,
} from 'rxjs';
import { ContractDaemon, type DaemonOptions } from '../daemon/contract-daemon';
import { assertCount } from '../errors/assert-argument';
import { InvalidTransitionError } from '../errors/invalid-transition-error';
import { isContinued } from '../journal/group';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, START, type Position } from '../journal/position';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import { bufferUntil } from '../operators/buffer-until';
import { countThreshold } from '../operators/count-threshold';
import { waitLimits } from '../operators/wait-limits';
import type { FlushPredicate, Snapshot } from './flush-predicate';
import type { FlushSink } from './flush-sink';
import type { FlusherStats } from './flusher-stats';
import { countFlusher } from './flushing-of';

/** What a flusher works on. */
export interface FlusherDaemonOptions<T> extends DaemonOptions {
  /** The journal to persist. */
  readonly scrivener: Scrivener<T>;
  /** Where to. The flusher closes it when it ends. */
  readonly sink: FlushSink<T>;
  /** When the active snapshot is cut. @default countThreshold(100) */
  readonly predicate?: FlushPredicate<T>;
  /** How many cut snapshots may wait while the sink is busy, an integer >= 1; past it the active one grows instead. @default 8 */
  readonly flushQueueCapacity?: number;
  /** The last position that the sink holds already. @default START */
  readonly after?: Position;
}

/**
 * Persists a journal as it grows: its tail, through {@link bufferUntil} and `concatMap`, into a sink.
 *
 * Writers are never blocked. Snapshots reach the sink whole, in order and once. When the journal completes, all of it is persisted and the
 * daemon completes; when the journal, the predicate or the sink fails, what was accepted before is persisted and the daemon fails.
 *
 * @example
 * ```ts
 * const flusher = new FlusherDaemon({ scrivener, sink, predicate: anyOf(countThreshold(100), elapsed(1_000)) });
 * await flusher.start();
 * await flusher.whenFlushed(await scrivener.write(entry));
 * await flusher.shutdown();
 * ```
 */
export class FlusherDaemon<T> extends ContractDaemon {
  /** `flushed`, then each change; completes when the daemon ends. */
  readonly flushed$: Observable<Position>;
  readonly #scrivener: Scrivener<T>;
  readonly #sink: FlushSink<T>;
  readonly #predicate: FlushPredicate<T>;
  readonly #capacity: number;
  readonly #after: Position;
  /** As `flushed$`, but errors with what the daemon fails with. */
  readonly #progress = new ReplaySubject<Position>(1);
  readonly #stop = new Subject<void>();
  readonly #cutNow = new Subject<void>();
  readonly #room = new Subject<void>();
  #flushed: Position;
  /** The snapshot that grows. */
  #active: Snapshot<T> | undefined;
  /** The last position of the newest snapshot that was cut. */
  #cut: Position;
  /** The newest position that `flush` was called for. */
  #wanted: Position = START;
  #queued = 0;
  #batches = 0;
  #lastFlushMs: number | undefined;
  /** Settles when everything seen is persisted, or something broke; set while started. */
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #countOut: (() => void) | undefined;

  /** @throws RangeError for an `after` that is no position and a `flushQueueCapacity` that is no integer >= 1 */
  constructor({
    scrivener,
    sink,
    predicate = countThreshold(100),
    flushQueueCapacity = 8,
    after = START,
    ...daemon
  }: FlusherDaemonOptions<T>) {
    super(daemon);
    assertPosition('after', after);
    assertCount('flushQueueCapacity', flushQueueCapacity);
    this.#scrivener = scrivener;
    this.#sink = sink;
    this.#predicate = predicate;
    this.#capacity = flushQueueCapacity;
    this.#after = this.#flushed = this.#cut = after;
    this.#progress.next(after);
    this.flushed$ = this.#progress.asObservable().pipe(catchError(() => EMPTY));
  }

  /** The last position that the sink has accepted. */
  get flushed(): Position {
    return this.#flushed;
  }

  /** How far it is, as counters at this moment. */
  get stats(): FlusherStats {
    return {
      written: this.#seen,
      flushed: this.#flushed,
      lag: this.#seen - this.#flushed,
      queueDepth: this.#queued,
      batches: this.#batches,
      bytes: this.#sink.bytes,
      lastFlushMs: this.#lastFlushMs,
    };
  }

  /**
   * Resolves once the sink has accepted a position, at once when it has.
   * Rejects with what the daemon fails with, {@link InvalidTransitionError} when it completed before, `TimeoutError`, and the signal's reason.
   */
  async whenFlushed(position: Position, options?: WaitOptions): Promise<void> {
    assertPosition('position', position);
    await firstValueFrom(
      this.#progress.pipe(
        filter((flushed) => flushed >= position),
        throwIfEmpty(() => new InvalidTransitionError(this.name, this.status, `flush ${position}`)),
        waitLimits(options),
      ),
    );
  }

  /**
   * Cuts the active snapshot now; resolves when everything written before the call is in the sink.
   * Rejects with what the daemon fails with, and {@link InvalidTransitionError} before `start`.
   */
  async flush(): Promise<void> {
    if (this.#drained === undefined) throw new InvalidTransitionError(this.name, this.status, 'flush');
    await firstValueFrom(
      newestPosition(this.#scrivener).pipe(
        tap((newest) => this.#cutThrough(newest)),
        switchMap((newest) => this.whenFlushed(newest)),
      ),
    );
  }

  /** {@link ContractDaemon.shutdown}; resolves once the sink is closed, also when the daemon has failed. */
  override async shutdown(): Promise<void> {
    try {
      await super.shutdown();
    } finally {
      await this.#closed?.catch(() => undefined);
    }
  }

  protected override async onStart(): Promise<void> {
    this.#countOut = countFlusher(this.#scrivener, this);
    this.#drained = new Promise((resolve, reject) => {
      this.#persist().subscribe({
        next: (position) => {
          this.#batches++;
          this.#flushed = position;
          this.#progress.next(position);
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
      await flushed.catch(() => undefined); // what was seen is persisted all the same
      this.#stop.next();
      await this.#drained;
      await flushed;
      await this.#closeSink();
      this.#countOut?.();
      this.#progress.complete();
    } catch (error) {
      await this.#break(error);
    }
  }

  /** Emits the last position of each snapshot the sink has accepted. */
  #persist(): Observable<Position> {
    return this.#scrivener.tail(this.#after).pipe(
      // eslint-disable-next-line rxjs-x/no-unsafe-takeuntil -- what has come is persisted
      takeUntil(this.#stop),
      bufferUntil((snapshots) => this.#due(snapshots)),
      map((snapshot) => {
        this.#queued++;
        this.#cut = lastPosition(snapshot);
        this.#active = undefined;
        return defer(() => this.#append(snapshot));
      }),
      // In turn: it would overtake the snapshots that wait for the sink.
      catchError((error: unknown) => of(throwError(() => error))),
      concatAll(),
    );
  }

  async #append(snapshot: Snapshot<T>): Promise<Position> {
    this.#queued--;
    this.#room.next();
    const start = performance.now();
    await this.#sink.append(snapshot);
    this.#lastFlushMs = performance.now() - start;
    return lastPosition(snapshot);
  }

  /** The user's predicate or `flush` says when; the queue's bound, or a group that goes on, may put it off. */
  #due(snapshots: Observable<Snapshot<T>>): Observable<unknown> {
    return merge(
      snapshots.pipe(
        take(1),
        tap((snapshot) => (this.#active = snapshot)),
        ignoreElements(),
      ),
      merge(
        snapshots.pipe(filter((snapshot) => this.#reachesWanted(snapshot))),
        snapshots.pipe(this.#predicate),
        this.#cutNow,
      ).pipe(
        materialize(),
        take(1),
        delayWhen(() => this.#cuttable(snapshots)),
        dematerialize(),
      ),
    );
  }

  /** Emits once the queue has room, and no group would be cut in two. */
  #cuttable(snapshots: Observable<unknown>): Observable<unknown> {
    return this.#room.pipe(
      startWith(undefined),
      filter(() => this.#queued < this.#capacity),
      take(1),
      switchMap(() => snapshots.pipe(startWith(undefined))),
      filter(() => this.#active !== undefined && !isContinued(this.#active.at(-1)!)),
    );
  }

  #reachesWanted(snapshot: Snapshot<T>): boolean {
    return snapshot[0]!.position <= this.#wanted && this.#seen >= this.#wanted;
  }

  /** The newest position that has come. */
  get #seen(): Position {
    return this.#active === undefined ? this.#cut : lastPosition(this.#active);
  }

  /** Called from inside a subscriber, the tail may not have come as far yet as the journal has. */
  #cutThrough(position: Position): void {
    this.#wanted = Math.max(this.#wanted, position);
    if (this.#seen >= position) this.#cutNow.next();
  }

  async #break(error: unknown): Promise<void> {
    this.#closeSink().catch(() => undefined); // the first failure is the one to report
    await this.fail(error);
    this.#progress.error(error);
  }

  #closeSink(): Promise<void> {
    return (this.#closed ??= (async () => this.#sink.close?.())());
  }
}

function lastPosition(snapshot: Snapshot<unknown>): Position {
  return snapshot.at(-1)!.position;
}
