import type { FileHandle } from 'node:fs/promises';

/** How many of the last bytes read are compared again: enough to hold a position. */
export const SEEN_BYTES = 256;

/** Bytes that were read from a file, and the offset where they end. */
export interface SeenBytes {
  readonly end: number;
  readonly bytes: Buffer;
}

/** The bytes before an offset. */
export async function seenBefore(file: FileHandle, end: number): Promise<SeenBytes> {
  const bytes = Buffer.alloc(Math.min(SEEN_BYTES, end));
  await file.read(bytes, 0, bytes.length, end - bytes.length);
  return { end, bytes };
}

/** Whether the file still holds them. */
export async function isThere(file: FileHandle, { end, bytes }: SeenBytes): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes.length), 0, bytes.length, end - bytes.length);
  return bytesRead === bytes.length && buffer.equals(bytes);
}
