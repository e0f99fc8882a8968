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

/** Reads a file from an offset to its end: blocks of whole lines, then what stands after the last newline. */
export async function* readBlocks(file: FileHandle, byteOffset = 0): AsyncGenerator<Block, void> {
  let buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, byteOffset + filled);
    if (bytesRead === 0) break;
    const newline = buffer.subarray(filled, filled + bytesRead).lastIndexOf(NEWLINE);
    const end = newline < 0 ? 0 : filled + newline + 1;
    filled += bytesRead;
    if (end > 0) {
      yield { bytes: buffer.subarray(0, end), byteOffset, whole: true };
      buffer.copyWithin(0, end, filled);
      filled -= end;
      byteOffset += end;
    } else if (filled === buffer.length) {
      buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    }
  }
  yield { bytes: buffer.subarray(0, filled), byteOffset, whole: false };
}
