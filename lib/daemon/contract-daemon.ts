import { filter, firstValueFrom, ReplaySubject, throwIfEmpty, type Observable } from 'rxjs';
import { assertMethods, assertOneOf, shown } from '../errors/assert-argument';
import { InvalidTransitionError } from '../errors/invalid-transition-error';
import type { Scrivener, WaitOptions } from '../journal/scrivener';
import { waitLimits } from '../operators/wait-limits';
import { failureOccurred, type DaemonEvent, type DaemonStatus } from './daemon-event';

/** Options of every daemon. */
export interface DaemonOptions {
  /** The journal for its events. Default: none. If that journal refuses an event, the daemon continues. */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
  /** Its name in events and errors. Default: the name of its class. */
  readonly name?: string;
}

const STATUSES: readonly DaemonStatus[] = ['Stopped', 'Running', 'Completed', 'Failed'];

export const DAEMON_OPTIONS: Record<keyof DaemonOptions, true> = { daemonEvents: true, name: true };

/**
 * Background work with a lifecycle: it starts once, shuts down once, and may fail at any time.
 *
 * Lifecycle calls, including those that a hook makes, are serialized: each waits for the earlier ones, and the first begins immediately. For a daemon of
 * your own, open in `onStart`, finish in `onShutdown`, and call `fail` if the work between them breaks; a hook that rejects also fails the daemon.
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
  /** The current status, then each change; completes after 'Completed' and 'Failed'. Every subscriber receives each status while it is current. */
  readonly status$: Observable<DaemonStatus>;
  readonly #statuses = new ReplaySubject<DaemonStatus>(1);
  readonly #events: Scrivener<DaemonEvent> | undefined;
  readonly #reached = new Set<DaemonStatus>(['Stopped']);
  /** The statuses to emit: every subscriber receives a status before the next one is reached. */
  readonly #coming: DaemonStatus[] = [];
  #isEmitting = false;
  #status: DaemonStatus = 'Stopped';
  #failure: { readonly error: unknown } | undefined;
  #starting = false;
  /** Resolves when the newest lifecycle call has ended; `undefined` if none is running. */
  #lifecycle: Promise<void> | undefined;

  constructor({ daemonEvents, name }: DaemonOptions = {}) {
    if (name !== undefined && typeof name !== 'string')
      throw new TypeError(`Expected \`name\` to be a string, got ${shown(name)}`);
    if (daemonEvents !== undefined) assertMethods('daemonEvents', daemonEvents, ['write']);
    this.name = name ?? this.constructor.name;
    this.#events = daemonEvents;
    this.status$ = this.#statuses.asObservable();
    this.#statuses.next(this.#status);
  }

  get status(): DaemonStatus {
    return this.#status;
  }

  /**
   * Starts the daemon; resolves when it is Running, immediately if it already is.
   * Rejects with {@link InvalidTransitionError} if it is Completed or Failed, and with the error of `onStart`, which also fails it.
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
   * Ends the daemon; resolves when it is Completed, immediately if it has already ended.
   * Rejects with {@link InvalidTransitionError} if it was never started, and with the error if it fails during shutdown.
   * A call on a daemon that has ended changes nothing.
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

  /** Shuts the daemon down if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lifecycle;
    if (this.#status !== 'Stopped') await this.shutdown();
  }

  /**
   * Resolves when the daemon reaches a status, immediately if it already did.
   * Rejects with {@link InvalidTransitionError} if it can no longer reach it, with `TimeoutError` and with the signal's reason.
   */
  async waitFor(status: DaemonStatus, options?: WaitOptions): Promise<void> {
    assertOneOf('status', status, STATUSES);
    if (this.#reached.has(status)) return;
    await firstValueFrom(
      this.status$.pipe(
        filter((reached) => reached === status),
        throwIfEmpty(() => new InvalidTransitionError(this.name, this.#status, `become ${status}`)),
        waitLimits(options, `daemon ${shown(this.name)} to be ${status}`),
      ),
    );
  }

  /** Resolves with the error of the first failure; rejects as `waitFor('Failed')` does. */
  async waitForFailure(options?: WaitOptions): Promise<unknown> {
    await this.waitFor('Failed', options);
    return this.#failure?.error;
  }

  /** Starts the work; resolves when it is running. */
  protected abstract onStart(): Promise<void>;

  /** Ends the work; resolves when everything is finished and released. */
  protected abstract onShutdown(): Promise<void>;

  /**
   * Reports that the daemon's work has failed: the status becomes Failed (during a start: right after Running), and the error is written to the events journal.
   * Only the first failure counts, and none after the daemon has ended.
   */
  protected async fail(error: unknown): Promise<void> {
    if (this.#ended || this.#failure) return;
    this.#failure = { error };
    if (!this.#starting) this.#enter('Failed');
  }

  get #ended(): boolean {
    return isEnd(this.#status);
  }

  #serialize(step: () => Promise<void>): Promise<void> {
    const before = this.#lifecycle;
    let end!: () => void;
    // Before the step runs: its callbacks may call again.
    const lifecycle = (this.#lifecycle = new Promise<void>((resolve) => (end = resolve)));
    const run = before ? before.then(step) : step();
    void run.then(noop, noop).then(() => {
      if (this.#lifecycle === lifecycle) this.#lifecycle = undefined;
      end();
    });
    return run;
  }

  #enter(status: DaemonStatus): void {
    this.#coming.push(status);
    if (this.#isEmitting) return;
    this.#isEmitting = true;
    for (let next = this.#coming.shift(); next !== undefined; next = this.#coming.shift()) {
      if (!this.#ended) this.#reach(next);
    }
    this.#isEmitting = false;
  }

  #reach(status: DaemonStatus): void {
    this.#status = status;
    this.#reached.add(status);
    this.#statuses.next(status);
    if (status === 'Failed') this.#journal(failureOccurred(this.name, this.#failure?.error));
    this.#journal({ type: 'StatusChanged', daemon: this.name, status });
    if (isEnd(status)) this.#statuses.complete();
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
