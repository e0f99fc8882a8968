import type { Position } from '../journal/position';
import { ScrivenerError } from './scrivener-error';

/** A reader asked for a position that the journal no longer keeps. */
export class PositionTrimmedError extends ScrivenerError {
  override readonly name = 'PositionTrimmedError';
  readonly code = 'ERR_POSITION_TRIMMED';

  constructor(
    /** The position that was to be read next. */
    readonly requested: Position,
    /** The oldest position still kept. */
    readonly first: Position,
  ) {
    super(`Position ${requested} was dropped, the oldest kept is ${first}`);
  }
}

/** Whether an error is a {@link PositionTrimmedError}, from any copy of the package. */
export function isTrimmed(error: unknown): error is PositionTrimmedError {
  return ScrivenerError.is(error) && error.code === 'ERR_POSITION_TRIMMED';
}
