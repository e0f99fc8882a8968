import { Subject, type Subscription } from 'rxjs';
import type { Position } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import { describeError } from '../describe-error';
import type { Line } from './line';
import type { Extent, LineSource } from './line-source';

/** A journal that can be followed, and released. */
export interface OpenJournal extends Scrivener<unknown> {
  readonly head: Position;
  readonly first?: Position;
  close(): Promise<void>;
}

/** The entries of a journal: one with closed segments, or one that a server has. */
export class JournalLines implements LineSource {
  readonly changes$ = new Subject<void>();
  readonly #journal: OpenJournal;
  readonly #name: string;
  readonly #following: Subscription;
  #error: string | undefined;
  #isOver = false;

  constructor(journal: OpenJournal, name: string) {
    this.#journal = journal;
    this.#name = name;
    this.#following = journal.tail(journal.head).subscribe({
      next: () => this.changes$.next(),
      error: (error: unknown) => {
        this.#error = describeError(error, name);
        this.#isOver = true;
        this.changes$.next();
      },
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get extent(): Extent {
    const { head, first = 1 } = this.#journal;
    return { first, head, generation: 1, error: this.#error };
  }

  async *lines(from: number, to: number): AsyncGenerator<Line, void> {
    const { first, head } = this.extent;
    const last = Math.min(to, head);
    let n = Math.max(from, first);
    if (n > last) return;
    try {
      for await (const { position, entry } of this.#journal.tail(n - 1)) {
        const text = JSON.stringify(entry);
        yield { n: position, position, entry, text, bytes: Buffer.byteLength(text) };
        n = position + 1;
        if (n > last) return;
      }
    } catch (error) {
      yield { n, text: '', bytes: 0, damage: describeError(error, this.#name) };
    }
  }

  async find(position: number): Promise<number> {
    return position;
  }

  async close(): Promise<void> {
    this.#following.unsubscribe();
    this.changes$.complete();
    await this.#journal.close();
  }
}
