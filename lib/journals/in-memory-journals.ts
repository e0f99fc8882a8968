import { take } from 'rxjs';
import { assertPosition, type Position } from '../journal/position';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import { JournalClosedError } from '../errors/journal-closed-error';
import { JournalExistsError } from '../errors/journal-exists-error';
import { JournalNotFoundError } from '../errors/journal-not-found-error';
import { entries } from '../operators/entries';
import { Handles } from './handles';
import { assertThrough } from './assert-through';
import { assertJournalName, assertPrefix, type Journals } from './journals';
import { LeasedScrivener, type Borrower } from './leased-scrivener';

/**
 * Journals in memory, for tests and demos: entries are kept unchanged, and are lost when the process ends.
 *
 * @example
 * ```ts
 * const journals = inMemoryJournals<{ type: 'Said'; text: string }>();
 * await journals.journal('ann').write({ type: 'Said', text: 'hello' });
 * ```
 */
export function inMemoryJournals<T>(): Journals<T> {
  return new InMemoryJournals<T>();
}

class InMemoryJournals<in out T> implements Journals<T> {
  readonly #journals = new Map<string, InMemoryScrivener<T>>();
  readonly #handles = new Handles<LeasedScrivener<T, InMemoryScrivener<T>>>(
    (name) =>
      new LeasedScrivener<T, InMemoryScrivener<T>>(name, {
        borrow: (name, borrower) => this.#borrow(name, borrower),
        opened: (name) => this.#journals.get(name),
      }),
  );
  #isClosed = false;

  journal(name: string): LeasedScrivener<T, InMemoryScrivener<T>> {
    assertJournalName('name', name);
    return this.#handles.get(name);
  }

  async create(name: string): Promise<boolean> {
    this.#assertUsable(name);
    if (this.#journals.has(name)) return false;
    this.#journals.set(name, new InMemoryScrivener<T>());
    return true;
  }

  async exists(name: string): Promise<boolean> {
    this.#assertUsable(name);
    return this.#journals.has(name);
  }

  async delete(name: string): Promise<boolean> {
    this.#assertUsable(name);
    const scrivener = this.#journals.get(name);
    this.#journals.delete(name);
    this.#handles.peek(name)?.forget();
    scrivener?.error(new JournalNotFoundError(name));
    return scrivener !== undefined;
  }

  names(prefix = ''): AsyncIterable<string> {
    assertPrefix(prefix);
    return this.#names(prefix);
  }

  async fork(name: string, newName: string, through: Position): Promise<void> {
    this.#assertUsable(name);
    assertJournalName('newName', newName);
    assertPosition('through', through);
    const source = this.#journals.get(name);
    if (!source) throw new JournalNotFoundError(name);
    if (this.#journals.has(newName)) throw new JournalExistsError(newName);
    assertThrough(through, source);
    const fork = new InMemoryScrivener<T>();
    source
      .tail()
      .pipe(take(through), entries())
      .subscribe((entry) => fork.next(entry));
    this.#journals.set(newName, fork);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const scrivener of this.#journals.values()) scrivener.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #borrow(name: string, borrower: Borrower<InMemoryScrivener<T>>): void {
    if (this.#isClosed) return borrower.fail(new JournalClosedError());
    let scrivener = this.#journals.get(name);
    if (!scrivener && !borrower.creates) return borrower.fail(new JournalNotFoundError(name));
    if (!scrivener) this.#journals.set(name, (scrivener = new InMemoryScrivener<T>()));
    const isDeleted = () => !this.#isClosed && this.#journals.get(name) !== scrivener;
    borrower.use({
      scrivener,
      get isDeleted() {
        return isDeleted();
      },
      release: () => undefined,
    });
  }

  async *#names(prefix: string): AsyncGenerator<string, void> {
    this.#assertOpen();
    yield* [...this.#journals.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  #assertUsable(name: string): void {
    assertJournalName('name', name);
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new JournalClosedError();
  }
}
