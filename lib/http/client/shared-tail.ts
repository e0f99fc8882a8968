import type { Position } from '../../journal/position';
import type { TailPage } from './remote-tail';
import { MAX_ENTRIES, TailPages } from './tail-pages';
import type { TailReader } from './tail-reader';

/** One connection, read at the pace of its fastest reader. */
export class SharedTail<T> {
  readonly readers = new Set<TailReader<T>>();
  readonly #stop = new AbortController();
  readonly #newest = new TailPages<T>();
  /** The last position received. */
  last: Position;
  #resume: (() => void) | undefined;

  constructor(
    after: Position,
    readonly end: (tail: SharedTail<T>) => void,
  ) {
    this.last = after;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Whether it has, or will have soon, the entries after a position. */
  serves(after: Position): boolean {
    const [oldest] = this.#newest.all;
    return after >= (oldest ? oldest.records[0]!.position - 1 : this.last) && after <= this.last + MAX_ENTRIES;
  }

  begin(reader: TailReader<T>): void {
    reader.tail = this;
    this.readers.add(reader);
  }

  join(reader: TailReader<T>): void {
    reader.tail?.leave(reader);
    this.begin(reader);
    reader.joined?.();
    for (const page of this.#newest.all) {
      if (reader.tail === this && page.records.at(-1)!.position >= reader.end) reader.take(page);
    }
    this.resume();
  }

  leave(reader: TailReader<T>): void {
    reader.tail = undefined;
    this.readers.delete(reader);
    if (this.readers.size === 0) this.#close();
    this.resume();
  }

  /** Called when a reader has read everything received. */
  resume(): void {
    this.#resume?.();
  }

  /** @param others - the tails whose readers can continue here when this one reaches their positions */
  async run(pages: AsyncIterator<TailPage<T>>, others: () => Iterable<SharedTail<T>>): Promise<void> {
    try {
      while (await this.#whenAsked()) {
        const next = await pages.next();
        if (next.done) {
          this.#finish('ended');
          return;
        }
        this.#distribute(next.value);
        for (const other of others()) {
          if (other === this || other.last > this.last || !this.serves(other.last)) continue;
          for (const reader of [...other.readers]) this.join(reader);
        }
      }
    } catch (error) {
      this.#finish({ error });
    } finally {
      this.#close();
      pages.return?.().catch(() => undefined);
    }
  }

  #distribute(page: TailPage<T>): void {
    this.last = page.records.at(-1)!.position;
    this.#newest.push(page);
    while (this.#newest.isFull && this.#newest.all.length > 1) this.#newest.shift();
    for (const reader of [...this.readers]) {
      reader.take(page);
      // It gets a connection of its own after it has read what it holds.
      if (reader.pages.isFull && this.readers.size > 1) this.leave(reader);
    }
  }

  #finish(outcome: NonNullable<TailReader<T>['outcome']>): void {
    for (const reader of [...this.readers]) {
      // A reader that is further ahead may succeed on its own.
      if (outcome !== 'ended' && reader.end > this.last) {
        this.leave(reader);
        reader.wake();
      } else reader.finish(outcome);
    }
  }

  async #whenAsked(): Promise<boolean> {
    const isAsked = () => [...this.readers].some(({ isAsking, isWaiting }) => isAsking && isWaiting);
    while (!this.signal.aborted && !isAsked()) await new Promise<void>((resolve) => (this.#resume = resolve));
    return !this.signal.aborted;
  }

  #close(): void {
    this.#stop.abort();
    this.end(this);
  }
}
