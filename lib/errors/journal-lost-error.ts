import { ScrivenerError } from './scrivener-error';

/** The journal cannot be reached any more, and trying on is of no use; `cause` is what the client or the server said. */
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
