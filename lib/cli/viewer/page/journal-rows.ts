import type { Row } from '../line';
import type { Extent } from '../line-source';
import type { Rows } from './row-list';
import type { Server } from './server';

const PAGE = 100;
/** So many pages are kept: those used last. */
const KEPT = 100;

/** Lines of a journal by their numbers, both included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export const EVERYTHING: Span = { from: 1, to: Infinity };

/** All rows of a journal, or those of a span, of which those shown are fetched. */
export class JournalRows implements Rows {
  readonly #server: Server;
  readonly #changed: () => void;
  readonly #pages = new Map<number, readonly Row[]>();
  readonly #asked = new Set<number>();
  #extent: Extent = { first: 1, head: 0, generation: 0 };
  #span = EVERYTHING;
  /** Changes when what is asked for would be answered differently. */
  #edition = 0;

  constructor(server: Server, changed: () => void) {
    this.#server = server;
    this.#changed = changed;
  }

  get extent(): Extent {
    return this.#extent;
  }

  set extent(extent: Extent) {
    if (extent.generation !== this.#extent.generation) this.forget();
    // The last line may have been one that was not ended.
    else this.#pages.delete(Math.floor(Math.max(0, this.#extent.head - 1) / PAGE));
    this.#extent = extent;
  }

  get span(): Span {
    return this.#span;
  }

  set span(span: Span) {
    this.#span = span;
  }

  /** Has all rows fetched again. */
  forget(): void {
    this.#pages.clear();
    this.#edition++;
  }

  get count(): number {
    return Math.max(0, Math.min(this.#extent.head, this.#span.to) - this.#start + 1);
  }

  /** The row of a line. */
  indexOf(n: number): number {
    return n - this.#start;
  }

  at(index: number): Row | undefined {
    const n = this.#start + index;
    return this.#pages.get(pageOf(n))?.[(n - 1) % PAGE];
  }

  show(from: number, to: number): void {
    for (let page = pageOf(this.#start + from); page <= pageOf(this.#start + to); page++) {
      const found = this.#pages.get(page);
      if (!found) void this.#fetch(page);
      else {
        this.#pages.delete(page);
        this.#pages.set(page, found);
      }
    }
  }

  get #start(): number {
    return Math.max(this.#extent.first, this.#span.from);
  }

  async #fetch(page: number): Promise<void> {
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    const edition = this.#edition;
    const { head } = this.#extent;
    const rows: Row[] = [];
    try {
      for (const row of await this.#server.rows(page * PAGE + 1, (page + 1) * PAGE)) rows[(row.n - 1) % PAGE] = row;
    } catch {
      // It is asked for again with the next change.
      return;
    } finally {
      this.#asked.delete(page);
    }
    const isStale = this.#edition !== edition || (this.#extent.head > head && rows.length < PAGE);
    if (!isStale) this.#pages.set(page, rows);
    for (const oldest of this.#pages.keys()) if (this.#pages.size > KEPT) this.#pages.delete(oldest);
    this.#changed();
  }
}

function pageOf(n: number): number {
  return Math.floor((n - 1) / PAGE);
}
