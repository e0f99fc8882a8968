import type { Position } from '../journal/position';
import { ScrivenerError } from './scrivener-error';

/** A compare-and-append found the journal at another position than expected; nothing was appended. */
export class PositionConflictError extends ScrivenerError {
  override readonly name = 'PositionConflictError';
  readonly code = 'ERR_POSITION_CONFLICT';

  constructor(
    /** The last position that the writer expected. */
    readonly expected: Position,
    /** The last position that the journal had. */
    readonly actual: Position,
  ) {
    super(`Expected the journal to end at position ${expected}, it ends at ${actual}`);
  }
}

/** Whether an error is a {@link PositionConflictError}, from any copy of the package. */
export function isConflict(error: unknown): error is PositionConflictError {
  return ScrivenerError.is(error) && error.code === 'ERR_POSITION_CONFLICT';
}
