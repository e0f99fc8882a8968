import type { FileHandle } from 'node:fs/promises';
import { constants, createGunzip } from 'node:zlib';
import { GzipMembers } from '../../file/disk/gzip-members';
import { chunksOf } from '../../file/disk/read-blocks';

const CHUNK_BYTES = 64 * 1024;
/** The smallest chunk that zlib accepts: what is decompressed together with damage at its end is lost. */
const SMALL_CHUNK_BYTES = 64;
/** A gzip file ends with its checksum and its length. */
const TRAILER_BYTES = 8;

/** Everything that can be decompressed from a file. */
export class Unpacked implements AsyncIterable<Buffer> {
  readonly #file: FileHandle;
  #isDamaged = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Whether something was missing or changed; known after the iteration. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    const { size } = await this.#file.stat();
    const { members } = await GzipMembers.of(this.#file);
    for (const [index, { packedOffset }] of members.entries()) {
      const end = members[index + 1]?.packedOffset ?? size;
      const { bytes, isDamaged } = yield* this.#inflate(packedOffset, end, CHUNK_BYTES, 0);
      if (!isDamaged) continue;
      this.#isDamaged = true;
      yield* this.#inflate(packedOffset, end - TRAILER_BYTES, SMALL_CHUNK_BYTES, bytes);
      // The next member begins with a line, whatever the damaged one ends with.
      if (end < size) yield Buffer.from('\n');
    }
  }

  /** Decompresses a part of the file, and skips the first bytes of the result. */
  async *#inflate(
    from: number,
    end: number,
    chunkSize: number,
    after: number,
  ): AsyncGenerator<Buffer, { readonly bytes: number; readonly isDamaged: boolean }> {
    const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH, chunkSize });
    // Read as it comes: a stream that fails drops what was not read yet.
    let waiting: Buffer[] = [];
    gunzip.on('data', (chunk: Buffer) => waiting.push(chunk));
    const ended = new Promise<void>((resolve) => gunzip.once('end', resolve).once('error', () => resolve()));
    let bytes = 0;
    function* fresh(): Generator<Buffer> {
      const chunks = waiting;
      waiting = [];
      for (const chunk of chunks) {
        const known = Math.max(0, after - bytes);
        bytes += chunk.length;
        if (known < chunk.length) yield chunk.subarray(known);
      }
    }
    try {
      let left = Math.max(0, end - from);
      for await (const chunk of chunksOf(this.#file, from)) {
        const kept = chunk.subarray(0, left);
        left -= kept.length;
        await Promise.race([ended, new Promise<void>((resolve) => void gunzip.write(kept, () => resolve()))]);
        yield* fresh();
        if (gunzip.errored || left === 0) break;
      }
      if (!gunzip.errored) gunzip.end();
      await ended;
      yield* fresh();
      return { bytes, isDamaged: gunzip.errored !== null };
    } finally {
      gunzip.destroy();
    }
  }
}
