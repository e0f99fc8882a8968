import { onAbort } from '../../journal/abort';
import type { WaitOptions } from '../../journal/scrivener';
import type { Position } from '../../journal/position';

/** What a backlog is measured by, and what makes it smaller for those who wait. */
export interface Backlogged {
  readonly head: Position;
  readonly flushed: Position;
  whenFlushed(position: Position, options?: WaitOptions): Promise<void>;
}

/** Bounds how many entries wait to be flushed: who comes past the bound waits in turn. */
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

  /** A group that is larger than may wait has room when nothing waits. */
  hasRoom(entries: number): boolean {
    if (this.#maxPending === Infinity) return true;
    const pending = this.#journal.head - this.#journal.flushed;
    return this.#waiting === 0 && (pending === 0 || pending + entries <= this.#maxPending);
  }

  /**
   * Appends when what is flushed leaves room for it, and those who came before have appended; rejects with the signal's reason when it is aborted before, also while
   * somebody else has the turn.
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
