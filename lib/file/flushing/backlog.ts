import { onAbort } from '../../journal/abort';
import type { WaitOptions } from '../../journal/scrivener';
import type { Position } from '../../journal/position';

/** What determines a backlog's size, and how to make it smaller for waiting writers. */
export interface Backlogged {
  readonly head: Position;
  readonly flushed: Position;
  whenFlushed(position: Position, options?: WaitOptions): Promise<void>;
}

/** Bounds how many entries wait to be flushed: writers beyond the bound wait in turn. */
export class Backlog {
  readonly #maxPending: number;
  readonly #journal: Backlogged;
  /** The end of the newest turn, and how many there are. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(maxPending: number, journal: Backlogged) {
    this.#maxPending = maxPending;
    this.#journal = journal;
  }

  /** A group larger than the bound has room when nothing waits. */
  hasRoom(entries: number): boolean {
    if (this.#maxPending === Infinity) return true;
    const pending = this.#journal.head - this.#journal.flushed;
    return this.#waiting === 0 && (pending === 0 || pending + entries <= this.#maxPending);
  }

  /**
   * Appends when flushing has made room and earlier callers have appended; rejects with the signal's reason if it is aborted before that, even while
   * another caller has the turn.
   */
  async whenRoom<R>(entries: number, signal: AbortSignal | undefined, append: () => R): Promise<R> {
    signal?.throwIfAborted();
    this.#waiting++;
    const turn = this.#turn.then(async () => {
      signal?.throwIfAborted();
      await this.#makeRoom(entries, signal);
      return append();
    });
    this.#turn = turn.catch(() => undefined);
    try {
      return await (signal ? untilAborted(turn, signal) : turn);
    } finally {
      this.#waiting--;
    }
  }

  async #makeRoom(entries: number, signal: AbortSignal | undefined): Promise<void> {
    const journal = this.#journal;
    const targetPosition = () => Math.min(journal.head, journal.head + entries - this.#maxPending);
    while (journal.flushed < targetPosition()) await journal.whenFlushed(targetPosition(), { signal });
  }
}

function untilAborted<R>(promise: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const unlisten = onAbort(signal, () => reject(signal.reason as Error));
    promise.then(resolve, reject).finally(unlisten);
  });
}
