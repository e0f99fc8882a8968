import type { Row } from '../line';
import type { Extent } from '../line-source';

/** A row, and whether its entry is flushed, if that is known. */
export interface MarkedRow extends Row {
  readonly isFlushed?: boolean;
}

export function marked(row: Row | undefined, { flushed }: Extent): MarkedRow | undefined {
  return row && flushed !== undefined ? { ...row, isFlushed: row.n <= flushed } : row;
}
