import { randomUUID } from 'node:crypto';
import { lstat, rename, rm } from 'node:fs/promises';
import { START, type Position } from '../../journal/position';
import type { CheckpointStore } from '../../state/projection';
import type { AppendFile } from './append-file';
import type { FileMode } from '../disk/file-mode';
import { findSegments, saveManifest, segmentPath, type Manifest } from './manifest';
import type { Rotation } from './rotation';
import { inodeOf, type Segment } from './segment';
import { SegmentCompression } from './segment-compression';
import type { Segments } from './segments';

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
  readonly #compression: SegmentCompression | undefined;

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
    this.#isUndated = !isKnown;
    if (this.#rotation.compress === 'gzip')
      this.#compression = new SegmentCompression(segments.closed, ({ first }) => first < this.#first);
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
    this.#compression?.add(active);
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
    this.#compression?.run();
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
    this.#compression?.run();
    const isCut = (this.#recorded ?? START) > this.#segments.active.last;
    if (isCut || (this.#isUndated && this.#rotation.maxAgeMs !== undefined)) await this.record();
  }

  /** {@link SegmentCompression.stop}. */
  async stop(): Promise<void> {
    await this.#compression?.stop();
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
