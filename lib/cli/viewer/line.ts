import { CorruptEntryError } from '../../errors/corrupt-entry-error';
import type { Position } from '../../journal/position';
import { TIME_FIELDS, timeOf } from '../entry-times';
import { typeOf } from '../entry-types';
import { parseLine } from '../journal-line';

/** A line of what is looked at. */
export interface Line {
  /** Its number: of a journal that is served its position, of a file counted from 1. */
  readonly n: number;
  /** Its text, cut where it is very long. */
  readonly text: string;
  /** The position that stands in it. */
  readonly position?: Position | undefined;
  /** The entry, or the value of a line without an envelope; `undefined` when it is none. */
  readonly entry?: unknown;
  readonly bytes: number;
  /** Where it begins in its file. */
  readonly byteOffset?: number | undefined;
  /** Why it cannot be read. */
  readonly damage?: string | undefined;
}

/** What a page shows of a line that is closed. */
export interface Row extends Pick<Line, 'n' | 'position' | 'bytes' | 'byteOffset' | 'damage'> {
  readonly type: string | undefined;
  /** Milliseconds since 1970, where one of the usual fields tells. */
  readonly time: number | undefined;
  /** The beginning of the entry. */
  readonly summary: string;
}

const SUMMARY = 300;

/**
 * Reads a line of a file, whatever it is.
 *
 * @param isJournal - whether a line without an envelope is damage
 */
export function lineFrom(where: Pick<Line, 'n' | 'text' | 'bytes' | 'byteOffset'>, isJournal: boolean): Line {
  try {
    const { position, entry } = parseLine(where.text);
    return { ...where, position, entry };
  } catch (error) {
    if (!(error instanceof CorruptEntryError)) throw error;
    if (isJournal) return { ...where, damage: error.reason };
  }
  if (where.text.trim() === '') return where;
  try {
    return { ...where, entry: JSON.parse(where.text) as unknown };
  } catch {
    return { ...where, damage: 'it is not JSON' };
  }
}

/** What is shown of a line in the list. */
export function rowOf({ n, position, bytes, byteOffset, damage, entry, text }: Line): Row {
  const summary = (entry === undefined ? text : summaryOf(entry)).slice(0, SUMMARY);
  return { n, position, bytes, byteOffset, damage, type: typeOf(entry), time: entryTime(entry), summary };
}

/** An entry in one line, without what stands beside it. */
function summaryOf(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return JSON.stringify(entry);
  const isBeside = ([key, value]: [string, unknown]) =>
    value === typeOf(entry) || (TIME_FIELDS.some((field) => field === key) && timeOf(value) !== undefined);
  const fields = Object.entries(entry).filter((field) => !isBeside(field));
  return fields.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(', ');
}

/** When an entry was written, by the first of the usual fields that tells. */
export function entryTime(entry: unknown): number | undefined {
  const fields = Object(entry) as Record<string, unknown>;
  for (const field of TIME_FIELDS) {
    const time = timeOf(fields[field]);
    if (time !== undefined) return time;
  }
  return undefined;
}
