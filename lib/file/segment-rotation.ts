import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { assertCount, assertOneOf } from '../errors/assert-argument';
import { START, type Position } from '../journal/position';
import type { AppendFile } from './append-file';
import { syncDirectory } from './directory';
import { findSegments, removeTemporaries, saveManifest, segmentPath } from './manifest';
import { chunksOf } from './read-blocks';
import { inodeOf, type Segment } from './segment';

/** When the active file is closed, and what becomes of closed ones. */
export interface Rotation {
  /** Close the active file before the batch that finds it this large or larger: a number of bytes >= 1. */
  readonly maxBytes?: number;
  /** Close it before the batch that finds it this old, in milliseconds >= 1. */
  readonly maxAgeMs?: number;
  /** Retire the oldest closed segments, as a whole, behind each rotation, until what is left keeps to all of these; default: keep all. */
  readonly keep?: {
    /** At most so many closed segments, >= 0. */
    readonly segments?: number;
    /** At most so many bytes on the disk, the active file included, >= 0. */
    readonly bytes?: number;
    /** None whose last entry was written longer ago, in milliseconds >= 0. */
    readonly ageMs?: number;
  };
  /** Compress closed segments, in the background. */
  readonly compress?: 'gzip';
}

/** Throws a RangeError or TypeError for what is no rotation. */
export function assertRotation({ maxBytes, maxAgeMs, keep = {}, compress }: Rotation): void {
  if (maxBytes !== undefined) assertCount('rotation.maxBytes', maxBytes, ' or Infinity');
  if (maxAgeMs !== undefined) assertCount('rotation.maxAgeMs', maxAgeMs, ' or Infinity');
  if (keep.segments !== undefined) assertAmount('rotation.keep.segments', keep.segments);
  if (keep.bytes !== undefined) assertAmount('rotation.keep.bytes', keep.bytes);
  if (keep.ageMs !== undefined) assertAmount('rotation.keep.ageMs', keep.ageMs);
  if (compress !== undefined) assertOneOf('rotation.compress', compress, ['gzip']);
}

function assertAmount(name: string, value: number): void {
  if (!(value >= 0)) throw new RangeError(`Expected \`${name}\` to be a number >= 0, got ${String(value)}`);
}

/** Closes segments, retires old ones and compresses them, so that a crash at any point leaves a journal that opens whole. */
export class SegmentRotation {
  readonly #filePath: string;
  readonly #rotation: Rotation;
  /** Those of the store, oldest first; retired ones are taken out. */
  readonly #closed: Segment[];
  #first: Position;
  #oldest: Position = START;
  #compressing: Promise<void> = Promise.resolve();

  constructor(filePath: string, rotation: Rotation | undefined, closed: Segment[], first: Position) {
    this.#filePath = filePath;
    this.#rotation = rotation ?? {};
    this.#closed = closed;
    this.#first = first;
  }

  /** The oldest position that was not retired since it was opened. */
  get oldest(): Position {
    return this.#oldest;
  }

  isDue({ first, last, bytes, bornMs }: Segment): boolean {
    const { maxBytes = Infinity, maxAgeMs = Infinity } = this.#rotation;
    return last >= first && (bytes >= maxBytes || Date.now() - bornMs >= maxAgeMs);
  }

