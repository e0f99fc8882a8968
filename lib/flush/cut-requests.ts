import type { Observer } from 'rxjs';
import { START, type Position } from '../journal/position';

/**
 * Writers that waited for the previous batch resume within this many microtasks, and may write their next entry then. The flusher waits that long before
 * it cuts a batch for waiting writers, so that they share it.
 */
const TURNS = 16;

/** Which positions calls wait for: the snapshot that holds such a position is cut earlier than the predicate says. */
export class CutRequests {
  readonly #due: Observer<void>;
  readonly #isIdle: () => boolean;
  /** The newest position that must be cut as soon as the queue has room. */
  #target: Position = START;
  /** The newest position that a call waits for: it is cut when the sink is idle. */
  #awaited: Position = START;
  #isGathering = false;

  /**
   * @param due - notified when a cut has become due
   * @param isIdle - whether the sink has accepted everything that was cut
   */
  constructor(due: Observer<void>, isIdle: () => boolean) {
    this.#due = due;
    this.#isIdle = isIdle;
  }

  /** Whether a position after `cut`, the last one that was cut, must be cut now. */
  isDue(cut: Position): boolean {
    return this.#target > cut;
  }

  /** Requests that everything up to a position is cut as soon as the queue has room. */
  cutNow(position: Position): void {
    this.#target = Math.max(this.#target, position);
    this.#due.next();
  }

  /** Requests that everything up to a position is cut when the sink is idle, after all callers of this turn have written. */
  cutWhenIdle(position: Position): void {
    this.#awaited = Math.max(this.#awaited, position);
    void this.#gather();
  }

  /** The sink has accepted a batch; `cut`: the last position that was cut. */
  accepted(cut: Position): void {
    if (this.#awaited > cut) void this.#gather();
  }

  async #gather(): Promise<void> {
    if (this.#isGathering) return;
    this.#isGathering = true;
    for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
    this.#isGathering = false;
    if (this.#isIdle()) this.cutNow(this.#awaited);
  }
}
