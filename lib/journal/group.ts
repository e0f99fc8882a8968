import { START, type Positioned } from './position';

const continued = new WeakSet<Positioned<unknown>>();

/** Notes that the next record belongs to the same `writeAll`. */
export function markContinued(record: Positioned<unknown>): void {
  continued.add(record);
}

/** `continued`: the position of the record that a log is delivering, if its group continues; otherwise START. */
export const given = { continued: START };

/** Gives a record the mark of the one that a log is delivering: a wrapper may have made one from the other. */
export function inheritMark(record: Positioned<unknown>): void {
  if (record.position === given.continued) markContinued(record);
}

/** Whether the next record belongs to the same `writeAll`. */
export function isContinued(record: Positioned<unknown>): boolean {
  return continued.has(record);
}
