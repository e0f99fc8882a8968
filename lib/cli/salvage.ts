import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { HEAD } from '../flush/json-entry-serializer';
import { readBlocks } from '../file/read-blocks';
import { parseLine, type JournalLine } from './journal-line';

/** A line, or a part of one, at or behind damage. */
export interface Piece {
  /** Counted from 1. */
  readonly line: number;
  readonly byteOffset: number;
  /** The newline included. */
  readonly bytes: number;
  /** What it is, or why it is nothing. */
  readonly content: JournalLine | string;
}

const NEWLINE = 10;

/** Takes a file apart from a line on, whatever it holds; positions are not looked at. */
export async function* salvage(filePath: string, byteOffset: number, line: number): AsyncGenerator<Piece, void> {
  const file = await open(filePath, 'r');
  try {
    for await (const block of readBlocks(file, byteOffset)) {
      for (let from = 0; from < block.bytes.length; line++) {
        const newline = block.bytes.indexOf(NEWLINE, from);
        const end = newline < 0 ? block.bytes.length : newline + 1;
        for (const piece of piecesOf(block.bytes.subarray(from, end), block.byteOffset + from, line)) {
          const torn = newline < 0 && typeof piece.content === 'string';
          yield torn ? { ...piece, content: `${piece.content}, and the file ends with it` } : piece;
        }
        from = end;
      }
    }
  } finally {
    await file.close();
  }
}

function* piecesOf(bytes: Buffer, byteOffset: number, line: number): Generator<Piece> {
  const content = contentOf(bytes);
  if (typeof content === 'string') {
    // A whole line behind a torn one, or behind zeros: what a crash leaves when the file is appended to as it is.
    const at = bytes.lastIndexOf(HEAD);
    const behind = at > 0 ? contentOf(bytes.subarray(at)) : '';
    if (typeof behind !== 'string') {
      yield { line, byteOffset, bytes: at, content };
      yield { line, byteOffset: byteOffset + at, bytes: bytes.length - at, content: behind };
      return;
    }
  }
  yield { line, byteOffset, bytes: bytes.length, content };
}

function contentOf(bytes: Buffer): JournalLine | string {
  let end = bytes.length;
  if (bytes[end - 1] === NEWLINE) end--;
  else while (end > 0 && bytes[end - 1] === 0) end--;
  const text = bytes.subarray(0, end);
  if (!isUtf8(text)) return 'it is not UTF-8';
  try {
    return parseLine(text.toString());
  } catch (error) {
    if (error instanceof CorruptEntryError) return error.reason;
    throw error;
  }
}
