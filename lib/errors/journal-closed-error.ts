import { ScrivenerError } from './scrivener-error';

/** The journal has ended: nothing can be written to it, and entries that were awaited can no longer come. `cause` is the error it ended with, if any. */
export class JournalClosedError extends ScrivenerError {
  override readonly name = 'JournalClosedError';
  readonly code = 'ERR_JOURNAL_CLOSED';

  constructor(options?: ErrorOptions) {
    super('The journal is closed', options);
  }
}
