import { START, type Positioned } from './position';

const continued = new WeakSet<Positioned<unknown>>();

/** Notes that the next record belongs to the same `writeAll`. */
export function markContinued(record: Positioned<unknown>): void {
  continued.add(record);
}

/** `continued`: the position of the record that a log gives out at this moment, if its group continues; START if not. */
export const given = { continued: START };

/** Marks a record as the one is marked that a log gives out at this moment: it may be what a wrapper has made of it. */
export function inheritMark(record: Positioned<unknown>): void {
  if (record.position === given.continued) markContinued(record);
}

/** Whether the next record belongs to the same `writeAll`. */
export function isContinued(record: Positioned<unknown>): boolean {
  return continued.has(record);
}
