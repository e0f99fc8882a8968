import type { Position } from '../journal/position';

/** So many flights are chained at most. */
const LONGEST = 256;
/** So many positions in a row have to follow each other before flights are chained, at least and at most. */
const PATIENCE = { least: 8, most: 64 };

/**
 * How many flights a {@link Publisher} may have in the air where the leader may change and the stream takes no batches. Each of them is stored only right
 * after the one before it (`Nats-Expected-Last-Msg-Id`), so none can be lost and the next not. That fails where others write in between: so flights are
 * chained while the positions that come back say that nobody else writes, and one is in the air otherwise.
 */
export class Chain {
  #inARow = 0;
  #patience = PATIENCE.least;
  #last: Position | undefined;

  /** How many may be in the air. */
  get length(): number {
    return Math.min(Math.max(1, 1 + this.#inARow - this.#patience), LONGEST);
  }

  /** A flight took a position. */
  acknowledged(position: Position): void {
    this.#inARow = this.#last !== undefined && position === this.#last + 1 ? this.#inARow + 1 : 0;
    this.#last = position;
    if (this.length === LONGEST) this.#patience = PATIENCE.least;
  }

  /** A flight was refused, for another one came between, or it is not known what became of some. */
  broke(): void {
    if (this.length > 1) this.#patience = Math.min(2 * this.#patience, PATIENCE.most);
    this.#inARow = 0;
  }
}
