import { ScrivenerError } from './scrivener-error';

/** The server refused an entry, as a full stream does: nothing was appended. The server's own error is the `cause`. */
export class WriteRefusedError extends ScrivenerError {
  override readonly name = 'WriteRefusedError';
  readonly code = 'ERR_WRITE_REFUSED';

  constructor(
    /** What the server said. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The server refused the entry: ${reason}`, options);
  }
}
