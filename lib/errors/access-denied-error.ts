import { ScrivenerError } from './scrivener-error';

/** The server denies access: it does not know the caller (401), or refuses it (403). Nothing was done. */
export class AccessDeniedError extends ScrivenerError {
  override readonly name = 'AccessDeniedError';
  readonly code = 'ERR_ACCESS_DENIED';

  constructor(
    /** 401 or 403. */
    readonly status: number,
    /** The reason that the journal's server gave, in at most 300 characters; `undefined` if it gave none, or another server answered. */
    readonly detail?: string,
  ) {
    super(`The server does not allow it (${status})${detail === undefined ? '' : `: ${detail}`}`);
  }
}
