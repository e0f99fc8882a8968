import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import type { Snapshot } from '../flush/flush-predicate';
import { START, type Position, type Positioned } from '../journal/position';
import { AppendFile, type Durability } from './append-file';
import type { Chunk } from './encoded-lines';
import type { JournalLock } from './journal-lock';
import { LineReader, type LineFormat } from './line-reader';
import { findSegments, loadManifest } from './manifest';
import { readSegment, type Segment } from './segment';
import { SegmentRotation, type Rotation } from './segment-rotation';
import { Slots } from './slots';
import { SparseIndex } from './sparse-index';

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

/** Batches are written in pieces of about this size: a whole one may be longer than a buffer can be. */
const PIECE_BYTES = 1024 * 1024;

/** Compressed, a page costs reading from the beginning: fewer and larger ones then. */
const COMPRESSED_PAGE_BYTES = 8 * 1024 * 1024;
const COMPRESSED_PAGE = 50_000;
/** So many pages are read at once, of however many readers. */
const READS = 8;

/** A journal on the disk: the active file, which grows, and the closed segments before it, one journal to those who read it. */
export class JournalStore<T> {
  readonly #options: StoreOptions<T>;
  #closed: Segment[] = [];
  #active!: Segment;
  #file: AppendFile | undefined;
  #rotation: SegmentRotation | undefined;
  #isClosed = false;
  #bytes = 0;
  readonly #reads = new Slots(READS);
  /** The end of the newest step. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: StoreOptions<T>) {
    this.#options = options;
  }

  get filePath(): string {
    return this.#options.filePath;
  }

  get serializer() {
    return this.#options.serializer;
  }

  /** The oldest position that is kept, `last + 1` when there is none. */
  get first(): Position {
    return (this.#closed[0] ?? this.#active).first;
  }

  /** The oldest position that was not retired. */
  get oldest(): Position {
    return this.#rotation?.oldest ?? START;
  }

  /** The last position that is on the disk. */
  get last(): Position {
    return this.#active.last;
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
  open(
    accept?: (records: readonly Positioned<T>[]) => void,
    onProgress?: (progress: OpenProgress) => void,
  ): Promise<FileContent> {
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
      if (file !== undefined && file.handle !== this.#active.handle) await file.close();
    });
  }

  /** {@link JournalStore.release}, and closes all else. */
  async close(): Promise<void> {
    const closing = [this.release(), this.#rotation?.settled() ?? Promise.resolve()];
    for (const segment of this.#closed) {
      if (segment.handle) closing.push(segment.handle.close());
      segment.handle = undefined;
    }
    const failed = (await Promise.allSettled(closing)).find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /**
   * Opens the active file anew, and cuts off what stands behind what it has accepted: after a failure nobody knows whether that is on the disk.
   *
   * Rejects with {@link CorruptJournalError} when it was cut by somebody else.
   */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      const { filePath, durability } = this.#options;
      const active = this.#active;
      const isHalfway = this.#closed.at(-1) === active;
      const found = statSync(filePath, { bigint: true, throwIfNoEntry: false });
      this.#isClosed = false;
      if (isHalfway || found?.ino !== active.ino) {
        if (!isHalfway) this.#rotation!.lost(active);
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

  /** Records behind a position, in order: as many as are read at once, and none where there are none. Nothing is open when it resolves. */
  readAfter(after: Position): Promise<readonly Positioned<T>[]> {
    return this.#reads.run(async () => {
      if (after >= this.last) return [];
      const segment = this.#segmentWith(after + 1);
      const { last, compressed } = segment;
      if (segment.index === undefined) await this.#index(segment);
      let page: readonly Positioned<T>[] = [];
      for await (const records of this.#readSegment(segment, after)) {
        page = page.length === 0 ? records : [...page, ...records];
        if (!compressed || page.length >= COMPRESSED_PAGE) break;
      }
      if (page.length === 0) throw misfit({ ...segment, last }, after);
      return page;
    });
  }

  /** The records up to before a position, in order: as many as are read at once, and none where there are none. */
  readBefore(before: Position): Promise<readonly Positioned<T>[]> {
    return this.#reads.run(() => this.#readBefore(before));
  }

  async #readBefore(before: Position): Promise<readonly Positioned<T>[]> {
    const position = Math.min(before - 1, this.last);
    if (position < START + 1) return [];
    const segment = this.#segmentWith(position);
    if (segment.index === undefined) await this.#index(segment);
    const { from, end } = segment.index!.around(position, segment.compressed ? COMPRESSED_PAGE_BYTES : 0)!;
    const page: Positioned<T>[] = [];
    for await (const records of this.#readSegment(segment, from.position - 1, end)) {
      for (const record of records) if (record.position <= position) page.push(record);
    }
    if (page.at(-1)?.position !== position) throw misfit(segment, page.at(-1)?.position ?? from.position - 1);
    return page;
  }

  async #open(
    accept?: (records: readonly Positioned<T>[]) => void,
    onProgress?: (progress: OpenProgress) => void,
  ): Promise<FileContent> {
    const { filePath, durability, rotation } = this.#options;
    if (this.#isClosed) throw new Error(`The sink of ${filePath} is closed`);
    await this.#file?.close();
    this.#file = undefined;
    const file = await AppendFile.open(filePath, durability);
    try {
      const manifest = await loadManifest(filePath);
      this.#closed = await this.#findClosed(manifest.segments, manifest.first);
      this.#rotation = new SegmentRotation(filePath, rotation, this.#closed, manifest.first);
      const sizes = await Promise.all(this.#closed.map((segment) => stat(segment.filePath)));
      const total = sizes.reduce((sum, { size }) => sum + size, file.bytes);
      let done = 0;
      const progress = (bytes: number) => onProgress?.({ bytes: Math.min(total, (done += bytes)), total });

      const first = this.#closed[0]?.first ?? manifest.first;
      let last = first - 1;
      for (const [index, segment] of this.#closed.entries()) {
        const isLast = index === this.#closed.length - 1;
        // Those before the last one end where the next begins; that they do is seen when they are read.
        if (accept || isLast) {
          for await (const records of this.#readSegment(segment, accept ? segment.first - 1 : Infinity)) {
            accept?.(records);
          }
          last = segment.last;
        }
        progress(sizes[index]!.size);
      }
      const begin = Math.max(last + 1, manifest.first);
      this.#active = {
        ...(await file.identify()),
        filePath,
        first: begin,
        last: begin - 1,
        compressed: false,
        index: new SparseIndex(),
      };
      const truncatedBytes = await this.#recover(file, accept, progress);
      await this.#rotation.removeRetired();
      this.#file = file;
      return { entries: this.last - first + 1, lastPosition: this.last, truncatedBytes };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #recover(
    file: AppendFile,
    accept: ((records: readonly Positioned<T>[]) => void) | undefined,
    progress: (bytes: number) => void,
  ): Promise<number> {
    const active = this.#active;
    const lines = new LineReader<T>(this.#options, { lines: 0, position: active.first - 1 }, active.index);
    let truncatedBytes = 0;
    for await (const block of file.blocks()) {
      if (block.whole) {
        const records: Positioned<T>[] = [];
        lines.read(block, records, accept ? START : Infinity);
        accept?.(records);
      } else {
        const end = lines.end(block);
        truncatedBytes = block.byteOffset + block.bytes.length - end.byteOffset;
        if (truncatedBytes > 0) {
          await file.truncate(end.byteOffset);
          active.index!.cut(end.byteOffset);
        }
        if (!end.newline) await file.append([Buffer.from('\n')]);
        accept?.(end.records);
      }
      progress(block.bytes.length);
    }
    active.last = lines.last;
    active.bytes = file.bytes;
    return truncatedBytes;
  }

  /** The closed segments; throws when one is not there that is on record. */
  async #findClosed(recorded: readonly Position[], oldest: Position): Promise<Segment[]> {
    const { filePath } = this.#options;
    const found = (await findSegments(filePath)).filter(({ first }) => first >= oldest);
    const missing = recorded.find((first) => first >= oldest && !found.some((segment) => segment.first === first));
    if (missing !== undefined) {
      const reason = `the segment that begins with position ${missing} is missing`;
      throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
    }
    return Promise.all(
      found.map(async ({ first, filePath, compressed }, index) => {
        const { ino, size, birthtimeMs } = await stat(filePath, { bigint: true });
        const bornMs = Number(birthtimeMs);
        const last = (found[index + 1]?.first ?? Infinity) - 1;
        const bytes = compressed ? Infinity : Number(size);
        return { filePath, ino, first, last, bytes, compressed, bornMs, index: undefined };
      }),
    );
  }

  /** A file that can be appended to: where an outside tool has taken it away, or it is full, a new one. */
  async #makeRoom(): Promise<void> {
    const { filePath, lock } = this.#options;
    const file = this.#file!;
    const active = this.#active;
    if (lock === undefined || !file.isRegular) return;
    // Otherwise it was closed before, and the new one could not be begun.
    if (this.#closed.at(-1) !== active) {
      const found = statSync(filePath, { bigint: true, throwIfNoEntry: false });
      if (found?.ino === active.ino) {
        if (found.size < active.bytes) throw wasCut(active, found.size);
        if (!this.#rotation!.isDue(active)) return;
        await this.#rotation!.close(active, file);
      } else {
        active.handle = file.handle;
        this.#rotation!.lost(active);
      }
      this.#closed.push(active);
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
      const identity = await file.identify();
      // On record before its first byte: it does not begin with position 1.
      await this.#rotation!.record();
      this.#active = { ...identity, filePath, first: last + 1, last, compressed: false, index: new SparseIndex() };
      this.#file = file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #append(entries: number, chunks: Iterable<Chunk>): Promise<void> {
    const file = this.#file!;
    const active = this.#active;
    const places: [Position, number][] = [];
    let position = active.last + 1;
    let byteOffset = file.bytes;
    function* pieces(): Generator<Buffer> {
      let piece: Buffer[] = [];
      let length = 0;
      for (const { bytes, lines } of chunks) {
        places.push([position, byteOffset]);
        position += lines;
        byteOffset += bytes.length;
        length += bytes.length;
        piece.push(bytes);
        if (length < PIECE_BYTES) continue;
        yield Buffer.concat(piece);
        piece = [];
        length = 0;
      }
      if (length > 0) yield piece.length === 1 ? piece[0]! : Buffer.concat(piece);
    }
    this.#bytes += await file.append(pieces());
    for (const [position, byteOffset] of places) active.index!.note(position, byteOffset);
    active.last += entries;
    active.bytes = file.bytes;
  }

  #segmentWith(position: Position): Segment {
    if (position < this.first) throw new PositionTrimmedError(position, this.first);
    if (position >= this.#active.first) return this.#active;
    const index = this.#closed.findLastIndex(({ first }) => first <= position);
    const segment = this.#closed[index]!;
    // What came behind it was taken away.
    if (position > segment.last)
      throw new PositionTrimmedError(position, (this.#closed[index + 1] ?? this.#active).first);
    return segment;
  }

  /** The records of a segment behind a position, and up to an offset. */
  async *#readSegment(segment: Segment, after: Position, end?: number): AsyncGenerator<readonly Positioned<T>[], void> {
    const { from } = segment.index?.around(after + 1) ?? { from: { position: segment.first, byteOffset: 0 } };
    const index = segment.index === undefined ? new SparseIndex() : undefined;
    const start = { lines: from.position - segment.first, position: from.position - 1 };
    const format = { ...this.#options, filePath: segment.filePath, groupsAreWhole: true };
    const lines = new LineReader<T>(format, start, index);
    const isClosed = segment !== this.#active;
    let bytes = from.byteOffset;
    try {
      for await (const block of readSegment(segment, from.byteOffset, end ?? segment.bytes)) {
        if (!block.whole && block.bytes.length > 0) throw torn(segment, lines.last, block.byteOffset);
        const records: Positioned<T>[] = [];
        try {
          if (block.whole) lines.read(block, records, after);
        } finally {
          bytes += block.bytes.length;
          const isAll = records[0] === undefined || records[0].position > after;
          const wanted = isAll ? records : records.filter(({ position }) => position > after);
          if (wanted.length > 0) yield wanted;
        }
      }
    } catch (error) {
      throw isUnpacking(error) ? unreadable(segment, lines.last, error) : error;
    }
    if (end !== undefined || !isClosed) return;
    if (segment.last === Infinity) segment.last = lines.last;
    if (segment.last !== lines.last) throw misfit(segment, lines.last);
    segment.index ??= index;
    segment.bytes = bytes;
  }

  /** Finds the places of a segment that was never read. */
  async #index(segment: Segment): Promise<void> {
    const pages = this.#readSegment(segment, Infinity);
    while (!(await pages.next()).done);
  }

  #inTurn<R>(step: () => Promise<R>): Promise<R> {
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function misfit({ filePath, first, last: expected }: Segment, last: Position): CorruptJournalError {
  const reason = `the segment ends with position ${last} where ${expected} is expected`;
  return new CorruptJournalError({ filePath, line: last - first + 1, byteOffset: 0, reason });
}

function isUnpacking(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException | undefined)?.code).startsWith('Z_');
}

function wasCut({ filePath, bytes }: Segment, size: bigint): CorruptJournalError {
  const reason = `somebody has cut the file to ${size} bytes, of ${bytes}`;
  return new CorruptJournalError({ filePath, line: 1, byteOffset: Number(size), reason });
}

function torn({ filePath, first }: Segment, last: Position, byteOffset: number): CorruptJournalError {
  return new CorruptJournalError({
    filePath,
    line: last - first + 2,
    byteOffset,
    reason: 'a closed segment ends in a torn line',
  });
}

function unreadable({ filePath, first }: Segment, last: Position, cause: unknown): CorruptJournalError {
  const at = { filePath, line: last - first + 2, byteOffset: 0, reason: 'it cannot be decompressed' };
  return new CorruptJournalError(at, { cause });
}
