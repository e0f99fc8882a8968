import type { Chunk } from './encoded-lines';

/** Batches are written in pieces of about this size: a whole one may be longer than a buffer can be. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Joins chunks of whole lines into pieces worth a system call. Each piece but the last lacks its last newline, which begins the next piece, so
 * the file ends with a newline only where a batch ends, and followers can rely on that.
 */
export function* inPieces(chunks: Iterable<Chunk>): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for (const { bytes } of chunks) {
    if (length >= PIECE_BYTES) {
      const piece = joined(parts);
      yield piece.subarray(0, -1);
      parts = [piece.subarray(-1)];
      length = 1;
    }
    parts.push(bytes);
    length += bytes.length;
  }
  if (length > 0) yield joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
