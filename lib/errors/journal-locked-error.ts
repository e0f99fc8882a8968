import { ScrivenerError } from './scrivener-error';

/** Another scrivener, of this process or another, has the journal open for writing. */
export class JournalLockedError extends ScrivenerError {
  override readonly name = 'JournalLockedError';
  readonly code = 'ERR_JOURNAL_LOCKED';

  constructor(
    /** The journal's file. */
    readonly filePath: string,
  ) {
    super(`${filePath} is open for writing elsewhere`);
  }
}
