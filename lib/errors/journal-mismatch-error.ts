import { ScrivenerError } from './scrivener-error';

/** Another journal, or something that is not a journal, was found in its place; nothing was written to it. */
export class JournalMismatchError extends ScrivenerError {
  override readonly name = 'JournalMismatchError';
  readonly code = 'ERR_JOURNAL_MISMATCH';

  constructor(
    /** What does not fit. */
    readonly reason: string,
  ) {
    super(`Not the journal that was meant: ${reason}`);
  }
}
