import { MAX_DELAY_MS } from '../../errors/assert-argument';

/** Why a signal is aborted when the time is up, and when nobody wants it; made once, for each error takes a stack. */
export const TIMED_OUT = new Error('Nothing came in time');
const OVER = new Error('It is over');

/** One try at something that may hang: its signal aborts when the time is up, and when the caller gives up. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTimedOut = false;

  constructor(outer?: AbortSignal) {
    this.#outer = outer;
    outer?.addEventListener('abort', this.#abort);
    if (outer?.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it took longer than it was allowed to. */
  get isTimedOut(): boolean {
    return this.#isTimedOut;
  }

  /** Allows this much time from now on, in milliseconds; `Infinity` for no limit. */
  allow(ms: number): void {
    clearTimeout(this.#timer);
    if (ms <= MAX_DELAY_MS) this.#timer = setTimeout(this.#timeOut, ms);
  }

  /** Stops pending work, and releases everything. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
    this.#abort();
  }

  readonly #timeOut = (): void => {
    this.#isTimedOut = !this.signal.aborted;
    this.#controller.abort(TIMED_OUT);
  };

  readonly #abort = (): void => this.#controller.abort(OVER);
}
