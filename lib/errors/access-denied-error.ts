import { ScrivenerError } from './scrivener-error';

/** The server does not allow it: it does not know who asks (401), or does and refuses (403). Nothing was done. */
export class AccessDeniedError extends ScrivenerError {
  override readonly name = 'AccessDeniedError';
  readonly code = 'ERR_ACCESS_DENIED';

  constructor(
    /** 401 or 403. */
    readonly status: number,
    /** What the journal's server said of it, in at most 300 characters; `undefined` where it said nothing, or something else answered. */
    readonly detail?: string,
  ) {
    super(`The server does not allow it (${status})${detail === undefined ? '' : `: ${detail}`}`);
  }
}
