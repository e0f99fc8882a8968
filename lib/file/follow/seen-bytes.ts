import type { FileHandle } from 'node:fs/promises';

/** So many of the last bytes that were read are looked at again: they hold a position, at least. */
export const SEEN_BYTES = 256;

/** Bytes of a file, and where they end: what was read from there, if it still holds them. */
export interface SeenBytes {
  readonly end: number;
  readonly bytes: Buffer;
}

/** What stands before an offset. */
export async function seenBefore(file: FileHandle, end: number): Promise<SeenBytes> {
  const bytes = Buffer.alloc(Math.min(SEEN_BYTES, end));
  await file.read(bytes, 0, bytes.length, end - bytes.length);
  return { end, bytes };
}

/** Whether they are still there. */
export async function isThere(file: FileHandle, { end, bytes }: SeenBytes): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes.length), 0, bytes.length, end - bytes.length);
  return bytesRead === bytes.length && buffer.equals(bytes);
}
