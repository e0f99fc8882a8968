import type { Chunk } from './encoded-lines';

/** Batches are written in pieces of about this size: a whole one may be longer than a buffer can be. */
const PIECE_BYTES = 1024 * 1024;

/** Joins chunks to pieces that are worth a system call. */
export function* inPieces(chunks: Iterable<Chunk>): Generator<Uint8Array> {
  let piece: Uint8Array[] = [];
  let length = 0;
  for (const { bytes } of chunks) {
    piece.push(bytes);
    length += bytes.length;
    if (length < PIECE_BYTES) continue;
    yield joined(piece);
    piece = [];
    length = 0;
  }
  if (length > 0) yield joined(piece);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
