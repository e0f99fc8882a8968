import type { Positioned } from './position';

const continued = new WeakSet<Positioned<unknown>>();

/** Notes that the next record belongs to the same `writeAll`. */
export function markContinued(record: Positioned<unknown>): void {
  continued.add(record);
}

/** Whether the next record belongs to the same `writeAll`. */
export function isContinued(record: Positioned<unknown>): boolean {
  return continued.has(record);
}