  /** Gives the active file the name of a closed segment. It is on the disk before: nothing mends the end of a closed one. */
  async close(active: Segment, file: AppendFile): Promise<void> {
    await file.handle.datasync();
    const target = segmentPath(this.#filePath, active.first);
    if (await exists(target)) throw new Error(`${target} is there already`);
    await rename(this.#filePath, target);
    active.filePath = target;
  }

  /** An outside tool has taken the active file away: the journal on the disk begins behind it. */
  lost(active: Segment): void {
    this.#first = active.last + 1;
  }

  /** Retires and compresses; what cannot be done now is done behind the next rotation. */
  async tidy(): Promise<void> {
    await this.#retire().catch(() => undefined);
    if (this.#rotation.compress === 'gzip') this.#compressing = this.#compressing.then(() => this.#compressAll());
  }

  /** Removes what a crash has left of retired segments, and of those being compressed. */
  async removeRetired(): Promise<void> {
    await removeTemporaries(this.#filePath);
    for (const { filePath, first, compressed } of await findSegments(this.#filePath)) {
      if (compressed) await rm(filePath.slice(0, -'.gz'.length), { force: true });
      if (this.#rotation.keep && first < this.#first) await rm(filePath, { force: true });
    }
    if (this.#rotation.compress === 'gzip') this.#compressing = this.#compressing.then(() => this.#compressAll());
  }

  /** Resolves when nothing is being compressed. */
  settled(): Promise<void> {
    return this.#compressing;
  }

  /** Puts the closed segments on record. */
  async record(): Promise<void> {
    const segments = this.#closed.filter(({ handle }) => handle === undefined).map(({ first }) => first);
    await saveManifest(this.#filePath, {
      first: this.#first,
      segments: segments.filter((first) => first >= this.#first),
    });
  }

  async #retire(): Promise<void> {
    const { segments = Infinity, bytes = Infinity, ageMs = Infinity } = this.#rotation.keep ?? {};
    const retired: Segment[] = [];
    let kept = 0;
    let size = 0;
    for (const segment of [...this.#closed].reverse()) {
      const { size: bytesOnDisk, mtimeMs } = await sizeOf(segment);
      kept++;
      size += bytesOnDisk;
      if (retired.length > 0 || kept > segments || size > bytes || Date.now() - mtimeMs > ageMs) retired.push(segment);
    }
    if (retired.length === 0) return;
    this.#oldest = retired[0]!.last + 1;
    this.#first = Math.max(this.#first, this.#oldest);
    this.#closed.splice(0, retired.length);
    // On record first: a segment that is missing is told from one that was retired.
    await this.record();
    for (const { filePath, handle } of retired) await (handle ? handle.close() : rm(filePath, { force: true }));
  }

  async #compressAll(): Promise<void> {
    for (const segment of [...this.#closed]) {
      // Retired meanwhile, perhaps.
      if (segment.compressed || segment.handle || !this.#closed.includes(segment)) continue;
      try {
        await compress(segment);
        if (!this.#closed.includes(segment)) await rm(segment.filePath, { force: true });
      } catch {
        // It stays as it is, and is tried again with the next rotation.
      }
    }
  }
}

/** Somebody may have removed it. */
async function sizeOf({ handle, filePath }: Segment): Promise<{ size: number; mtimeMs: number }> {
  try {
    return await (handle?.stat() ?? stat(filePath));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { size: 0, mtimeMs: Date.now() };
  }
}

/** The compressed one takes the plain one's place when it is on the disk. */
async function compress(segment: Segment): Promise<void> {
  const plain = segment.filePath;
  const temporary = `${plain}.gz.tmp`;
  await rm(temporary, { force: true });
  const source = await open(plain, 'r');
  try {
    await writeCompressed(source, temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await source.close();
  }
  await rename(temporary, `${plain}.gz`);
  await syncDirectory(plain);
  const ino = await inodeOf(`${plain}.gz`);
  Object.assign(segment, { ino, compressed: true, filePath: `${plain}.gz` });
  await rm(plain, { force: true });
}

async function writeCompressed(source: FileHandle, filePath: string): Promise<void> {
  const file = await open(filePath, 'wx');
  try {
    await pipeline(chunksOf(source), createGzip(), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await file.appendFile(chunk);
    });
    // Retirement goes by it.
    const { atime, mtime } = await source.stat();
    await file.utimes(atime, mtime);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function exists(filePath: string): Promise<boolean> {
  return stat(filePath).then(
    () => true,
    () => false,
  );
}
