import type { Position } from '../journal/position';

/** The code of the warning that a journal is no longer written. */
export const NOT_FLUSHED = 'SCRIVENER_NOT_FLUSHED';

/** The text of the warning; `flushed` is the last position that is stored. */
export function notFlushed(journal: string, flushed: Position): string {
  return `The journal ${journal} is no longer written: entries after position ${flushed} are only in memory`;
}
