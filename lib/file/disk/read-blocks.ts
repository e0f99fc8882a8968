import { constants } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';

/** Bytes of a file and their offset; valid until the next block is requested. */
export interface Block {
  readonly bytes: Buffer;
  readonly byteOffset: number;
  /** Whether these are whole lines; otherwise the bytes after the last newline (possibly none), or bytes that are not a line. */
  readonly whole: boolean;
  /** How many zero bytes follow, which are not in `bytes`. */
  readonly zeros?: number;
  /** Why this cannot be a line, whatever follows; `bytes` are then its first bytes. */
  readonly reason?: string;
}

/** Checks whether the bytes of a long line can be a journal's. */
export type IsForeign = (bytes: Buffer, isFirst: boolean) => boolean;

/** Where reading begins and ends, in bytes, and which bytes are refused before their line is whole. */
export interface Extent {
  readonly byteOffset?: number;
  readonly end?: number;
  readonly isForeign?: IsForeign | undefined;
  /** Emit lines as soon as they arrive; otherwise many at once. */
  readonly prompt?: boolean;
  /** How much of a file is read at once. */
  readonly blockBytes?: number;
}

const NEWLINE = 10;
const BLOCK_BYTES = 1024 * 1024;
/** A line is a string in memory, which cannot be longer; a longer one is not held. */
export const MAX_LINE_BYTES = constants.MAX_STRING_LENGTH;
const TOO_LONG = `its line is longer than ${MAX_LINE_BYTES} bytes`;

/** Reads a file: blocks of whole lines, then the bytes after the last newline. Holds one block, or one line if that is longer. */
export async function* readBlocks(file: FileHandle, extent: Extent = {}): AsyncGenerator<Block, void> {
  const { byteOffset = 0, end = Infinity, blockBytes = BLOCK_BYTES } = extent;
  const lines = new LineBuffer(byteOffset, Math.min(blockBytes, end - byteOffset), extent.isForeign);
  for (let at = byteOffset; at < end;) {
    const { room } = lines;
    const { bytesRead } = await file.read(room, 0, Math.min(room.length, end - at), at);
    if (bytesRead === 0) break;
    lines.fill(bytesRead);
    yield* lines.take();
    at += bytesRead;
  }
  yield* lines.end();
}

const CHUNK_BYTES = 128 * 1024;

/** A file's bytes from an offset on. */
export async function* chunksOf(file: FileHandle, from = 0, size = CHUNK_BYTES): AsyncGenerator<Buffer, void> {
  for (let byteOffset = from; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, byteOffset);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    byteOffset += bytesRead;
  }
}

/**
 * {@link readBlocks} for bytes that come in chunks of any size, as from a decompressor; skips those before the offset.
 *
 * @param start - where the first chunk begins in the file
 */
export async function* blocksOf(
  chunks: AsyncIterable<Buffer>,
  extent: Extent = {},
  start = 0,
): AsyncGenerator<Block, void> {
  const { byteOffset = 0, end = Infinity } = extent;
  const lines = new LineBuffer(byteOffset, BLOCK_BYTES, extent.isForeign);
  let passed = start;
  for await (const chunk of chunks) {
    const until = Math.min(chunk.length, end - passed);
    for (let from = Math.max(0, byteOffset - passed); from < until;) {
      const copied = chunk.copy(lines.room, 0, from, until);
      lines.fill(copied);
      if (lines.room.length === 0 || extent.prompt) yield* lines.take();
      from += copied;
    }
    passed += chunk.length;
    if (passed >= end) break;
  }
  yield* lines.end();
}

/** Collects bytes and emits whole lines. A line longer than the buffer is held in parts, each of which is scanned once. */
class LineBuffer {
  readonly #buffer: Buffer;
  readonly #isForeign: IsForeign | undefined;
  #filled = 0;
  /** The buffer has no newline before this index. */
  #scanned = 0;
  /** Where the buffer begins in the file. */
  #at: number;
  /** The parts of the current line before the buffer, and their offset. */
  #parts: Buffer[] = [];
  #held = 0;
  #zeros = 0;
  #begin = 0;
  /** Whether the line was refused and is skipped. */
  #skips = false;

  constructor(byteOffset: number, size: number, isForeign: IsForeign | undefined) {
    this.#at = byteOffset;
    this.#buffer = Buffer.allocUnsafe(Math.max(1, size));
    this.#isForeign = isForeign;
  }

