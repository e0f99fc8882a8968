import type { DBSchema } from 'idb';
import { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
import { assertPosition, START, type Position } from '../journal/position';
import { STORED_AS, type BookmarkStore } from '../patterns/bookmark-store';
import { assertName, DatabaseConnection } from './connection';

interface Bookmarks extends DBSchema {
  readonly bookmarks: { key: string; value: unknown };
}

const DATABASE = 'rx-scrivener-bookmarks';

/**
 * A bookmark in a browser's IndexedDB, so that reading continues after a reload, and without a network. All of them share the database `rx-scrivener-bookmarks`.
 *
 * Tabs that use one name share one bookmark. A journal in IndexedDB is open in one tab alone; of another one, have one tab consume.
 *
 * @example
 * ```ts
 * consume(drafts, new IndexedDbBookmarkStore('drafts-sent'), ({ entry }) => remote.write(entry)).subscribe();
 * ```
 */
export class IndexedDbBookmarkStore implements BookmarkStore {
  readonly #name: string;
  readonly #connection = new DatabaseConnection<Bookmarks>(DATABASE, 'bookmarks');
  #target: Position = START;

  /**
   * @param name - of the bookmark: one for each reader that is to remember how far it has come
   * @throws TypeError when that is no text, or an empty one
   */
  constructor(name: string) {
    assertName(name);
    this.#name = name;
    Reflect.defineProperty(this, STORED_AS, { value: this.#path });
  }

  /**
   * Resolves with {@link START} when there is no such bookmark. Rejects with {@link CorruptBookmarkError} when what is there is none, {@link JournalMismatchError} when the
   * database is somebody else's, and with the browser's `DOMException` when it cannot be read.
   */
  async load(): Promise<Position> {
    const position = await this.#connection.use((database) => database.get('bookmarks', this.#name));
    if (position === undefined) return START;
    try {
      assertPosition('position', position);
    } catch {
      throw new CorruptBookmarkError(this.#path);
    }
    return position;
  }

  /** Resolves when the browser has it. Rejects with `RangeError` for what is no position, and as {@link IndexedDbBookmarkStore.load} does. */
  async save(position: Position): Promise<void> {
    assertPosition('position', position);
    this.#target = position;
    // One that is tried again saves the newest: it does not undo a later one.
    await this.#connection.use((database) => database.put('bookmarks', this.#target, this.#name));
  }

  get #path(): string {
    return `indexeddb:${DATABASE}/${this.#name}`;
  }
}
