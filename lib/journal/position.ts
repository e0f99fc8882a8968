import { shown } from '../errors/assert-argument';

/** The place of an entry in its journal: 1 for the first, one more for each after it, without gaps; a safe integer. */
export type Position = number;

/** Before the first entry. */
export const START: Position = 0;

/** Past the last entry: no journal reaches it. */
export const END: Position = Number.MAX_SAFE_INTEGER;

/** An entry and the position it has. */
export interface Positioned<T> {
  readonly position: Position;
  readonly entry: T;
}

/** Throws a `RangeError` that calls the argument by `name` unless it is a safe integer >= 0, as positions and numbers of entries are. */
export function assertPosition(name: string, position: unknown): asserts position is Position {
  if (!Number.isSafeInteger(position) || (position as number) < START) {
    throw new RangeError(`Expected \`${name}\` to be a safe integer >= 0, got ${shown(position)}`);
  }
}
