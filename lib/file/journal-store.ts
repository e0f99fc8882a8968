import { statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import type { Snapshot } from '../flush/flush-predicate';
import { START, type Position, type Positioned } from '../journal/position';
import { AppendFile, type Durability } from './append-file';
import type { Chunk } from './encoded-lines';
import { inPieces } from './in-pieces';
import type { JournalLock } from './journal-lock';
import type { LineFormat } from './line-reader';
import { loadManifest } from './manifest';
import { PageReader } from './page-reader';
import { recoverSegment, type Accept } from './recover-segment';
import { activeSegment, type Segment } from './segment';
import { SegmentRotation, type Rotation } from './segment-rotation';
import { closedSegments, Segments } from './segments';

/** How a journal is kept on the disk. */
export interface StoreOptions<T> extends Omit<LineFormat<T>, 'restarts'> {
  readonly durability: Durability;
  readonly rotation?: Rotation | undefined;
  /** Takes the lock of a file that takes the journal's name. */
  readonly lock?: Pick<JournalLock, 'follow'>;
}

/** How far reading a journal at its opening is, in bytes. */
export interface OpenProgress {
  readonly bytes: number;
  readonly total: number;
}

/** What a file held when it was opened. */
export interface FileContent {
  readonly entries: number;
  readonly lastPosition: Position;
  /** How many bytes of a torn last line were cut off. */
  readonly truncatedBytes: number;
}

/** A journal on the disk: the active file, which grows, and the closed segments before it, one journal to those who read it. */
export class JournalStore<T> {
  readonly #options: StoreOptions<T>;
  #segments!: Segments;
  #pages!: PageReader<T>;
  #rotation: SegmentRotation | undefined;
  /** What the active segment is appended to, while it is open. */
  #file: AppendFile | undefined;
  #isClosed = false;
  #bytes = 0;
  /** The end of the newest step. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: StoreOptions<T>) {
    this.#options = options;
  }

  /** The oldest position that is kept, `last + 1` when there is none. */
  get first(): Position {
    return this.#segments.first;
  }

  /** The oldest position that was not retired. */
  get oldest(): Position {
    return this.#rotation?.oldest ?? START;
  }

  /** The last position that is on the disk. */
  get last(): Position {
    return this.#segments.last;
  }

  /** How many bytes it has appended. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Opens the files and repairs the torn end.
   *
   * @param accept - gets everything; where it is left out, lines are not parsed, and only their frame is checked
   */
  open(accept?: Accept<T>, onProgress?: (progress: OpenProgress) => void): Promise<FileContent> {
    return this.#inTurn(() => this.#open(accept, onProgress));
  }

  /** Appends a snapshot that continues the journal: whole, or not at all. */
  append(snapshot: Snapshot<T>, chunks: () => Iterable<Chunk>): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#file === undefined) await this.#open();
      if (snapshot.length === 0) return;
      snapshot.forEach(({ position }, index) => {
        if (position !== this.last + 1 + index) throw new PositionConflictError(position - 1, this.last + index);
      });
      await this.#makeRoom();
      await this.#append(snapshot.length, chunks());
    });
  }

  /** Waits for what is under way, then closes the active file; it can be read, and opened anew. */
  release(): Promise<void> {
    return this.#inTurn(async () => {
      const file = this.#file;
      this.#file = undefined;
      this.#isClosed = true;
      // One that was taken away is read through it.
      if (file !== undefined && file.handle !== this.#segments.active.handle) await file.close();
    });
  }

  /** {@link JournalStore.release}, and closes all else, whatever fails. */
  async close(): Promise<void> {
    try {
      await this.release();
    } finally {
      // Not before: what is under way until then may be rotated yet.
      await this.#rotation?.settled();
      const handles: FileHandle[] = [];
      for (const segment of this.#rotation ? this.#segments.closed : []) {
        if (segment.handle) handles.push(segment.handle);
        segment.handle = undefined;
      }
      await Promise.all(handles.map((handle) => handle.close()));
    }
  }

  /**
   * Opens the active file anew, and cuts off what stands behind what it has accepted: after a failure nobody knows whether that is on the disk.
   *
   * Rejects with {@link CorruptJournalError} when it was cut by somebody else.
   */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      const { filePath, durability } = this.#options;
      const { active } = this.#segments;
      const found = statSync(filePath, { bigint: true, throwIfNoEntry: false });
      this.#isClosed = false;
      if (this.#isHalfway || found?.ino !== active.ino) {
        if (!this.#isHalfway) this.#rotation!.lost(active);
        return this.#begin(active.last);
      }
      if (found.size < active.bytes) throw wasCut(active, found.size);
      const file = await AppendFile.open(filePath, durability);
      try {
        if (file.bytes > active.bytes) await file.truncate(active.bytes);
      } catch (error) {
        await file.close();
        throw error;
      }
      this.#file = file;
    });
  }

  /** Every record behind a position, in order, a page at a time; throws {@link PositionTrimmedError} and {@link CorruptJournalError}. */
  async *read(after: Position): AsyncGenerator<readonly Positioned<T>[], void> {
    while (after < this.last) {
      const page = await this.readAfter(after);
      yield page;
      after = page.at(-1)!.position;
    }
  }

  /** {@link PageReader.after}. */
  readAfter(after: Position): Promise<readonly Positioned<T>[]> {
    return this.#pages.after(after);
  }

  /** {@link PageReader.before}. */
  readBefore(before: Position): Promise<readonly Positioned<T>[]> {
    return this.#pages.before(before);
  }

  async #open(accept?: Accept<T>, onProgress?: (progress: OpenProgress) => void): Promise<FileContent> {
    const { filePath, durability, rotation } = this.#options;
    if (this.#isClosed) throw new Error(`The sink of ${filePath} is closed`);
    const file = await AppendFile.open(filePath, durability);
    try {
      const manifest = await loadManifest(filePath);
      const closed = await closedSegments(filePath, manifest);
      const total = closed.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, file.bytes);
      let done = 0;
      const progress = (bytes: number) => onProgress?.({ bytes: Math.min(total, (done += bytes)), total });

      this.#segments = new Segments(closed, await activeSegment(file, filePath, manifest.first));
      this.#pages = new PageReader(this.#options, this.#segments);
      this.#rotation = new SegmentRotation(filePath, rotation, closed, manifest.first);
      for (const segment of closed) {
        // Those before the last one end where the next begins; that they do is seen when they are read.
        if (accept || segment === closed.at(-1)) {
          for await (const records of this.#pages.scan(segment, accept ? START : Infinity)) accept?.(records);
        }
        progress(segment.bytesOnDisk);
      }
      const last = closed.at(-1)?.last ?? manifest.first - 1;
      this.#segments.active = await activeSegment(file, filePath, last + 1);
      const truncatedBytes = await recoverSegment(this.#segments.active, file, this.#options, accept, progress);
      await this.#rotation.removeRetired();
      this.#file = file;
      return { entries: this.last - this.first + 1, lastPosition: this.last, truncatedBytes };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Whether the active segment was closed, and the next one could not be begun. */
  get #isHalfway(): boolean {
    return this.#segments.closed.at(-1) === this.#segments.active;
  }

  /** A file that can be appended to: where an outside tool has taken it away, or it is full, a new one. */
  async #makeRoom(): Promise<void> {
    const { filePath, lock } = this.#options;
    const file = this.#file!;
    const { active, closed } = this.#segments;
    if (lock === undefined || !file.isRegular) return;
    if (!this.#isHalfway) {
      const found = statSync(filePath, { bigint: true, throwIfNoEntry: false });
      if (found?.ino === active.ino) {
        if (found.size < active.bytes) throw wasCut(active, found.size);
        if (!this.#rotation!.isDue(active)) return;
        await this.#rotation!.close(active, file);
      } else {
        active.handle = file.handle;
        this.#rotation!.lost(active);
      }
      closed.push(active);
    }
    await this.#begin(active.last);
    if (active.handle === undefined) await file.close();
    await this.#rotation!.tidy();
  }

  /** Begins a new active file behind a position. */
  async #begin(last: Position): Promise<void> {
    const { filePath, durability, lock } = this.#options;
    const file = await AppendFile.open(filePath, durability);
    try {
      if (file.bytes > 0) {
        const reason = 'another file has taken its name';
        throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
      }
      await lock?.follow();
      const active = await activeSegment(file, filePath, last + 1);
      // On record before its first byte: it does not begin with position 1.
      await this.#rotation!.record();
      this.#segments.active = active;
      this.#file = file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #append(entries: number, chunks: Iterable<Chunk>): Promise<void> {
    const file = this.#file!;
    const { active } = this.#segments;
    const places: [Position, number][] = [];
    let position = active.last + 1;
    let byteOffset = file.bytes;
    function* noted(): Generator<Chunk> {
      for (const chunk of chunks) {
        places.push([position, byteOffset]);
        position += chunk.lines;
        byteOffset += chunk.bytes.length;
        yield chunk;
      }
    }
    this.#bytes += await file.append(inPieces(noted()));
    for (const [position, byteOffset] of places) active.index!.note(position, byteOffset);
    active.last += entries;
    active.bytes = file.bytes;
  }

  #inTurn<R>(step: () => Promise<R>): Promise<R> {
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function wasCut({ filePath, bytes }: Segment, size: bigint): CorruptJournalError {
  const reason = `somebody has cut the file to ${size} bytes, of ${bytes}`;
  return new CorruptJournalError({ filePath, line: 1, byteOffset: Number(size), reason });
}
