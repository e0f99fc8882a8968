import { lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { syncDirectory } from '../disk/directory';
import { carryMode, modeOf } from '../disk/file-mode';
import { MEMBER_BYTES, packed } from '../disk/gzip-members';
import { chunksOf } from '../disk/read-blocks';
import type { Segment } from './segment';

/** How much is compressed when the journal closes, in bytes: the rest is left to the next opening, so that closing is fast. */
const COMPRESSED_AT_CLOSE = 8 * 1024 * 1024;
/** The fixed cost of compressing a file, as the number of bytes that take as long. */
const FILE_COST = 1024 * 1024;

/** Compresses closed segments in the background, one after the other. */
export class SegmentCompression {
  readonly #isRetired: (segment: Segment) => boolean;
  /** The segments to compress in the next run. */
  readonly #waiting: Segment[];
  #running: Promise<void> = Promise.resolve();
  #current: { readonly segment: Segment; readonly stop: AbortController } | undefined;
  #budget = Infinity;

  constructor(closed: readonly Segment[], isRetired: (segment: Segment) => boolean) {
    this.#waiting = [...closed];
    this.#isRetired = isRetired;
  }

  /** Leaves a segment to the next run. */
  add(segment: Segment): void {
    this.#waiting.push(segment);
  }

  /** Begins a run, after those before it; a segment that fails is left to the next run. */
  run(): void {
    this.#running = this.#running.then(() => this.#compressAll());
  }

  /** Finishes small amounts, and leaves the rest to the next opening. */
  async stop(): Promise<void> {
    this.#budget = COMPRESSED_AT_CLOSE;
    if (this.#current && !this.#affords(this.#current.segment)) this.#current.stop.abort();
    await this.#running;
  }

  async #compressAll(): Promise<void> {
    for (const segment of this.#waiting.splice(0)) {
      const stop = new AbortController();
      if (segment.compressed || this.#isRetired(segment) || !this.#affords(segment)) continue;
      this.#current = { segment, stop };
      try {
        await compress(segment, stop.signal);
        if (this.#isRetired(segment)) await rm(segment.filePath, { force: true });
      } catch {
        // The plain segment is unchanged.
        this.#waiting.push(segment);
      } finally {
        this.#current = undefined;
      }
    }
  }

  #affords({ bytesOnDisk }: Segment): boolean {
    this.#budget -= bytesOnDisk + FILE_COST;
    return this.#budget >= 0;
  }
}

/** The compressed file replaces the plain one when it is on the disk. */
async function compress(segment: Segment, signal: AbortSignal): Promise<void> {
  const plain = segment.filePath;
  const temporary = `${plain}.gz.tmp`;
  await rm(temporary, { force: true });
  const source = await open(plain, 'r');
  try {
    await writeCompressed(source, temporary, signal);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await source.close();
  }
  await rename(temporary, `${plain}.gz`);
  await syncDirectory(plain);
  const { ino, size } = await lstat(`${plain}.gz`, { bigint: true });
  Object.assign(segment, { ino, compressed: true, filePath: `${plain}.gz`, bytesOnDisk: Number(size) });
  await rm(plain, { force: true });
}

async function writeCompressed(source: FileHandle, filePath: string, signal: AbortSignal): Promise<void> {
  const like = await source.stat();
  const file = await open(filePath, 'wx', modeOf(like));
  try {
    await carryMode(file, like);
    for await (const member of packed(chunksOf(source, 0, MEMBER_BYTES))) {
      signal.throwIfAborted();
      await file.appendFile(member);
    }
    // Retirement uses this time.
    await file.utimes(like.atime, like.mtime);
    await file.sync();
  } finally {
    await file.close();
  }
}
