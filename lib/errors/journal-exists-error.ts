import { ScrivenerError } from './scrivener-error';

/** A new journal was to have this name, and there is one already: it stays as it is. */
export class JournalExistsError extends ScrivenerError {
  override readonly name = 'JournalExistsError';
  readonly code = 'ERR_JOURNAL_EXISTS';

  constructor(
    /** The name, or the path, that is taken. */
    readonly journal: string,
  ) {
    super(`There is a journal ${JSON.stringify(journal)} already`);
  }
}
