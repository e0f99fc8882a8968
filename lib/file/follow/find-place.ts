import type { FileHandle } from 'node:fs/promises';
import { HEAD, isOwn, NECK } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';
import type { LineFormat } from '../lines/line-reader';
import { MAX_LINE_BYTES } from '../disk/read-blocks';
import type { Place } from '../store/sparse-index';

/** A place that is found is at most this far before the target. */
export const CLOSE_BYTES = 64 * 1024;
/** How many bytes are read first where a line is searched. */
const PROBE_BYTES = 2 * 1024;

const NEWLINE = 10;
const SPACE = 32;
const BRACE = 125;
const RETURN = 13;
const HEAD_BYTES = Buffer.from(HEAD);
/** Longer than a line's beginning up to its entry. */
const FRAME_BYTES = HEAD.length + 16 + NECK.length;

/** Where in a file the line of a position may be. */
interface Range {
  readonly from: Place;
  readonly end: number;
}

/**
 * Finds where a line begins that is at a position or close before it, in a file with ascending positions: by bisecting, whatever its length. It is the
 * first line of its group.
 *
 * Resolves with `undefined` if it meets a line that is not the journal's: reading from the file's beginning reports what it is.
 *
 * @param target - the position; if it is past the last one, finds a place close before the end
 */
export async function findPlace<T>(
  file: FileHandle,
  { from, end }: Range,
  target: Position,
  format: LineFormat<T>,
): Promise<Place | undefined> {
  let low = from;
  for (let high = end; high - low.byteOffset > CLOSE_BYTES;) {
    const middle = low.byteOffset + Math.floor((high - low.byteOffset) / 2);
    const line = await lineFrom(file, middle, high, format);
    if (line === undefined) {
      high = middle;
      continue;
    }
    const position = line.position();
    if (position === undefined) return undefined;
    if (position <= target) low = { position, byteOffset: line.byteOffset };
    else high = middle;
  }
  return low;
}

/** The first line at or after an offset that also begins a group. */
export async function placeFrom<T>(
  file: FileHandle,
  byteOffset: number,
  end: number,
  format: LineFormat<T>,
): Promise<Place | undefined> {
  const line = await lineFrom(file, byteOffset, end, format);
  const position = line?.position();
  return line && position !== undefined ? { byteOffset: line.byteOffset, position } : undefined;
}

interface Line {
  readonly byteOffset: number;
  /** `undefined` if it is not a line of the journal's. */
  position(): Position | undefined;
}

/** Finds the first line that begins in a range of a file; `undefined` if no line there is complete enough. */
async function lineFrom<T>(
  file: FileHandle,
  from: number,
  end: number,
  format: LineFormat<T>,
): Promise<Line | undefined> {
  const own = isOwn(format.serializer);
  // The end of the previous line says whether its group continues.
  const base = Math.max(0, from - 4);
  for (let length = PROBE_BYTES; ; length *= 8) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, base);
    const bytes = buffer.subarray(0, bytesRead);
    const isAll = bytesRead < length;
    let begin = from === 0 ? 0 : bytes.indexOf(NEWLINE, from - 1 - base) + 1;
    while (own && begin > 0 && isContinued(bytes, begin)) begin = bytes.indexOf(NEWLINE, begin) + 1;
    if (begin > 0 || from === 0) {
      if (base + begin >= end) return undefined;
      const line = bytes.subarray(begin);
      const position = own ? framedPosition(line) : undefined;
      if (position !== undefined) return { byteOffset: base + begin, position: () => position };
      const newline = line.indexOf(NEWLINE);
      if (newline >= 0) {
        const text = line.toString('utf8', 0, newline);
        return { byteOffset: base + begin, position: () => parsedPosition(text, format) };
      }
    }
    if (isAll || base + bytesRead >= end + FRAME_BYTES || length > MAX_LINE_BYTES / 8) return undefined;
  }
}

/** Whether the group of the line that ends before an index continues. */
function isContinued(bytes: Buffer, begin: number): boolean {
  let end = begin - 2;
  if (bytes[end] === RETURN) end--;
  return bytes[end] === BRACE && bytes[end - 1] === SPACE;
}

/** The position of a line with the layout of the journal's own serializer. */
function framedPosition(line: Buffer): Position | undefined {
  if (!line.subarray(0, HEAD.length).equals(HEAD_BYTES)) return undefined;
  const [, digits] =
    new RegExp(`^([1-9]\\d{0,15})${NECK}`).exec(line.toString('latin1', HEAD.length, FRAME_BYTES)) ?? [];
  const position = Number(digits);
  return Number.isSafeInteger(position) ? position : undefined;
}

function parsedPosition<T>(line: string, { serializer }: LineFormat<T>): Position | undefined {
  try {
    return serializer.deserialize(line).position;
  } catch {
    return undefined;
  }
}
