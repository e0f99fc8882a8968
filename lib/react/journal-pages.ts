import { START, type Position, type Positioned } from '../journal/position';

/** So many records are read, and let go of, together. */
export const PAGE_SIZE = 100;

/** A range of positions, both included; empty where `from` is greater. */
export interface PositionRange {
  readonly from: Position;
  readonly to: Position;
}

/** Records by position, so many pages of them: those on the screen, the newest one, and of the others those used last. */
export class JournalPages<T> {
  readonly #maxPages: number;
  /** The one used last is the last. */
  readonly #pages = new Map<number, Positioned<T>[]>();
  #shown: PositionRange = { from: 1, to: START };
  #head = START;

  /** @param maxPages - at least 3 */
  constructor(maxPages: number) {
    this.#maxPages = maxPages;
  }

  /** The newest position there was. */
  get head(): Position {
    return this.#head;
  }

  /** What of the journal is on the screen; no more of it than there is room for. */
  get shown(): PositionRange {
    const to = Math.min(this.#shown.to, this.#head);
    // One page is the newest, and a range that begins within one takes a page more.
    return { from: Math.max(this.#shown.from, to - (this.#maxPages - 2) * PAGE_SIZE + 1), to };
  }

  at(position: Position): Positioned<T> | undefined {
    return this.#pages.get(pageOf(position))?.[slotOf(position)];
  }

  add(record: Positioned<T>): void {
    const { position } = record;
    if (position > this.#head) this.#head = position;
    const number = pageOf(position);
    let page = this.#pages.get(number);
    if (page === undefined) {
      this.#pages.set(number, (page = []));
      this.#evict(number);
    }
    page[slotOf(position)] = record;
  }

  /** The journal goes this far at least, whether or not anything of it can be read. */
  reach(position: Position): void {
    this.#head = Math.max(this.#head, position);
  }

  show(range: PositionRange): void {
    this.#shown = range;
    const { from, to } = this.shown;
    for (let number = pageOf(from); number <= pageOf(to); number++) {
      const page = this.#pages.get(number);
      if (page === undefined) continue;
      this.#pages.delete(number);
      this.#pages.set(number, page);
    }
  }

  /** The newest position on the screen that is not here, from `first` on. */
  newestMissing(first: Position): Position | undefined {
    const { from, to } = this.shown;
    for (let position = to; position >= Math.max(from, first); position--) {
      if (this.at(position) === undefined) return position;
    }
    return undefined;
  }

  #evict(added: number): void {
    if (this.#pages.size <= this.#maxPages) return;
    const { from, to } = this.shown;
    for (const number of this.#pages.keys()) {
      const isShown = number >= pageOf(from) && number <= pageOf(to);
      if (number === added || number === pageOf(this.#head) || isShown) continue;
      this.#pages.delete(number);
      return;
    }
  }
}

/** The first position of the page that a position is on. */
export function pageStart(position: Position): Position {
  return pageOf(position) * PAGE_SIZE + 1;
}

function pageOf(position: Position): number {
  return Math.floor((position - 1) / PAGE_SIZE);
}

function slotOf(position: Position): number {
  return (position - 1) % PAGE_SIZE;
}
