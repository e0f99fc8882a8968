import type { Row } from '../line';
import type { Extent } from '../line-source';
import { marked, type MarkedRow } from './marked-row';
import type { Rows } from './row-list';
import type { Server } from './server';

const PAGE = 100;
/** How many pages are kept: the most recently used. */
const KEPT = 100;

/** Lines of a journal by their numbers, both included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export const EVERYTHING: Span = { from: 1, to: Infinity };

/** A number of consecutive lines, as far as they are known. */
interface Page {
  readonly rows: Row[];
  /** Whether it is still to be fetched, or fetched again. */
  isStale: boolean;
  isAsked: boolean;
}

/** All rows of a journal or of a span; those that are shown are fetched. */
export class JournalRows implements Rows {
  readonly #server: Server;
  readonly #changed: () => void;
  readonly #pages = new Map<number, Page>();
  #extent: Extent = { first: 1, head: 0, generation: 0 };
  #span = EVERYTHING;

  constructor(server: Server, changed: () => void) {
    this.#server = server;
    this.#changed = changed;
  }

  get extent(): Extent {
    return this.#extent;
  }

  set extent(extent: Extent) {
    const last = this.#pages.get(pageOf(Math.max(1, this.#extent.head)));
    if (extent.generation !== this.#extent.generation) this.forget();
    // Lines were appended, and the last one may have been incomplete. Until the page is fetched again, its old rows are shown.
    else if (last) last.isStale = true;
    this.#extent = extent;
  }

  get span(): Span {
    return this.#span;
  }

  set span(span: Span) {
    this.#span = span;
  }

  /** All rows will be fetched again; answers to earlier requests are ignored. */
  forget(): void {
    this.#pages.clear();
  }

  get count(): number {
    return Math.max(0, Math.min(this.#extent.head, this.#span.to) - this.#start + 1);
  }

  /** The row of a line. */
  indexOf(n: number): number {
    return n - this.#start;
  }

  at(index: number): MarkedRow | undefined {
    const n = this.#start + index;
    return marked(this.#pages.get(pageOf(n))?.rows[(n - 1) % PAGE], this.#extent);
  }

  show(from: number, to: number): void {
    for (let number = pageOf(this.#start + from); number <= pageOf(this.#start + to); number++) {
      const page = this.#pages.get(number) ?? { rows: [], isStale: true, isAsked: false };
      this.#pages.delete(number);
      this.#pages.set(number, page);
      if (page.isStale && !page.isAsked) void this.#fetch(number, page);
    }
    for (const oldest of this.#pages.keys()) if (this.#pages.size > KEPT) this.#pages.delete(oldest);
  }

  get #start(): number {
    return Math.max(this.#extent.first, this.#span.from);
  }

  async #fetch(number: number, page: Page): Promise<void> {
    page.isAsked = true;
    // Lines may be appended before the answer arrives: then it is fetched again.
    page.isStale = false;
    try {
      const to = (number + 1) * PAGE;
      // Of long lines, an answer has some.
      for (let from = number * PAGE + 1; from <= Math.min(to, this.#extent.head);) {
        const rows = await this.#server.rows(from, to);
        if (rows.length === 0) break;
        for (const row of rows) page.rows[(row.n - 1) % PAGE] = row;
        from = rows.at(-1)!.n + 1;
        this.#changed();
      }
    } catch {
      // The next change fetches it again.
      page.isStale = true;
      return;
    } finally {
      page.isAsked = false;
    }
    this.#changed();
  }
}

function pageOf(n: number): number {
  return Math.floor((n - 1) / PAGE);
}
