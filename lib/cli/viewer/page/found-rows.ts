import type { Row } from '../line';
import type { Span } from './journal-rows';
import type { Rows } from './row-list';
import type { Server } from './server';

/** More are not kept: a search may be narrowed. */
const MOST = 10_000;

/** The rows that a search finds, the newest first looked for, and those to come. */
export class FoundRows implements Rows {
  readonly #server: Server;
  readonly #query: string;
  readonly #changed: () => void;
  #rows: Row[] = [];
  #isEnded = false;
  #isDone = false;
  #searched: Promise<void> = Promise.resolve();
  /** What comes from here on is new. */
  #next: number;

  readonly #last: number;

  /** @param head - the newest line */
  constructor(server: Server, query: string, { from, to }: Span, head: number, changed: () => void) {
    this.#server = server;
    this.#query = query;
    this.#changed = changed;
    this.#last = to;
    this.#next = Math.min(head, to) + 1;
    this.#searched = this.#search(from, this.#next, true).then(() => {
      this.#isDone = true;
      changed();
    });
  }

  get count(): number {
    return this.#rows.length;
  }

  get summary(): string {
    const more = this.count >= MOST ? ', more are not shown' : '';
    return `${this.count.toLocaleString('en')} found${this.#isDone ? more : ', searching…'}`;
  }

  at(index: number): Row | undefined {
    return this.#rows[index];
  }

  show(): void {
    // All are here.
  }

  /** Searches what is new. */
  follow(head: number): void {
    const from = this.#next;
    const to = Math.min(head, this.#last);
    if (to < from) return;
    this.#next = to + 1;
    this.#searched = this.#searched.then(() => this.#search(from, to + 1, false));
  }

  end(): void {
    this.#isEnded = true;
  }

  async #search(from: number, before: number, isOld: boolean): Promise<void> {
    let later: Row[] = [];
    for (let end = before, done = false; !done && !this.#isEnded && this.count + later.length < MOST;) {
      const found = await this.#server.search(this.#query, from, end);
      ({ before: end, done } = found);
      if (isOld) this.#rows = [...found.rows, ...this.#rows];
      else later = [...found.rows, ...later];
      this.#changed();
    }
    this.#rows.push(...later);
    this.#changed();
  }
}