  /** Where the next bytes go; never empty after lines were taken. */
  get room(): Buffer {
    return this.#buffer.subarray(this.#filled);
  }

  /** Counts bytes that were written there. */
  fill(bytes: number): void {
    this.#filled += bytes;
  }

  /** The lines that are whole. */
  *take(): Generator<Block, void> {
    const buffer = this.#buffer;
    const newline = buffer.subarray(this.#scanned, this.#filled).lastIndexOf(NEWLINE);
    if (newline < 0) {
      this.#scanned = this.#filled;
      if (this.#filled === buffer.length) yield* this.#setAside();
      return;
    }
    const length = this.#scanned + newline + 1;
    let from = 0;
    if (this.#isLong) {
      from = buffer.indexOf(NEWLINE, this.#scanned) + 1;
      yield* this.#endLong(from, true);
    }
    if (from < length) yield { bytes: buffer.subarray(from, length), byteOffset: this.#at + from, whole: true };
    buffer.copyWithin(0, length, this.#filled);
    this.#filled -= length;
    this.#scanned = this.#filled;
    this.#at += length;
  }

  /** Everything that remains at the end. */
  *end(): Generator<Block, void> {
    yield* this.take();
    if (this.#isLong) yield* this.#endLong(this.#filled, false);
    else yield { bytes: this.#buffer.subarray(0, this.#filled), byteOffset: this.#at, whole: false };
  }

  get #isLong(): boolean {
    return this.#held > 0 || this.#zeros > 0 || this.#skips;
  }

  /** The buffer is full and holds part of a longer line. */
  *#setAside(): Generator<Block, void> {
    const bytes = this.#buffer;
    if (!this.#isLong) this.#begin = this.#at;
    if (!this.#skips) {
      if (isZero(bytes)) this.#zeros += bytes.length;
      else {
        if (this.#zeros > 0) yield* this.#endAtZeros();
        const isFirst = this.#held === 0;
        this.#held += bytes.length;
        this.#parts.push(Buffer.from(bytes));
        if (this.#isForeign?.(bytes, isFirst)) yield this.#refuse('it is no line of a journal');
        else if (this.#held > MAX_LINE_BYTES) yield this.#refuse(TOO_LONG);
      }
    }
    this.#at += bytes.length;
    this.#filled = 0;
    this.#scanned = 0;
  }

  /** Ends a long line with the first so many bytes of the buffer. */
  *#endLong(length: number, whole: boolean): Generator<Block, void> {
    const rest = this.#buffer.subarray(0, length);
    if (this.#skips) {
      this.#skips = false;
      if (!whole) yield { bytes: rest.subarray(length), byteOffset: this.#at + length, whole };
      return;
    }
    if (this.#zeros > 0 && !whole && isZero(rest)) {
      yield { bytes: this.#takeParts(), byteOffset: this.#begin, whole, zeros: this.#takeZeros() + length };
      return;
    }
    if (this.#zeros > 0) yield* this.#endAtZeros();
    if (this.#held + length > MAX_LINE_BYTES) {
      yield this.#refuse(TOO_LONG);
      this.#skips = false;
      if (!whole) yield { bytes: rest.subarray(length), byteOffset: this.#at + length, whole };
      return;
    }
    const byteOffset = this.#held > 0 ? this.#begin : this.#at;
    yield { bytes: this.#takeParts(rest), byteOffset, whole };
  }

  /** The bytes before a long run of zeros that does not end the file. What follows the run counts as a new line. */
  *#endAtZeros(): Generator<Block, void> {
    const zeros = this.#takeZeros();
    const reason = 'zero bytes stand in its line';
    yield { bytes: this.#takeParts(), byteOffset: this.#begin, whole: false, zeros, reason };
    this.#begin = this.#at;
  }

  #refuse(reason: string): Block {
    const [bytes] = this.#parts as [Buffer];
    this.#takeParts();
    this.#skips = true;
    return { bytes, byteOffset: this.#begin, whole: false, reason };
  }

  #takeParts(rest?: Buffer): Buffer {
    const parts = this.#parts.splice(0);
    this.#held = 0;
    return Buffer.concat(rest ? [...parts, rest] : parts);
  }

  #takeZeros(): number {
    const zeros = this.#zeros;
    this.#zeros = 0;
    return zeros;
  }
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}
