import type { Position } from '../journal/position';
import { ScrivenerError } from './scrivener-error';

/** A bookmark or a checkpoint lies past the end of its journal: it belongs to another journal, or entries that were handled are lost. */
export class BookmarkAheadError extends ScrivenerError {
  override readonly name = 'BookmarkAheadError';
  readonly code = 'ERR_BOOKMARK_AHEAD';

  constructor(
    /** The position in the store. */
    readonly bookmark: Position,
    /** The journal's last position. */
    readonly head: Position,
    what: 'bookmark' | 'checkpoint' = 'bookmark',
  ) {
    super(`The ${what} is at position ${bookmark}, the journal ends at ${head}`);
  }
}
