import type { Position } from '../journal/position';

/** The code of the warning that a journal is not written any more. */
export const NOT_FLUSHED = 'SCRIVENER_NOT_FLUSHED';

/** What the warning says; `flushed` is the last position that is where the journal is kept. */
export function notFlushed(journal: string, flushed: Position): string {
  return `The journal ${journal} is not written any more: what comes after position ${flushed} is in memory alone`;
}
