import type { FileHandle } from 'node:fs/promises';

/** Bytes of a file and where they begin; valid until the next block is asked for. */
export interface Block {
  readonly bytes: Buffer;
  readonly byteOffset: number;
  /** Whether these are whole lines; otherwise it is what stands after the last newline, possibly nothing. */
  readonly whole: boolean;
}

const NEWLINE = 10;
const BLOCK_BYTES = 1024 * 1024;

/** Reads a file from an offset to its end, or to another: blocks of whole lines, then what stands after the last newline. */
export async function* readBlocks(file: FileHandle, byteOffset = 0, end = Infinity): AsyncGenerator<Block, void> {
  let buffer = Buffer.allocUnsafe(Math.max(1, Math.min(BLOCK_BYTES, end - byteOffset)));
  let filled = 0;
  for (;;) {
    const wanted = Math.min(buffer.length - filled, end - byteOffset - filled);
    const { bytesRead } = await file.read(buffer, filled, wanted, byteOffset + filled);
    if (bytesRead === 0) break;
    const newline = buffer.subarray(filled, filled + bytesRead).lastIndexOf(NEWLINE);
    const length = newline < 0 ? 0 : filled + newline + 1;
    filled += bytesRead;
    if (length > 0) {
      yield { bytes: buffer.subarray(0, length), byteOffset, whole: true };
      buffer.copyWithin(0, length, filled);
      filled -= length;
      byteOffset += length;
    } else if (filled === buffer.length) {
      buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    }
  }
  yield { bytes: buffer.subarray(0, filled), byteOffset, whole: false };
}

const CHUNK_BYTES = 128 * 1024;

/** A file's bytes. */
export async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer, void> {
  for (let byteOffset = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, byteOffset);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    byteOffset += bytesRead;
  }
}

/** {@link readBlocks} for bytes that come in chunks of any size, as from a decompressor; what comes before the offset is passed over. */
export async function* blocksOf(
  chunks: AsyncIterable<Buffer>,
  byteOffset = 0,
  end = Infinity,
): AsyncGenerator<Block, void> {
  let passed = 0;
  let parts: Buffer[] = [];
  let filled = 0;
  for await (const chunk of chunks) {
    const begin = passed;
    passed += chunk.length;
    if (passed <= byteOffset + filled) continue;
    const bytes = chunk.subarray(Math.max(0, byteOffset + filled - begin), end - begin);
    parts.push(bytes);
    filled += bytes.length;
    if (filled >= BLOCK_BYTES || passed >= end) {
      const joined = Buffer.concat(parts);
      const length = joined.lastIndexOf(NEWLINE) + 1;
      if (length > 0) yield { bytes: joined.subarray(0, length), byteOffset, whole: true };
      parts = [joined.subarray(length)];
      byteOffset += length;
      filled -= length;
    }
    if (passed >= end) break;
  }
  const joined = Buffer.concat(parts);
  const length = joined.lastIndexOf(NEWLINE) + 1;
  if (length > 0) yield { bytes: joined.subarray(0, length), byteOffset, whole: true };
  yield { bytes: joined.subarray(length), byteOffset: byteOffset + length, whole: false };
}
