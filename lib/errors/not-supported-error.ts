import { ScrivenerError } from './scrivener-error';

/** This backend cannot do what was asked; nothing was done. */
export class NotSupportedError extends ScrivenerError {
  override readonly name = 'NotSupportedError';
  readonly code = 'ERR_NOT_SUPPORTED';

  constructor(
    /** What cannot be done, and why. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Not supported: ${reason}`, options);
  }
}
