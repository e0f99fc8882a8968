import type { TailPage } from './remote-tail';

/** How much of the newest entries a connection keeps for readers that join, and how far a reader may lag: in entries and in characters. */
export const MAX_ENTRIES = 1_000;
const MAX_LENGTH = 1024 * 1024;

/** Pages of a tail, oldest first, and their size. */
export class TailPages<T> {
  readonly all: TailPage<T>[] = [];
  #entries = 0;
  #length = 0;

  get isFull(): boolean {
    return this.#entries > MAX_ENTRIES || this.#length > MAX_LENGTH;
  }

  push(page: TailPage<T>): void {
    this.all.push(page);
    this.#count(page, 1);
  }

  shift(): TailPage<T> | undefined {
    const page = this.all.shift();
    if (page) this.#count(page, -1);
    return page;
  }

  #count({ texts }: TailPage<T>, sign: 1 | -1): void {
    this.#entries += sign * texts.length;
    this.#length += sign * texts.reduce((length, text) => length + text.length, 0);
  }
}
