import { ScrivenerError } from './scrivener-error';

/** There is no journal of this name, or it was deleted while it was read or written. */
export class JournalNotFoundError extends ScrivenerError {
  override readonly name = 'JournalNotFoundError';
  readonly code = 'ERR_JOURNAL_NOT_FOUND';

  constructor(
    /** The requested name. */
    readonly journal: string,
  ) {
    super(`There is no journal ${JSON.stringify(journal)}`);
  }
}

/** Whether an error is a {@link JournalNotFoundError}, from any copy of the package. */
export function isNotFound(error: unknown): error is JournalNotFoundError {
  return ScrivenerError.is(error) && error.code === 'ERR_JOURNAL_NOT_FOUND';
}
