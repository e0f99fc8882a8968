import { createHash, randomUUID } from 'node:crypto';
import { lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { assertCount, assertMethods, assertOneOf, assertOptions, shown } from '../../errors/assert-argument';
import { START, type Position } from '../../journal/position';
import type { CheckpointStore } from '../../state/projection';
import type { AppendFile } from './append-file';
import { syncDirectory } from '../disk/directory';
import { carryMode, modeOf, type FileMode } from '../disk/file-mode';
import { MEMBER_BYTES, packed } from '../disk/gzip-members';
import { findSegments, saveManifest, segmentPath, segmentsAmong, type Manifest } from './manifest';
import { chunksOf } from '../disk/read-blocks';
import { removeTemporaries } from '../disk/replace-file';
import { inodeOf, type Segment } from './segment';
import type { Segments } from './segments';

/** When the active file is closed, and what happens to closed segments. */
export interface Rotation {
  /** Close the active file before a batch if it is at least this large: a number of bytes >= 1. */
  readonly maxBytes?: number;
  /** Close it before a batch if it is at least this old, in milliseconds >= 1. */
  readonly maxAgeMs?: number;
  /** After each rotation, retire the oldest closed segments, each as a whole, until the rest meets all of these limits. Default: keep all. */
  readonly keep?: {
    /** At most this many closed segments, >= 0. */
    readonly segments?: number;
    /** At most this many bytes on the disk, including the active file, >= 0. */
    readonly bytes?: number;
    /** No segment whose last entry is older than this, in milliseconds >= 0. */
    readonly ageMs?: number;
    /**
     * Of those (or, without another limit, of all) retire only segments before the newest checkpoint in this store, whose state includes them.
     * If the store has no checkpoint, or one past the journal's end, nothing is retired.
     */
    readonly checkpoint?: Pick<CheckpointStore<unknown>, 'load'>;
  };
  /** Compress closed segments, in the background. */
  readonly compress?: 'gzip';
}

const OPTIONS: Record<keyof Rotation, true> = { maxBytes: true, maxAgeMs: true, keep: true, compress: true };
const KEEP: Record<keyof NonNullable<Rotation['keep']>, true> = {
  segments: true,
  bytes: true,
  ageMs: true,
  checkpoint: true,
};

/** Throws a RangeError or TypeError for an invalid rotation. */
export function assertRotation(rotation: Rotation): void {
  assertOptions('rotation', rotation, OPTIONS);
  const { maxBytes, maxAgeMs, keep = {}, compress } = rotation;
  if (maxBytes !== undefined) assertCount('rotation.maxBytes', maxBytes, ' or Infinity');
  if (maxAgeMs !== undefined) assertCount('rotation.maxAgeMs', maxAgeMs, ' or Infinity');
  assertOptions('rotation.keep', keep, KEEP);
  if (keep.segments !== undefined) assertAmount('rotation.keep.segments', keep.segments);
  if (keep.bytes !== undefined) assertAmount('rotation.keep.bytes', keep.bytes);
  if (keep.ageMs !== undefined) assertAmount('rotation.keep.ageMs', keep.ageMs);
  if (keep.checkpoint !== undefined) assertMethods('rotation.keep.checkpoint', keep.checkpoint, ['load']);
  if (compress !== undefined) assertOneOf('rotation.compress', compress, ['gzip']);
}

function assertAmount(name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new RangeError(`Expected \`${name}\` to be a number >= 0, got ${shown(value)}`);
}

/** How much is compressed when the journal closes, in bytes: the rest is left to the next opening, so that closing is fast. */
const COMPRESSED_AT_CLOSE = 8 * 1024 * 1024;
/** The fixed cost of compressing a file, as the number of bytes that take as long. */
const FILE_COST = 1024 * 1024;
/** How many files that another tool has moved away can still be read. */
const TAKEN = 16;

/** Closes segments, retires old ones and compresses them, so that a crash at any point leaves a journal that opens whole. */
export class SegmentRotation {
  readonly #filePath: string;
  readonly #rotation: Rotation;
  /** The store's segments; retired ones are removed. */
  readonly #segments: Segments;
  readonly #id: string;
  #first: Position;
  #begunMs: number;
  /** Whether the creation time of the active file is unrecorded. */
  readonly #isUndated: boolean;
  /** The last recorded position, if there is a record. */
  #recorded: Position | undefined;
  #oldest: Position = START;
  /** Segments that are recorded as retired and not removed yet. */
  #retired: Segment[] = [];
  #uncompressed: Segment[];
  #compressing: Promise<void> = Promise.resolve();
  #current: { readonly segment: Segment; readonly stop: AbortController } | undefined;
  #budget = Infinity;

  constructor(filePath: string, rotation: Rotation | undefined, segments: Segments, manifest: Manifest) {
    this.#filePath = filePath;
    this.#rotation = rotation ?? {};
    this.#segments = segments;
    this.#id = manifest.id ?? randomUUID();
    this.#first = manifest.first;
    this.#oldest = manifest.first;
    const { active } = segments;
    const isKnown = manifest.active === active.first && active.last >= active.first && manifest.begunMs !== undefined;
    this.#begunMs = (isKnown ? manifest.begunMs : undefined) ?? Date.now();
    this.#recorded = manifest.last;
    this.#uncompressed = [...segments.closed];
    this.#isUndated = !isKnown;
  }

  /** The oldest position that was not retired. */
  get oldest(): Position {
    return this.#oldest;
  }

  isDue({ first, last, bytes }: Segment): boolean {
    const { maxBytes = Infinity, maxAgeMs = Infinity } = this.#rotation;
    return last >= first && (bytes >= maxBytes || Date.now() - this.#begunMs >= maxAgeMs);
  }

  /**
   * Gives the active file the name of a closed segment. It is synced first, because nothing repairs the end of a closed segment.
   *
   * @returns whether it did: another tool may have moved the file away in between
   */
  async close(active: Segment, file: AppendFile): Promise<boolean> {
    await file.handle.datasync();
    const { mtimeMs } = await file.handle.stat();
    const target = segmentPath(this.#filePath, active.first);
    if (await exists(target)) throw new Error(`${target} is there already`);
    try {
      await rename(this.#filePath, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    let isOwn = false;
    try {
      isOwn = (await inodeOf(target)) === active.ino;
    } finally {
      if (!isOwn) await this.#putBack(target);
    }
    if (!isOwn) return false;
    Object.assign(active, { filePath: target, bytesOnDisk: active.bytes, mtimeMs });
    this.#segments.closed.push(active);
    this.#uncompressed.push(active);
    return true;
  }

  /** Another tool has moved the active file away: the journal on the disk begins after it. */
  lost(active: Segment): void {
    this.#first = active.last + 1;
    Object.assign(active, { bytesOnDisk: active.bytes, mtimeMs: Date.now() });
    this.#segments.closed.push(active);
  }

  /** Closes the oldest of the files that were moved away; their entries then count as retired. */
  async forgetTaken(readsBack: boolean): Promise<void> {
    const { closed } = this.#segments;
    const taken = closed.filter(({ file }) => file !== undefined);
    for (const segment of taken.slice(0, readsBack ? -TAKEN : undefined)) {
      closed.splice(closed.indexOf(segment), 1);
      const { file } = segment;
      segment.file = undefined;
      await file!.close();
    }
  }

  /** Retires and compresses segments; whatever fails is tried again after the next rotation. */
  async tidy(): Promise<void> {
    await this.#retire().catch(() => undefined);
    this.#compress();
  }

  /** Removes retired segments that a crash has left, and compresses segments that are not compressed yet. */
  async start(): Promise<void> {
    if (this.#rotation.keep && this.#first > START + 1) {
      for (const { filePath, first, twin } of await findSegments(this.#filePath)) {
        if (first >= this.#first) break;
        await rm(filePath, { force: true });
        if (twin !== undefined) await rm(twin, { force: true });
      }
    }
    this.#compress();
    const isCut = (this.#recorded ?? START) > this.#segments.active.last;
    if (isCut || (this.#isUndated && this.#rotation.maxAgeMs !== undefined)) await this.record();
  }

  /** Ends compressing: finishes small amounts, and leaves the rest to the next opening. */
  async stop(): Promise<void> {
    this.#budget = COMPRESSED_AT_CLOSE;
    if (this.#current && !this.#affords(this.#current.segment)) this.#current.stop.abort();
    await this.#compressing;
  }

  /** The active segment was just created. */
  async begun(active: Segment): Promise<void> {
    this.#begunMs = Date.now();
    await this.record(active);
  }

  /**
   * Records where the journal begins and ends. The recorded entries are on the disk.
   *
   * @param active - the active file
   * @param first - where the journal begins
   * @param like - the file whose mode and owner the record gets; default: the journal's
   */
  async record(active = this.#segments.active, first = this.#first, like?: FileMode): Promise<void> {
    const closed = this.#segments.before(active.first) - this.#segments.before(first);
    const place = { id: this.#id, first, active: active.first, begunMs: this.#begunMs, last: active.last, closed };
    await saveManifest(this.#filePath, place, like);
    this.#first = first;
    this.#recorded = active.last;
  }

  /** Before the active file is closed: if there is a record, notes in it the last position, and whether the file was moved away. */
  async end(active: Segment, file: AppendFile, isInPlace: boolean): Promise<void> {
    if (!isInPlace) {
      if (active.last === START) return;
      const next = { ...active, first: active.last + 1 };
      this.#begunMs = Date.now();
      await this.record(next, next.first, await file.handle.stat());
    } else if (this.#recorded !== undefined && this.#recorded !== active.last) {
      // It helps to notice missing files later; a full disk prevents it.
      await file.handle
        .datasync()
        .then(() => this.record(active))
        .catch(() => undefined);
    }
  }

  /** A file that another tool has put in the active file's place gets its name back. */
  async #putBack(target: string): Promise<void> {
    await rename(target, (await exists(this.#filePath)) ? `${target}.${randomUUID().slice(0, 8)}` : this.#filePath);
  }

  async #retire(): Promise<void> {
    const { segments = Infinity, bytes = Infinity, ageMs = Infinity, checkpoint } = this.#rotation.keep ?? {};
    const covered = checkpoint ? await this.#coveredBy(checkpoint) : Infinity;
    const { closed } = this.#segments;
    const isUnlimited = segments === Infinity && bytes === Infinity && ageMs === Infinity;
    if (isUnlimited && !checkpoint) return;
    let from = closed.length;
    let size = 0;
    for (; from > 0 && !isUnlimited; from--) {
      const { bytesOnDisk, mtimeMs } = closed[from - 1]!;
      size += bytesOnDisk;
      if (closed.length - from + 1 > segments || size > bytes || Date.now() - mtimeMs > ageMs) break;
    }
    while (from > 0 && closed[from - 1]!.last > covered) from--;
    if (from > 0) {
      const oldest = closed[from - 1]!.last + 1;
      // Recorded first, so that a missing segment can be distinguished from a retired one.
      await this.record(this.#segments.active, Math.max(this.#first, oldest));
      this.#oldest = oldest;
      this.#retired.push(...closed.splice(0, from));
    }
    for (const segment of [...this.#retired]) {
      await (segment.file ? segment.file.close() : rm(segment.filePath, { force: true }));
      this.#retired.splice(this.#retired.indexOf(segment), 1);
    }
  }

  /** The position up to which a checkpoint holds the state of this journal. */
  async #coveredBy(checkpoint: Pick<CheckpointStore<unknown>, 'load'>): Promise<Position> {
    const { position } = (await checkpoint.load()) ?? { position: START };
    return position <= this.#segments.active.last ? position : START;
  }

  #compress(): void {
    if (this.#rotation.compress === 'gzip') this.#compressing = this.#compressing.then(() => this.#compressAll());
  }

  async #compressAll(): Promise<void> {
    for (const segment of this.#uncompressed.splice(0)) {
      const stop = new AbortController();
      if (segment.compressed || this.#isRetired(segment) || !this.#affords(segment)) continue;
      this.#current = { segment, stop };
      try {
        await compress(segment, stop.signal);
        if (this.#isRetired(segment)) await rm(segment.filePath, { force: true });
      } catch {
        // The segment is left unchanged, and tried again after the next rotation.
        this.#uncompressed.push(segment);
      } finally {
        this.#current = undefined;
      }
    }
  }

  #isRetired(segment: Segment): boolean {
    return segment.first < this.#first;
  }

  #affords({ bytesOnDisk }: Segment): boolean {
    this.#budget -= bytesOnDisk + FILE_COST;
    return this.#budget >= 0;
  }
}

/**
 * Removes the remains of records and segments whose writing a crash interrupted, and plain segments whose complete compressed file exists:
 * a compressed file may also be unfinished, written by another tool.
 *
 * @param files - the files beside the journal's
 * @returns the remaining files
 */
export async function removeLeftovers(filePath: string, files: readonly string[]): Promise<string[]> {
  await removeTemporaries(filePath, /^(\d{16}\.gz|segments\.[-0-9a-f]+)$/, files);
  const removed = new Set<string>();
  for (const { filePath: plain, twin } of segmentsAmong(filePath, files)) {
    if (twin === undefined || !(await isCopy(plain, twin))) continue;
    await rm(plain, { force: true });
    removed.add(basename(plain));
  }
  return files.filter((file) => !removed.has(file));
}

/** Whether a compressed file is on the disk and holds everything that the plain one holds. */
async function isCopy(plain: string, compressed: string): Promise<boolean> {
  const files: FileHandle[] = [];
  try {
    for (const path of [plain, compressed]) files.push(await open(path, 'r'));
    await files[1]!.sync();
    const hashes = [createHash('sha256'), createHash('sha256')] as const;
    await pipeline(chunksOf(files[0]!), hashes[0]);
    await pipeline(chunksOf(files[1]!), createGunzip(), hashes[1]);
    return hashes[0].digest('hex') === hashes[1].digest('hex');
  } catch {
    return false;
  } finally {
    await Promise.all(files.map((file) => file.close()));
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

async function exists(filePath: string): Promise<boolean> {
  try {
    await lstat(filePath);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
