import { ENDED, PENDING, type Cursor, type TailCursor } from '../../journal/cursor';
import type { Log } from '../../journal/log';
import { START, type Position, type Positioned } from '../../journal/position';
import type { JournalStore } from './journal-store';

/** The part of a journal that is on the disk. */
export type StoredPages<T> = Pick<JournalStore<T>, 'readAfter' | 'readBefore' | 'last'>;

/** A cursor that reads entries in memory, and holds one page of those on the disk. */
export abstract class StoredCursor<T> implements Cursor<Positioned<T>> {
  #page: readonly Positioned<T>[] = [];
  #index = 0;
  #failure: { readonly error: unknown } | undefined;
  #fetching: Promise<void> | undefined;

  read(): Positioned<T> | typeof PENDING | typeof ENDED {
    const record = this.#page[this.#index];
    if (record !== undefined) {
      this.#index++;
      this.moveTo(record.position);
      return record;
    }
    if (this.#failure) throw this.#failure.error;
    if (this.isStored) return PENDING;
    this.#page = [];
    return this.readMemory();
  }

  /** Whether the next entry is only on the disk. */
  abstract get isStored(): boolean;

  /** Reads the next page; `read` throws the error if that fails. */
  fetch(): Promise<void> {
    return (this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined)));
  }

  protected abstract moveTo(position: Position): void;
  protected abstract readMemory(): Positioned<T> | typeof PENDING | typeof ENDED;
  protected abstract nextPage(): Promise<readonly Positioned<T>[]>;

  async #fetch(): Promise<void> {
    if (this.#index < this.#page.length) return;
    try {
      this.#page = await this.nextPage();
    } catch (error) {
      this.#failure = { error };
      this.#page = [];
    }
    this.#index = 0;
  }
}

/** A cursor that reads forward, and then waits for entries in memory. */
export class StoredTailCursor<T> extends StoredCursor<T> {
  readonly #log: Log<T>;
  readonly #store: StoredPages<T>;
  /** The next page, read ahead while the current one is used; only from the second page on, because many readers need no more than one. */
  #ahead: { readonly after: Position; readonly page: Promise<readonly Positioned<T>[]> } | undefined;
  #hasRead = false;

  constructor(
    log: Log<T>,
    store: StoredPages<T>,
    /** Continues reading in memory. */
    readonly live: TailCursor<T>,
  ) {
    super();
    this.#log = log;
    this.#store = store;
  }

  get isStored(): boolean {
    return this.live.after < this.#log.head && this.live.after + 1 < this.#log.first;
  }

  protected moveTo(position: Position): void {
    this.live.after = position;
  }

  protected readMemory() {
    return this.live.read();
  }

  protected async nextPage(): Promise<readonly Positioned<T>[]> {
    const { after } = this.live;
    const ahead = this.#ahead?.after === after ? this.#ahead.page : undefined;
    const page = await (ahead ?? this.#store.readAfter(after));
    const last = page.at(-1)?.position;
    if (last === undefined && this.isStored) throw new Error(`The file ends with position ${this.#store.last}`);
    this.#ahead = undefined;
    if (last !== undefined && last + 1 < this.#log.first && this.#hasRead) {
      this.#ahead = { after: last, page: this.#store.readAfter(last) };
      this.#ahead.page.catch(() => undefined); // told when it is its turn
    }
    this.#hasRead = true;
    return page;
  }
}

/** A cursor that reads backward, from memory to the disk. */
export class StoredBackwardCursor<T> extends StoredCursor<T> {
  readonly #log: Log<T>;
  readonly #store: StoredPages<T>;
  #before: Position;

  constructor(log: Log<T>, store: StoredPages<T>, before: Position) {
    super();
    this.#log = log;
    this.#store = store;
    this.#before = Math.min(before, log.head + 1);
  }

  get isStored(): boolean {
    return this.#before > START + 1 && this.#before - 1 < this.#log.first;
  }

  protected moveTo(position: Position): void {
    this.#before = position;
  }

  protected readMemory() {
    if (this.#before <= START + 1) return ENDED;
    const record = this.#log.read(this.#before - 1);
    this.#before = record.position;
    return record;
  }

  protected async nextPage(): Promise<readonly Positioned<T>[]> {
    return [...(await this.#store.readBefore(this.#before))].reverse();
  }
}
