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
 * A bookmark in a browser's IndexedDB, so that a consumer continues after a reload, even offline. All bookmarks share the database `rx-scrivener-bookmarks`.
 *
 * Tabs that use the same name share one bookmark. A journal in IndexedDB is open in only one tab; for another journal, let only one tab consume.
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
   * @param name - the bookmark's name: one for each consumer
   * @throws TypeError if it is not a non-empty string
   */
  constructor(name: string) {
    assertName(name);
    this.#name = name;
    Reflect.defineProperty(this, STORED_AS, { value: this.#path });
  }

  /**
   * Resolves with {@link START} if there is no such bookmark. Rejects with {@link CorruptBookmarkError} if the stored value is not one, {@link JournalMismatchError} if the
   * database belongs to something else, and with the browser's `DOMException` if it cannot be read.
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

  /** Resolves when the browser has stored it. Rejects with `RangeError` for a value that is not a position, and as {@link IndexedDbBookmarkStore.load} does. */
  async save(position: Position): Promise<void> {
    assertPosition('position', position);
    this.#target = position;
    // A retry saves the newest position, so it does not undo a later save.
    await this.#connection.use((database) => database.put('bookmarks', this.#target, this.#name));
  }

  get #path(): string {
    return `indexeddb:${DATABASE}/${this.#name}`;
  }
}
