import { shown } from '../errors/assert-argument';

/** The place of an entry in its journal, a safe integer: 1 for the first entry, then counting up without gaps. */
export type Position = number;

/** Before the first entry. */
export const START: Position = 0;

/** After the last entry: no journal reaches it. */
export const END: Position = Number.MAX_SAFE_INTEGER;

/** An entry and its position. */
export interface Positioned<T> {
  readonly position: Position;
  readonly entry: T;
}

/** Throws a `RangeError` that names the argument unless it is a safe integer >= 0, like positions and counts of entries. */
export function assertPosition(name: string, position: unknown): asserts position is Position {
  if (!Number.isSafeInteger(position) || (position as number) < START) {
    throw new RangeError(`Expected \`${name}\` to be a safe integer >= 0, got ${shown(position)}`);
  }
}
