import { filter, firstValueFrom, ReplaySubject, throwIfEmpty, type Observable } from 'rxjs';
import { InvalidTransitionError } from '../errors/invalid-transition-error';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import { waitLimits } from '../operators/wait-limits';
import type { DaemonEvent, DaemonStatus } from './daemon-event';

/** What every daemon is built with. */
export interface DaemonOptions {
  /** Where it journals what happens to it. Default: nowhere. A journal that refuses its events does not disturb it. */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
  /** What it is called in its events and errors. Default: its class's name. */
  readonly name?: string;
}

/**
 * Work in the background with a lifecycle: started once, shut down once, failed at any time.
 *
 * Lifecycle calls are serialized, the first of them begins at once. For a daemon of your own, open in `onStart`, finish in `onShutdown`,
 * and call `fail` when the work between them breaks; a hook that rejects fails the daemon too.
 *
 * @example
 * ```ts
 * class Heartbeat extends ContractDaemon {
 *   #beats?: Subscription;
 *   protected async onStart() {
 *     this.#beats = interval(1_000).pipe(concatMap(beat)).subscribe({ error: (error) => this.fail(error) });
 *   }
 *   protected async onShutdown() {
 *     this.#beats?.unsubscribe();
 *   }
 * }
 * ```
 */
export abstract class ContractDaemon implements AsyncDisposable {
  readonly name: string;
  /** The current status, then each change; completes behind 'Completed' and 'Failed'. */
  readonly status$: Observable<DaemonStatus>;
  readonly #statuses = new ReplaySubject<DaemonStatus>(1);
  readonly #events: Scrivener<DaemonEvent> | undefined;
  readonly #reached = new Set<DaemonStatus>();
  #status!: DaemonStatus;
  #failure: { readonly error: unknown } | undefined;
  #starting = false;
  /** The end of the newest lifecycle call, while one is under way. */
  #lifecycle: Promise<unknown> | undefined;

  constructor({ daemonEvents, name }: DaemonOptions = {}) {
    this.name = name ?? this.constructor.name;
    this.#events = daemonEvents;
    this.status$ = this.#statuses.asObservable();
    this.#reach('Stopped');
  }

  get status(): DaemonStatus {
    return this.#status;
  }

  /**
   * Starts the daemon; resolves once it is Running, at once when it is.
   * Rejects with {@link InvalidTransitionError} once it is Completed or Failed, and with what `onStart` rejects with, which fails it.
   */
  start(): Promise<void> {
    return this.#serialize(async () => {
      if (this.#status === 'Running') return;
      if (this.#ended) throw new InvalidTransitionError(this.name, this.#status, 'start');
      this.#starting = true;
      try {
        await this.onStart();
      } catch (error) {
        this.#starting = false;
        await this.fail(error);
        this.#enter('Failed');
        throw error;
      }
      this.#starting = false;
      this.#enter('Running');
      if (this.#failure) this.#enter('Failed');
    });
  }

  /**
   * Ends the daemon; resolves once it is Completed, at once when it has ended already.
   * Rejects with {@link InvalidTransitionError} when it was never started, and with the error when it fails on the way.
   */
  shutdown(): Promise<void> {
    return this.#serialize(async () => {
      if (this.#ended) return;
      if (this.#status === 'Stopped') throw new InvalidTransitionError(this.name, this.#status, 'shut down');
      try {
        await this.onShutdown();
      } catch (error) {
        await this.fail(error);
      }
      if (this.#failure) throw this.#failure.error;
      this.#enter('Completed');
    });
  }

  /** Shuts the daemon down, if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lifecycle;
    if (this.#status !== 'Stopped') await this.shutdown();
  }

  /**
   * Resolves when the daemon reaches a status, at once when it did already.
   * Rejects with {@link InvalidTransitionError} when it can no longer come, with `TimeoutError` and with the signal's reason.
   */
  async waitFor(status: DaemonStatus, options?: WaitOptions): Promise<void> {
    if (this.#reached.has(status)) return;
    await firstValueFrom(
      this.status$.pipe(
        filter((reached) => reached === status),
        throwIfEmpty(() => new InvalidTransitionError(this.name, this.#status, `become ${status}`)),
        waitLimits(options),
      ),
    );
  }

  /** Resolves with the error of the first failure; rejects as `waitFor('Failed')` does. */
  async waitForFailure(options?: WaitOptions): Promise<unknown> {
    await this.waitFor('Failed', options);
    return this.#failure?.error;
  }

  /** Begins the work; resolves once it is under way. */
  protected abstract onStart(): Promise<void>;

  /** Ends the work; resolves once everything is finished and released. */
  protected abstract onShutdown(): Promise<void>;

  /**
   * The daemon's work has broken: journals the error and makes the status Failed (while it is starting, right behind Running).
   * Only the first failure counts; none does once the daemon has ended.
   */

  protected async fail(error: unknown): Promise<void> {
    if (this.#ended || this.#failure) return;
    this.#failure = { error };
    this.#journal({ type: 'FailureOccurred', daemon: this.name, error });
    if (!this.#starting) this.#enter('Failed');
  }

  get #ended(): boolean {
    return isEnd(this.#status);
  }

  #serialize(step: () => Promise<void>): Promise<void> {
    const run = this.#lifecycle ? this.#lifecycle.then(step) : step();
    const settled = run.then(noop, noop).then(() => {
      if (this.#lifecycle === settled) this.#lifecycle = undefined;
    });
    this.#lifecycle = settled;
    return run;
  }

  #enter(status: DaemonStatus): void {
    if (this.#ended) return;
    this.#journal({ type: 'StatusChanged', daemon: this.name, status });
    this.#reach(status);
    if (isEnd(status)) this.#statuses.complete();
  }

  #reach(status: DaemonStatus): void {
    this.#status = status;
    this.#reached.add(status);
    this.#statuses.next(status);
  }

  #journal(event: DaemonEvent): void {
    const write = async () => this.#events?.write(event);
    write().catch(noop);
  }
}

function isEnd(status: DaemonStatus): boolean {
  return status === 'Completed' || status === 'Failed';
}

function noop(): void {}
