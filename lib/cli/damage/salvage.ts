import { isUtf8 } from 'node:buffer';
import { CorruptEntryError } from '../../errors/corrupt-entry-error';
import { blocksOf } from '../../file/disk/read-blocks';
import type { JournalFile } from '../reading/journal-files';
import { parseLine, type JournalLine } from '../reading/journal-line';
import { objectsIn } from './objects-in';
import { withNewlines } from './with-newlines';

/** A line of a file, or a part of one. */
export interface Piece {
  readonly filePath: string;
  /** Counted from 1. */
  readonly line: number;
  readonly byteOffset: number;
  /** The newline included. */
  readonly bytes: number;
  /** The entry, or why there is none. */
  readonly content: JournalLine | string;
  /** Its bytes, if it is not an entry and the active file ends with it: it may be torn. */
  readonly end?: Buffer;
}

const TAB = 9;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
/** Fewer bytes cannot be an entry. */
const MIN_LINE_BYTES = '{"schemaVersion":"1","position":1,"entry":1}'.length;

/** Takes a file apart, whatever it holds; does not check positions. */
export async function* salvage({
  filePath,
  bytes: content,
  isActive,
}: Omit<JournalFile, 'sizeBytes'>): AsyncGenerator<Piece, void> {
  let line = 1;
  let bytesRead = 0;
  // A line that is skipped without being kept: its length is known when the next one begins.
  let passed: Omit<Piece, 'bytes'> | undefined;
  for await (const { bytes, byteOffset, zeros = 0, reason } of blocksOf(withNewlines(content))) {
    if (passed) yield { ...passed, bytes: byteOffset - passed.byteOffset };
    passed = undefined;
    if (reason !== undefined && zeros === 0) {
      passed = { filePath, line: line++, byteOffset, content: reason };
      continue;
    }
    for (let from = 0; from < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const end = newline < 0 ? bytes.length : newline + 1;
      const text = bytes.subarray(from, end);
      for (const piece of piecesOf(text, { filePath, line, byteOffset: byteOffset + from })) {
        const isEnd =
          newline < 0 &&
          reason === undefined &&
          isActive &&
          piece.bytes === text.length &&
          typeof piece.content === 'string';
        yield isEnd ? { ...piece, end: text } : piece;
      }
      from = end;
      if (newline >= 0) line++;
    }
    bytesRead = byteOffset + bytes.length + zeros;
    if (zeros > 0) {
      const content = 'it is zero bytes';
      const where = { filePath, line, byteOffset: byteOffset + bytes.length };
      const isEnd = reason === undefined && isActive;
      yield { ...where, bytes: zeros, content, ...(isEnd && { end: bytes.subarray(bytes.length) }) };
    }
  }
  const reason = 'not all of it can be decompressed, and what is kept of the file may be altered';
  if (content.isDamaged) yield { filePath, line, byteOffset: bytesRead, bytes: 0, content: reason };
}

/** The entries of a line, and what is between them: several may be glued together. */
function* piecesOf(bytes: Buffer, where: Pick<Piece, 'filePath' | 'line' | 'byteOffset'>): Generator<Piece> {
  const piece = (from: number, end: number, content: Piece['content']): Piece => ({
    ...where,
    byteOffset: where.byteOffset + from,
    bytes: end - from,
    content,
  });
  const content = contentOf(bytes);
  if (typeof content !== 'string') {
    yield piece(0, bytes.length, content);
    return;
  }
  let kept = 0;
  for (const { from, end } of objectsIn(bytes)) {
    const found = end - from < MIN_LINE_BYTES ? '' : contentOf(bytes.subarray(from, end));
    if (typeof found === 'string') continue;
    if (!isBlank(bytes.subarray(kept, from))) yield piece(kept, from, contentOf(bytes.subarray(kept, from)));
    yield piece(from, end, found);
    kept = end;
  }
  if (kept === 0) yield piece(0, bytes.length, content);
  else if (!isBlank(bytes.subarray(kept))) yield piece(kept, bytes.length, contentOf(bytes.subarray(kept)));
}

/** Whether bytes between entries are blank, so that nothing was lost with them. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN));
}

function contentOf(bytes: Buffer): JournalLine | string {
  let end = bytes.length;
  if (bytes[end - 1] === NEWLINE) end--;
  else while (end > 0 && bytes[end - 1] === 0) end--;
  while (end > 0 && bytes[end - 1] === CARRIAGE_RETURN) end--;
  const text = bytes.subarray(0, end);
  if (!isUtf8(text)) return 'it is not UTF-8';
  try {
    return parseLine(text.toString());
  } catch (error) {
    if (error instanceof CorruptEntryError) return error.reason;
    throw error;
  }
}
