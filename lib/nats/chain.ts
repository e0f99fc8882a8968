import type { Position } from '../journal/position';

/** The most flights in a chain. */
const LONGEST = 256;
/** How many consecutive positions must come back before flights are chained, at least and at most. */
const PATIENCE = { least: 8, most: 64 };

/**
 * How many flights a {@link Publisher} may have in the air if the leader may change and the stream takes no batches. Each of them is stored only directly
 * after the one before it (`Nats-Expected-Last-Msg-Id`), so it is impossible that one is lost and the next is stored. If others write in between, flights are refused. So they are
 * chained only while the positions that come back show that nobody else writes; otherwise one is in the air at a time.
 */
export class Chain {
  #inARow = 0;
  #patience = PATIENCE.least;
  #last: Position | undefined;

  /** How many may be in the air. */
  get length(): number {
    return Math.min(Math.max(1, 1 + this.#inARow - this.#patience), LONGEST);
  }

  /** A flight was stored at a position. */
  acknowledged(position: Position): void {
    this.#inARow = this.#last !== undefined && position === this.#last + 1 ? this.#inARow + 1 : 0;
    this.#last = position;
    if (this.length === LONGEST) this.#patience = PATIENCE.least;
  }

  /** A flight was refused because another came between, or the outcome of some is unknown. */
  broke(): void {
    if (this.length > 1) this.#patience = Math.min(2 * this.#patience, PATIENCE.most);
    this.#inARow = 0;
  }
}
