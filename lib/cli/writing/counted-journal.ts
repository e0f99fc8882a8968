import type { Position } from '../../journal/position';

/** A journal that `repair` makes. */
export interface RepairedJournal {
  readonly filePath: string;
  /** The position of its first line. */
  readonly first: Position;
  /** The position of its last line; `first - 1` if there is none. */
  readonly last: Position;
  /** Adds the line of the next position. If it returns a promise, wait for it before the next line. */
  add(line: string): Promise<void> | undefined;
  seal(): Promise<void>;
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** Counts the lines of a journal that is not written. */
export class CountedJournal implements RepairedJournal {
  readonly filePath: string;
  readonly first: Position;
  #last: Position;

  constructor(filePath: string, first: Position) {
    this.filePath = filePath;
    this.first = first;
    this.#last = first - 1;
  }

  get last(): Position {
    return this.#last;
  }

  add(): undefined {
    this.#last++;
  }

  async seal(): Promise<void> {}
  async commit(): Promise<void> {}
  async close(): Promise<void> {}
}
