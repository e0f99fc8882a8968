import type { Subscription } from 'rxjs';
import { PositionTrimmedError, type Positioned } from 'rx-scrivener';
import type { FileScrivener } from 'rx-scrivener/file';
import type { ModelSegments } from './model-segments';
import { outcomeOf } from './outcome';

export const show = ({ position, entry }: Positioned<string>) =>
  `${position}=${entry.length > 40 ? entry.length : entry}`;
export const showEnd = (error: unknown) => {
  if (error instanceof PositionTrimmedError) return `trimmed ${error.requested} ${error.first}`;
  return error === undefined ? 'done' : error instanceof Error ? String(error) : 'no error';
};
const isRecord = (shown: string) => /^\d+=/.test(shown);

/** The journal that is read, and what it has to be. */
interface ReadJournal {
  readonly scrivener: FileScrivener<string>;
  readonly segments: ModelSegments;
  readonly head: number;
  show(from: number, to: number): string[];
}

interface Tail {
  readonly after: number;
  readonly seen: string[];
  readonly subscription: Subscription;
  readonly end: Promise<string>;
  open: boolean;
}

interface Iteration {
  readonly after: number;
  readonly results: Promise<string>[];
  readonly iterator: AsyncIterator<Positioned<string>>;
  open: boolean;
}

/** Those who read a journal, each its own part of it. */
export class ModelReaders {
  readonly #journal: ReadJournal;
  readonly #checks: Promise<void>[] = [];
  readonly #tails: Tail[] = [];
  readonly #iterations: Iteration[] = [];

  constructor(journal: ReadJournal) {
    this.#journal = journal;
  }

  subscribe(after: number): void {
    const seen: string[] = [];
    let ended: (end: string) => void;
    const end = new Promise<string>((resolve) => (ended = resolve));
    const subscription = this.#journal.scrivener.tail(after).subscribe({
      next: (record) => seen.push(show(record)),
      error: (error: unknown) => ended(showEnd(error)),
      complete: () => ended('done'),
    });
    this.#tails.push({ after, seen, subscription, end, open: true });
  }

  iterate(after: number): void {
    const iterator = this.#journal.scrivener.tail(after)[Symbol.asyncIterator]();
    this.#iterations.push({ after, results: [], iterator, open: true });
  }

  async next({ which, count, waits }: { which: number; count: number; waits: boolean }): Promise<void> {
    const it = this.#iterations[which];
    if (!it?.open) return;
    for (let i = 0; i < count; i++) {
      const isThere = it.after + it.results.length < this.#journal.head;
      const result = it.iterator.next().then(({ done, value }) => (done ? 'done' : show(value)), showEnd);
      it.results.push(result);
      if (waits && isThere) await result;
    }
  }

  unsubscribe(which: number): void {
    const tail = this.#tails[which];
    tail?.subscription.unsubscribe();
    if (tail) tail.open = false;
  }

  return(which: number): void {
    const it = this.#iterations[which];
    void it?.iterator.return!();
    if (it) it.open = false;
  }

  async backward(before: number, waits: boolean): Promise<void> {
    const check = this.#backward(before);
    this.#checks.push(check);
    if (waits) await check;
  }

  waitFor(after: number, position: number): void {
    const wanted = Math.max(after + 1, position);
    const found = this.#journal.scrivener
      .waitFor(after, (entry) => entry.startsWith(`ü${wanted - 1}-`))
      .then(show, showEnd);
    this.#checks.push(
      found.then((result) => {
        if (result.startsWith('trimmed')) {
          const requested = Number(result.split(' ')[1]);
          expect([requested > after, requested <= wanted]).toEqual([true, true]);
          this.#expectTrimmed(result, requested);
        } else if (wanted <= this.#journal.head) expect([result]).toEqual(this.#journal.show(wanted, wanted));
        else expect(result).toContain('JournalClosedError');
      }),
    );
  }

  /** What every tail was given so far is right. */
  expectSoFar(): void {
    for (const { after, seen } of this.#tails) {
      expect(seen).toEqual(this.#journal.show(after + 1, this.#journal.head).slice(0, seen.length));
    }
  }

  /** Has some read on behind the end alone. */
  async readOn(): Promise<void> {
    for (const it of this.#iterations) {
      const read = it.results.length;
      if (it.open && read % 2 === 0) await this.next({ which: this.#iterations.indexOf(it), count: 2, waits: false });
    }
  }

  /** Once the journal is closed every reader gets all of it, then the end. */
  async end(): Promise<void> {
    for (const { after, seen, end, open } of this.#tails) {
      if (open) seen.push(await end);
      this.#expectRead(after, seen, open);
    }
    for (const { after, results, iterator, open } of this.#iterations) {
      while (open && after + results.length < this.#journal.head + 1) {
        results.push(iterator.next().then(({ done, value }) => (done ? 'done' : show(value)), showEnd));
      }
      this.#expectRead(after, await Promise.all(results), open);
    }
    await Promise.all(this.#checks);
    this.#tails.length = this.#iterations.length = this.#checks.length = 0;
  }

  async #backward(before: number): Promise<void> {
    const last = Math.min(before - 1, this.#journal.head);
    const { values, error } = await outcomeOf(this.#journal.scrivener.readBackward(before));
    const first = last + 1 - values.length;
    expect(values.map(show)).toEqual(this.#journal.show(first, last).reverse());
    if (first > 1) this.#expectTrimmed(showEnd(error), first - 1);
    else expect(showEnd(error)).toBe('done');
  }

  /** A reader was given the journal behind a position; all of it, or as much as came before what was retired meanwhile. */
  #expectRead(after: number, given: readonly string[], isAll: boolean): void {
    const read = given.filter(isRecord).length;
    const [end = '', ...rest] = given.slice(read);
    expect(given.slice(0, read)).toEqual(this.#journal.show(after + 1, this.#journal.head).slice(0, read));
    if (end.startsWith('trimmed')) this.#expectTrimmed(end, after + read + 1);
    else if (isAll) expect([read, end]).toEqual([Math.max(0, this.#journal.head - after), 'done']);
    expect(rest.filter((result) => result !== 'done')).toEqual([]);
  }

  /** What was retired could be. */
  #expectTrimmed(end: string, requested: number): void {
    const first = Number(/^trimmed \d+ (\d+)$/.exec(end)?.[1]);
    expect(end).toBe(`trimmed ${requested} ${first}`);
    expect(first).toBeGreaterThan(requested);
    expect(first).toBeLessThanOrEqual(this.#journal.segments.firstAtMost);
  }
}
