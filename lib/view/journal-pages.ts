import { START, type Position, type Positioned } from '../journal/position';

/** How many records are read, and released, together. */
export const PAGE_SIZE = 100;

/** A range of positions, both included; empty where `from` is greater. */
export interface PositionRange {
  readonly from: Position;
  readonly to: Position;
}

/** Records of one page, and how many of them there are. */
interface Page<T> {
  readonly records: (Positioned<T> | undefined)[];
  size: number;
}

/** Records by position, so many at most: those on the screen, the newest ones, and of the others the pages used last. */
export class JournalPages<T> {
  readonly #keep: number;
  /** The one used last is the last. */
  readonly #pages = new Map<number, Page<T>>();
  #shown: PositionRange = { from: 1, to: START };
  #head = START;
  #size = 0;

  /** @param keep - how many records are kept at most, an integer >= 1 */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The newest position there was. */
  get head(): Position {
    return this.#head;
  }

  /** What of the journal is on the screen; no more of it than is kept. */
  get shown(): PositionRange {
    const to = Math.min(this.#shown.to, this.#head);
    return { from: Math.max(this.#shown.from, to - this.#keep + 1, 1), to };
  }

  at(position: Position): Positioned<T> | undefined {
    return this.#pages.get(pageOf(position))?.records[slotOf(position)];
  }

  add(record: Positioned<T>): void {
    const { position } = record;
    if (position > this.#head) this.#head = position;
    const number = pageOf(position);
    let page = this.#pages.get(number);
    if (page === undefined) {
      this.#pages.set(number, (page = { records: [], size: 0 }));
      this.#evict(number);
    }
    if (page.records[slotOf(position)] === undefined) {
      page.size++;
      this.#size++;
    }
    page.records[slotOf(position)] = record;
    while (this.#size > this.#keep) this.#drop();
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
      if (this.#pages.get(pageOf(position))?.size === PAGE_SIZE) position = pageStart(position);
      else if (this.at(position) === undefined) return position;
    }
    return undefined;
  }

  /** Releases a page when there are more than a page is kept for; not of what is shown. */
  #evict(added: number): void {
    if (this.#pages.size <= Math.max(3, Math.ceil(this.#keep / PAGE_SIZE))) return;
    const { from, to } = this.shown;
    for (const [number, { size }] of this.#pages) {
      const isShown = number >= pageOf(from) && number <= pageOf(to);
      if (number === added || number === pageOf(this.#head) || isShown) continue;
      this.#pages.delete(number);
      this.#size -= size;
      return;
    }
  }

  /** Releases one record that is not shown, of which there is one when there are more than are kept: of the newest page last. */
  #drop(): void {
    const { from, to } = this.shown;
    const newest = pageOf(this.#head);
    const numbers = [...this.#pages.keys()].filter((number) => number !== newest);
    for (const number of [...numbers, newest]) {
      const page = this.#pages.get(number);
      const unshown = page?.records.findIndex((record) => record && (record.position < from || record.position > to));
      if (page === undefined || unshown === undefined || unshown === -1) continue;
      page.records[unshown] = undefined;
      this.#size--;
      if (--page.size === 0) this.#pages.delete(number);
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
