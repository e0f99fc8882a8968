import { ScrivenerError } from './scrivener-error';

/** A new journal cannot have this name, because one exists already; that one is unchanged. */
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
