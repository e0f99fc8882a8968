import { ScrivenerError } from './scrivener-error';

/** The server refused a request, or failed, for a reason without its own error class. */
export class HttpStatusError extends ScrivenerError {
  override readonly name = 'HttpStatusError';
  readonly code = 'ERR_HTTP_STATUS';

  constructor(
    /** The answer's status, such as 404 or 500. */
    readonly status: number,
    /** The `code` of the journal's server; `undefined` if another server answered. */
    readonly remoteCode: string | undefined,
    /** The reason that the journal's server gave, in at most 300 characters; `undefined` if it gave none, or another server answered. */
    readonly detail?: string,
  ) {
    const code = remoteCode === undefined ? '' : ` (${remoteCode})`;
    super(`The server answered ${status}${code}${detail === undefined ? '' : `: ${detail}`}`);
  }
}
