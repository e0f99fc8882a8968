import { ScrivenerError } from './scrivener-error';

/** The server refused a request, or failed at it, for a reason that has no error of its own. */
export class HttpStatusError extends ScrivenerError {
  override readonly name = 'HttpStatusError';
  readonly code = 'ERR_HTTP_STATUS';

  constructor(
    /** The answer's status, such as 404 or 500. */
    readonly status: number,
    /** The `code` that the journal's server gave with it; `undefined` where something else answered. */
    readonly remoteCode: string | undefined,
    /** What the journal's server said of it, in at most 300 characters; `undefined` where it said nothing, or something else answered. */
    readonly detail?: string,
  ) {
    const code = remoteCode === undefined ? '' : ` (${remoteCode})`;
    super(`The server answered ${status}${code}${detail === undefined ? '' : `: ${detail}`}`);
  }
}
