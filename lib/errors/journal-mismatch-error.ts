import { ScrivenerError } from './scrivener-error';

/** What was found in the place of a journal is another one, or none; nothing was written to it. */
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
