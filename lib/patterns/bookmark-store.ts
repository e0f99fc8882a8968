import type { Position } from '../journal/position';

/** Identifies where a store keeps its bookmark: stores with the same value are the same store. */
export const STORED_AS = Symbol.for('rx-scrivener.storedAs');

/**
 * Remembers how far a consumer has read.
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
  /** The position saved last; {@link START} if there is none. */
  load(): Promise<Position>;
  /** Resolves when a later `load` will return this position. */
  save(position: Position): Promise<void>;
}
