import type { Position } from '../journal/position';

/** Where a store keeps its bookmark, if it says so: stores with the same value are one. */
export const STORED_AS = Symbol.for('rx-scrivener.storedAs');

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
