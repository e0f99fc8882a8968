import { ScrivenerError } from './scrivener-error';

/** The server does not allow it: it does not know who asks (401), or does and refuses (403). Nothing was done. */
export class AccessDeniedError extends ScrivenerError {
  override readonly name = 'AccessDeniedError';
  readonly code = 'ERR_ACCESS_DENIED';

  constructor(
    /** 401 or 403. */
    readonly status: number,
  ) {
    super(`The server does not allow it (${status})`);
  }
}
