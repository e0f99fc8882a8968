import { toJson } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';

/** A page ends with the entry that reaches this size. */
const FULL_LENGTH = 1024 * 1024;

/** A page of the entries before a position, newest first. */
export interface BackwardPage {
  /** JSON: `[{"position":9,"entry":{…}},{"position":8,"entry":{…}}]`. */
  readonly json: string;
  /** Its first position; `undefined` if the page is empty, because no entry lies before. */
  readonly newest: Position | undefined;
}

/**
 * Reads a page. Rejects with the error that prevents reading its first entry, such as {@link PositionTrimmedError}; if a later entry fails, the page ends, and the
 * next page begins with that error.
 */
export async function backwardPage<T>(scrivener: Scrivener<T>, before: Position, limit: number): Promise<BackwardPage> {
  let json = '';
  let newest: Position | undefined;
  let count = 0;
  try {
    for await (const { position, entry } of scrivener.readBackward(before)) {
      json += `${json && ','}{"position":${position},"entry":${toJson(entry)}}`;
      newest ??= position;
      if (++count === limit || json.length >= FULL_LENGTH) break;
    }
  } catch (error) {
    if (newest === undefined) throw error;
  }
  return { json: `[${json}]`, newest };
}
