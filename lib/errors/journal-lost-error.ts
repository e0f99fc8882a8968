import { ScrivenerError } from './scrivener-error';

/** The journal can no longer be reached, and a retry will not help; `cause` is the error of the client or the server. */
export class JournalLostError extends ScrivenerError {
  override readonly name = 'JournalLostError';
  readonly code = 'ERR_JOURNAL_LOST';

  constructor(
    /** What is missing: the connection, the stream, a permission. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The journal is lost: ${reason}`, options);
  }
}
