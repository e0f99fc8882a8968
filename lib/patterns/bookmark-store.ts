import { assertPosition, type Position } from '../journal/position';

/**
 * Remembers how far a consumer has come.
 *
 * @example
 * ```ts
 * const bookmarks: BookmarkStore = {
 *   load: async () => (await db.get('position')) ?? START,
 *   save: (position) => db.set('position', position),
 * };
 * ```
 */
export interface BookmarkStore {
  /** The position saved last, {@link START} when there is none. */
  load(): Promise<Position>;
  /** Resolves once a later `load` gives this position. */
  save(position: Position): Promise<void>;
}

/** What a store has saved; rejects with `RangeError` when that is no position: starting over would be worse. */
export async function loadBookmark(bookmarks: BookmarkStore): Promise<Position> {
  const position: unknown = await bookmarks.load();
  assertPosition('bookmark', position);
  return position;
}
