import { PositionTrimmedError } from '../errors/position-trimmed-error';
import type { Position } from '../journal/position';

/** Throws a RangeError if a journal ends before the position up to which it is forked, {@link PositionTrimmedError} if it begins after that. */
export function assertThrough(through: Position, { first, head }: { first: Position; head: Position }): void {
  if (through > head) throw new RangeError(`Expected \`through\` to be a position up to ${head}, got ${through}`);
  if (through < first - 1) throw new PositionTrimmedError(through, first);
}
