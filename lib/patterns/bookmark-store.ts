import type { Position } from '../journal/position';

/**
 * Remembers how far a consumer has come.
 *
 * @example
 * ```ts
 * const bookmarks: BookmarkStore = { load: () => db.get('position'), save: (position) => db.set('position', position) };
 * ```
 */
export interface BookmarkStore {
  /** The position saved last, {@link START} when there is none. */
  load(): Promise<Position>;
  /** Resolves once a later `load` gives this position. */
  save(position: Position): Promise<void>;
}
