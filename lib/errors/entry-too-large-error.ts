import { ScrivenerError } from './scrivener-error';

/** The entry is larger than the server accepts; it was not journaled. */
export class EntryTooLargeError extends ScrivenerError {
  override readonly name = 'EntryTooLargeError';
  readonly code = 'ERR_ENTRY_TOO_LARGE';

  constructor(
    /** How many bytes of JSON the server accepts; `undefined` if a proxy refused it. */
    readonly maxBytes: number | undefined,
  ) {
    super(`The server takes no entry as large${maxBytes === undefined ? '' : `, but ${maxBytes} bytes`}`);
  }
}
