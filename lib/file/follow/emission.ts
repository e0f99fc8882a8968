import { START, type Position, type Positioned } from '../../journal/position';

/** What a reader emits of the entries that it reads in growing files: those after a position, each once. */
export class Emission<T> {
  #last = START;
  readonly #after: Position;

  constructor(after: Position) {
    this.#after = after;
  }

  /** The last position that was emitted. */
  get last(): Position {
    return this.#last;
  }

  *of(records: readonly Positioned<T>[]): Generator<readonly Positioned<T>[], void> {
    const after = Math.max(this.#after, this.#last);
    const newer = records.filter(({ position }) => position > after);
    if (newer.length === 0) return;
    this.#last = newer.at(-1)!.position;
    yield newer;
  }
}
