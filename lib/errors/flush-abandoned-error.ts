import type { Position } from '../journal/position';
import { ScrivenerError } from './scrivener-error';

/** A sink kept failing, and its retries were given up; `cause` is the error of the last attempt. */
export class FlushAbandonedError extends ScrivenerError {
  override readonly name = 'FlushAbandonedError';
  readonly code = 'ERR_FLUSH_ABANDONED';

  constructor(
    /** The first position that is not persisted. */
    readonly position: Position,
    options: ErrorOptions,
  ) {
    super(`Gave up flushing: what stands from position ${position} on is not persisted`, options);
  }
}
