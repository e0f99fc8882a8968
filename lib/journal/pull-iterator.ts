import { ENDED, PENDING, type Cursor } from './cursor';
import { Queue } from './queue';

/** How an iterator learns that its cursor, which had nothing to read, may have something now. */
export interface Wakeups {
  /** A `next` has to wait: call `pull` whenever there may be more to read. */
  join(pull: () => void): void;
  /** No `next` waits any more. */
  leave(): void;
  /** The iteration is over: release what it holds. */
  close?(): void;
}

interface Waiting<V> {
  resolve(result: IteratorResult<V, undefined>): void;
  reject(error: unknown): void;
}

/**
 * Iterates a cursor and holds nothing else; made by hand because an async generator costs more than twice as much a step, and cannot
 * be released while a `next` is pending.
 */
export class PullIterator<V> implements AsyncIterableIterator<V, undefined> {
  #cursor: Cursor<V>;
  #signal: AbortSignal | undefined;
  readonly #wakeups: Wakeups | undefined;
  /** Calls of `next` that wait: as many as the caller made without awaiting them. */
  readonly #waiting = new Queue<Waiting<V>>();
  #waits = false;

  constructor(cursor: Cursor<V>, signal?: AbortSignal, wakeups?: Wakeups) {
    this.#cursor = cursor;
    this.#signal = signal;
    this.#wakeups = wakeups;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<V, undefined>> {
    if (this.#waits) return this.#wait();
    let value;
    try {
      this.#signal?.throwIfAborted();
      value = this.#cursor.read();
    } catch (error) {
      this.#finish();
      return Promise.reject(error);
    }
    if (value === PENDING) return this.#wait();
    if (value === ENDED) return this.return();
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

  #wait(): Promise<IteratorResult<V, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#waits) return;
      this.#waits = true;
      this.#signal?.addEventListener('abort', this.#pull);
      this.#wakeups?.join(this.#pull);
    });
  }

  /** Answers as many waiting calls as there is something to read for. */
  readonly #pull = (): void => {
    while (this.#waiting.length > 0) {
      let value: V | typeof PENDING | typeof ENDED;
      try {
        this.#signal?.throwIfAborted();
        value = this.#cursor.read();
      } catch (error) {
        // Answered before the end is: closing may pull again.
        this.#waiting.shift()!.reject(error);
        this.#finish();
        continue;
      }
      if (value === PENDING) return;
      this.#waiting.shift()!.resolve(value === ENDED ? DONE : { done: false, value });
      if (value === ENDED) this.#finish();
    }
    if (!this.#waits) return;
    this.#waits = false;
    this.#signal?.removeEventListener('abort', this.#pull);
    this.#wakeups?.leave();
  };

  #finish(): void {
    if (this.#cursor === OVER) return;
    this.#cursor = OVER;
    this.#signal?.removeEventListener('abort', this.#pull);
    this.#signal = undefined;
    this.#wakeups?.close?.();
  }
}

const DONE: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });
const OVER: Cursor<never> = { read: () => ENDED };
