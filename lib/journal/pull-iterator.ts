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
  readonly #cursor: Cursor<V>;
  readonly #signal: AbortSignal | undefined;
  readonly #wakeups: Wakeups | undefined;
  /** Calls of `next` that wait: as many as the caller made without awaiting them. */
  readonly #waiting = new Queue<Waiting<V>>();
  #done = false;

  constructor(cursor: Cursor<V>, signal?: AbortSignal, wakeups?: Wakeups) {
    this.#cursor = cursor;
    this.#signal = signal;
    this.#wakeups = wakeups;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<V, undefined>> {
    if (this.#waiting.length === 0) {
      try {
        const result = this.#read();
        if (result !== undefined) return Promise.resolve(result);
      } catch (error) {
        return Promise.reject(error as Error);
      }
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#waiting.length > 1) return;
      this.#signal?.addEventListener('abort', this.#pull);
      this.#wakeups?.join(this.#pull);
    });
  }

  return(): Promise<IteratorResult<V, undefined>> {
    this.#finish();
    this.#pull();
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<IteratorResult<V, undefined>> {
    void this.return();
    return Promise.reject(error as Error);
  }

  /** Answers as many waiting calls as there is something to read for. */
  readonly #pull = (): void => {
    if (this.#waiting.length === 0) return;
    while (this.#waiting.length > 0) {
      try {
        const result = this.#read();
        if (result === undefined) return;
        this.#waiting.shift()!.resolve(result);
      } catch (error) {
        this.#waiting.shift()!.reject(error);
      }
    }
    this.#signal?.removeEventListener('abort', this.#pull);
    this.#wakeups?.leave();
  };

  #read(): IteratorResult<V, undefined> | undefined {
    if (this.#done) return DONE;
    try {
      this.#signal?.throwIfAborted();
      const value = this.#cursor.read();
      if (value === PENDING) return undefined;
      if (value !== ENDED) return { done: false, value };
    } catch (error) {
      this.#finish();
      throw error;
    }
    this.#finish();
    return DONE;
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#wakeups?.close?.();
  }
}

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined };
