import { ScrivenerError } from './scrivener-error';

/** A bookmark's file holds no bookmark. It was left unchanged, and nothing was read again from the journal's beginning. */
export class CorruptBookmarkError extends ScrivenerError {
  override readonly name = 'CorruptBookmarkError';
  readonly code = 'ERR_CORRUPT_BOOKMARK';

  constructor(
    /** The file. */
    readonly filePath: string,
  ) {
    super(`${filePath} holds no bookmark`);
  }
}
