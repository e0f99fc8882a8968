import { CorruptEntryError } from '../../errors/corrupt-entry-error';
import { HEAD } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';
import { TIME_FIELDS } from '../figures/entry-times';
import { typeOf } from '../figures/entry-types';
import { parseLine } from '../reading/journal-line';
import { entryTime } from './entry-time';

/** A line of a source. */
export interface Line {
  /** Its number: in a journal its position, in a file counted from 1. */
  readonly n: number;
  readonly text: string;
  /** Whether `text` is only its beginning, because it is very long. */
  readonly isCut?: boolean;
  /** The position in its envelope. */
  readonly position?: Position | undefined;
  /** The entry, or the value of a line without an envelope; `undefined` if it has neither. */
  readonly entry?: unknown;
  readonly bytes: number;
  /** Where it begins in its file. */
  readonly byteOffset?: number | undefined;
  /** Why it cannot be read, or does not follow the line before. */
  readonly damage?: string | undefined;
}

/** What the list shows of a line. */
export interface Row extends Pick<Line, 'n' | 'position' | 'bytes' | 'byteOffset' | 'damage' | 'isCut'> {
  readonly type: string | undefined;
  /** Milliseconds since 1970, if the entry holds a time. */
  readonly time: number | undefined;
  /** The beginning of the entry. */
  readonly summary: string;
}

const BYTE_ORDER_MARK = '\uFEFF';
const SUMMARY = 300;
/** A longer type is shown as any other field. */
const TYPE = 200;

/** An entry that is nested deeper is shown as text: it can be parsed, but `JSON.stringify` may overflow the stack. */
const MAX_DEPTH = 1_000;
export const TOO_DEEP = `it is nested deeper than ${MAX_DEPTH} levels`;

/**
 * Reads a line of a file, whatever it holds.
 *
 * @param isJournal - whether a line without an envelope is damage
 */
export function lineFrom(where: Pick<Line, 'n' | 'text' | 'bytes' | 'byteOffset'>, isJournal: boolean): Line {
  if (where.byteOffset === 0 && where.text.startsWith(BYTE_ORDER_MARK)) {
    const line = lineFrom({ ...where, text: where.text.slice(1) }, isJournal);
    return isJournal ? { ...line, damage: line.damage ?? 'it begins with a byte order mark' } : line;
  }
  try {
    const { position, entry } = parseLine(where.text);
    return withEntry({ ...where, position }, entry);
  } catch (error) {
    if (!(error instanceof CorruptEntryError)) throw error;
    if (isJournal) return { ...where, damage: error.reason };
  }
  if (where.text.trim() === '') return where;
  try {
    return withEntry(where, JSON.parse(where.text));
  } catch {
    return { ...where, damage: 'it is not JSON' };
  }
}

/** A line of which only the beginning was read: it may say its position. */
export function cutLine(where: Pick<Line, 'n' | 'text' | 'bytes' | 'byteOffset'>): Line {
  const { text } = where;
  const position = text.startsWith(HEAD) ? Number.parseInt(text.slice(HEAD.length, HEAD.length + 16), 10) : 0;
  return { ...where, isCut: true, ...(position > 0 && { position }) };
}

/** A line with its entry, or without it if that is nested too deep. */
export function withEntry(line: Line, entry: unknown): Line {
  // Each level takes at least two characters.
  const isDeep = line.text.length > 2 * MAX_DEPTH && isDeeper(entry, MAX_DEPTH);
  return isDeep ? { ...line, damage: line.damage ?? TOO_DEEP } : { ...line, entry };
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

/**
 * What the list shows of a line.
 *
 * @param timeField - the field that says when an entry was written; default: the first of the usual fields
 */
export function rowOf({ entry, text, ...line }: Line, timeField?: string): Row {
  const time = entryTime(entry, timeField);
  const summary = beginningOf(entry === undefined ? text : summaryOf(entry, timeField));
  return { ...line, type: shownTypeOf(entry), time, summary };
}

/** The type of an entry, unless it is too long to be a name. */
export function shownTypeOf(entry: unknown): string | undefined {
  const type = typeOf(entry);
  return type !== undefined && type.length <= TYPE ? type : undefined;
}

/** A copy: a part of a string keeps all of it in memory. */
function beginningOf(text: string): string {
  return Buffer.from(text.slice(0, SUMMARY), 'utf16le').toString('utf16le');
}

/** The beginning of an entry in one line, without its type and time, which have columns of their own. */
function summaryOf(entry: unknown, timeField: string | undefined): string {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return JSON.stringify(entry);
  const times: readonly string[] = timeField === undefined ? TIME_FIELDS : [timeField];
  const type = shownTypeOf(entry);
  let summary = '';
  for (const [key, value] of Object.entries(entry)) {
    if (summary.length >= SUMMARY) break;
    if (value === type || (times.includes(key) && entryTime(entry, key) !== undefined)) continue;
    summary += `${summary && ', '}${key}: ${JSON.stringify(value)}`;
  }
  return summary;
}
