import { ScrivenerError } from './scrivener-error';

/** The server takes no entry as large; it was not journaled. */
export class EntryTooLargeError extends ScrivenerError {
  override readonly name = 'EntryTooLargeError';
  readonly code = 'ERR_ENTRY_TOO_LARGE';

  constructor(
    /** How many bytes of JSON the server takes; `undefined` when something on the way refused it, which does not say. */
    readonly maxBytes: number | undefined,
  ) {
    super(`The server takes no entry as large${maxBytes === undefined ? '' : `, but ${maxBytes} bytes`}`);
  }
}
