import { onAbort } from './abort';
import { ENDED, PENDING, type Cursor } from './cursor';
import { Queue } from './queue';

/** How an iterator learns that its cursor, which had nothing to read, may have something. */
export interface Wakeups {
  /** A `next` is waiting: call `pull` whenever there may be more to read. */
  join(pull: () => void): void;
  /** No `next` is waiting any longer. */
  leave(): void;
  /** The iteration has ended: release what it holds. */
  close?(): void;
}

interface Waiting<V> {
  resolve(result: IteratorResult<V, undefined>): void;
  reject(error: unknown): void;
}

/**
 * Iterates a cursor and holds nothing else. Written by hand because an async generator costs more than twice as much per step, and cannot
 * be released while a `next` is pending.
 *
 * Reading may run user code (`caughtUp`), which may do anything: abort, write, call `next` or `return`. So a `next` that finds nothing
 * waits in this order: queue the call, join, read once more.
 */
export class PullIterator<V> implements AsyncIterableIterator<V, undefined> {
  #cursor: Cursor<V>;
  #signal: AbortSignal | undefined;
  readonly #wakeups: Wakeups | undefined;
  /** Pending calls of `next`: as many as the caller made without awaiting them. */
  readonly #waiting = new Queue<Waiting<V>>();
  #reads = false;
  /** Whether a pull was requested while the cursor was reading. */
  #again = false;
  #joined = false;
  #unlisten: (() => void) | undefined;

  constructor(cursor: Cursor<V>, signal?: AbortSignal, wakeups?: Wakeups) {
    this.#cursor = cursor;
    this.#signal = signal;
    this.#wakeups = wakeups;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<V, undefined>> {
    if (this.#reads || this.#waiting.length > 0) return this.#wait('last');
    let value;
    try {
      value = this.#read();
    } catch (error) {
      this.#finish();
      this.#pull();
      return Promise.reject(error);
    }
    if (value === PENDING) return this.#wait('first');
    if (value === ENDED) return this.return();
    if (this.#waiting.length > 0) this.#join();
    return Promise.resolve({ done: false, value });
  }

  return(): Promise<IteratorResult<V, undefined>> {
    this.#finish();
    this.#pull();
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<IteratorResult<V, undefined>> {
    void this.return();
    return Promise.reject(error);
  }

  #read(): V | typeof PENDING | typeof ENDED {
    this.#again = false;
    this.#signal?.throwIfAborted();
    this.#reads = true;
    try {
      return this.#cursor.read();
    } finally {
      this.#reads = false;
    }
  }

  /** @param turn - 'first' for a call that has already read: calls made during its reading are later */
  #wait(turn: 'first' | 'last'): Promise<IteratorResult<V, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting[turn === 'first' ? 'unshift' : 'push']({ resolve, reject });
      if (!this.#reads) this.#join();
    });
  }

  #join(): void {
    if (!this.#joined) {
      this.#joined = true;
      if (this.#signal) this.#unlisten = onAbort(this.#signal, this.#pull);
      this.#wakeups?.join(this.#pull);
    }
    this.#pull();
  }

  /** Answers waiting calls as long as there is something to read. */
  readonly #pull = (): void => {
    if (this.#reads) {
      this.#again = true;
      return;
    }
    while (this.#waiting.length > 0) {
      let value: V | typeof PENDING | typeof ENDED;
      try {
        value = this.#read();
      } catch (error) {
        // These are answered before the end: closing may pull again.
        this.#waiting.shift()!.reject(error);
        this.#finish();
        continue;
      }
      if (value === PENDING) {
        if (this.#again) continue;
        return;
      }
      this.#waiting.shift()!.resolve(value === ENDED ? DONE : { done: false, value });
      if (value === ENDED) this.#finish();
    }
    if (!this.#joined) return;
    this.#joined = false;
    this.#unlisten?.();
    this.#wakeups?.leave();
  };

  #finish(): void {
    if (this.#cursor === OVER) return;
    this.#cursor = OVER;
    this.#unlisten?.();
    this.#signal = undefined;
    this.#wakeups?.close?.();
  }
}

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });
const OVER: Cursor<never> = { read: () => ENDED };
