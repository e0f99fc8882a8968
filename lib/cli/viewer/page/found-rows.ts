import type { Row } from '../line';
import type { Extent } from '../line-source';
import type { Span } from './journal-rows';
import { marked, type MarkedRow } from './marked-row';
import type { Rows } from './row-list';
import type { Server } from './server';

/** The most rows kept: the user can narrow the search. */
const MOST = 10_000;

/** The rows that a search finds, from the newest lines to the oldest, and in lines that are appended. */
export class FoundRows implements Rows {
  readonly #server: Server;
  readonly #query: string;
  readonly #changed: () => void;
  #rows: readonly Row[] = [];
  #isEnded = false;
  #isDone = false;
  #error: string | undefined;
  #searched: Promise<void>;
  /** Where the search continues when lines are appended. */
  #next: number;
  readonly #last: number;
  #extent: Extent;

  constructor(server: Server, query: string, { from, to }: Span, extent: Extent, changed: () => void) {
    const { head } = extent;
    this.#extent = extent;
    this.#server = server;
    this.#query = query;
    this.#changed = changed;
    this.#last = to;
    this.#next = Math.max(from, this.#after(head));
    this.#searched = this.#search(from, Math.min(head, to)).then(() => {
      this.#isDone = true;
      changed();
    });
  }

  get count(): number {
    return this.#rows.length;
  }

  get summary(): string {
    const found = `${this.count.toLocaleString('en')} found`;
    if (this.#error !== undefined) return `${found}, and the search failed: ${this.#error}`;
    const more = this.count >= MOST ? ', more are not shown' : '';
    return `${found}${this.#isDone ? more : ', searching…'}`;
  }

  at(index: number): MarkedRow | undefined {
    return marked(this.#rows[index], this.#extent);
  }

  show(): void {
    // All rows are here already.
  }

  /** Searches the appended lines. */
  follow(extent: Extent): void {
    const { head } = extent;
    this.#extent = extent;
    const from = this.#next;
    const to = Math.min(head, this.#last);
    if (to < from) return;
    this.#next = this.#after(head);
    this.#searched = this.#searched.then(() => this.#search(from, to));
  }

  end(): void {
    this.#isEnded = true;
  }

  /** The newest line may be incomplete: it is searched again. */
  #after(head: number): number {
    return Math.min(head, this.#last + 1);
  }

  /** Never rejects: the summary says what failed. */
  async #search(from: number, to: number): Promise<void> {
    const earlier = this.#rows.filter(({ n }) => n < from);
    let rows: readonly Row[] = [];
    try {
      for (let end = to + 1, done = false; !done && !this.#isEnded && earlier.length + rows.length < MOST;) {
        const found = await this.#server.search(this.#query, from, end);
        ({ before: end, done } = found);
        rows = [...found.rows, ...rows];
        this.#rows = [...earlier, ...rows];
        this.#changed();
      }
    } catch (error) {
      this.#error = error instanceof Error ? error.message : String(error);
      this.#changed();
    }
  }
}
