import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { PositionConflictError } from '../../errors/position-conflict-error';
import type { Snapshot } from '../../flush/flush-predicate';
import { START, type Position, type Positioned } from '../../journal/position';
import { AppendFile, assertSize, type Durability } from './append-file';
import { withoutLines, type Chunk } from '../lines/encoded-lines';
import { makeDirectories, syncDirectory } from '../disk/directory';
import type { FileMode } from '../disk/file-mode';
import { assertRoomBeside } from '../disk/file-path';
import { inPieces } from '../lines/in-pieces';
import type { JournalLock } from '../lock/journal-lock';
import type { LineFormat } from '../lines/line-reader';
import type { PageReader } from './page-reader';
import { recoverJournal, type OpenProgress } from './recover-journal';
import type { Accept } from './recover-segment';
import { modeAt } from '../disk/replace-file';
import { activeSegment, type Segment } from './segment';
import type { Rotation } from './rotation';
import { SegmentRotation } from './segment-rotation';
import type { Segments } from './segments';

/** How a journal is kept on the disk. */
export interface StoreOptions<T> extends Omit<LineFormat<T>, 'restarts'> {
  readonly durability: Durability;
  readonly rotation?: Rotation | undefined;
  /** Locks a file that takes the journal's name. */
  readonly lock?: Pick<JournalLock, 'follow'>;
  /** Whether entries are read while it is open: files that another tool moves away are kept open for that. @default false */
  readonly readsBack?: boolean;
}

/** What a file held when it was opened. */
export interface FileContent {
  readonly entries: number;
  readonly lastPosition: Position;
  /** How many bytes of a torn last line were cut off. */
  readonly truncatedBytes: number;
}

/** A journal on the disk: the active file, which grows, and the closed segments before it; readers see one journal. */
export class JournalStore<T> {
  readonly #options: StoreOptions<T>;
  #segments!: Segments;
  #pages!: PageReader<T>;
  #rotation: SegmentRotation | undefined;
  /** The file of the active segment, while it is open. */
  #file: AppendFile | undefined;
  /** Whether the active segment was closed or moved away, and the next one could not be created. */
  #isHalfway = false;
  /** Whether the last open file may end in half a batch. */
  #isTorn = false;
  #isClosed = false;
  /** Lines that were appended synchronously for the next active file, which does not exist yet. */
  #aside = { bytes: 0, lines: 0 };
  /** Whether anything was appended synchronously: later appends may contain it. */
  #overtaken = false;
  #bytes = 0;
  /** Settles at the end of the newest step. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: StoreOptions<T>) {
    this.#options = options;
  }

  /** The oldest position kept; `last + 1` if none is kept. */
  get first(): Position {
    return this.#segments.first;
  }

  /** The oldest position that was not retired. */
  get oldest(): Position {
    return this.#rotation?.oldest ?? START;
  }

  /** The last position that is on the disk. */
  get last(): Position {
    return this.#segments.last + this.#aside.lines;
  }

  /** How many bytes it has appended. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Opens the files and repairs the torn end.
   *
   * @param accept - receives every record; without it, lines are not parsed and only their frame is checked
   */
  open(accept?: Accept<T>, onProgress?: (progress: OpenProgress) => void): Promise<FileContent> {
    return this.#inTurn(() => this.#open(accept, onProgress));
  }

  /** Appends a snapshot that continues the journal, whole or not at all. */
  append(snapshot: Snapshot<T>, chunks: () => Iterable<Chunk>): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#file === undefined) await this.#open();
      // `appendSync` has already appended this part.
      const there = this.#overtaken
        ? Math.max(0, Math.min(snapshot.length, this.last + 1 - (snapshot[0]?.position ?? 0)))
        : 0;
      if (snapshot.length === there) return;
      const left = there === 0 ? chunks() : withoutLines([...chunks()], there);
      snapshot = snapshot.slice(there);
      snapshot.forEach(({ position }, index) => {
        if (position !== this.last + 1 + index) throw new PositionConflictError(position - 1, this.last + index);
      });
      const { last } = this;
      await this.#makeRoom();
      if (this.last === last) await this.#append(snapshot.length, left);
    });
  }

  /**
   * Appends lines that continue the journal synchronously, whatever is pending; a due rotation is left to the next append.
   *
   * Throws the system's error, with the chunks before it appended.
   */
  appendSync(chunks: readonly Chunk[]): void {
    if (chunks.length === 0) return;
    this.#overtaken = true;
    const { active } = this.#segments;
    if (this.#isHalfway || this.#file === undefined) return this.#appendAside(chunks);
    for (const { bytes, lines } of chunks) {
      active.index!.note(active.last + 1, this.#file.bytes);
      this.#file.appendSync(bytes);
      this.#bytes += bytes.length;
      active.last += lines;
      active.bytes = this.#file.bytes;
    }
  }

  /** While no file is open: between two segments, or after a failure. */
  #appendAside(chunks: readonly Chunk[]): void {
    const { filePath, durability } = this.#options;
    const { active } = this.#segments;
    const fd = openSync(filePath, 'a+');
    try {
      const { ino, size } = fstatSync(fd, { bigint: true });
      const expected = this.#isHalfway ? this.#aside.bytes : active.bytes;
      if (!this.#isHalfway && (ino !== active.ino || Number(size) < expected))
        throw new Error('Another file has taken its name');
      if (Number(size) > expected) {
        if (this.#isHalfway || !this.#isTorn) assertSize(filePath, Number(size), expected);
        ftruncateSync(fd, expected);
      }
      for (const { bytes, lines } of chunks) {
        const before = this.#isHalfway ? this.#aside.bytes : active.bytes;
        try {
          for (let from = 0; from < bytes.length;) from += writeSync(fd, bytes, from, bytes.length - from, null);
        } catch (error) {
          ftruncateSync(fd, before);
          throw error;
        }
        if (this.#isHalfway) {
          this.#aside = { bytes: this.#aside.bytes + bytes.length, lines: this.#aside.lines + lines };
        } else {
          active.last += lines;
          active.bytes += bytes.length;
        }
      }
      if (durability === 'disk') fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Waits for pending work, then closes the active file; the journal can still be read, and reopened. */
  release(): Promise<void> {
    return this.#inTurn(async () => {
      const file = this.#file;
      this.#file = undefined;
      this.#isClosed = true;
      if (file === undefined) return;
      this.#isTorn = file.isBroken;
      try {
        await this.#end(file);
      } finally {
        const { active } = this.#segments;
        // A file that was moved away is read through its handle.
        if (!this.#options.readsBack || statOf(this.#options.filePath)?.ino === file.ino || this.#isHalfway) {
          if (active.file === file) active.file = undefined;
          await file.close();
        }
      }
    });
  }

  /** {@link JournalStore.release}, and closes everything else, even if something fails. */
  async close(): Promise<void> {
    try {
      await this.release();
    } finally {
      // Not earlier: pending work may still rotate the file.
      await this.#rotation?.stop();
      const { closed, active } = this.#rotation ? this.#segments : { closed: [], active: undefined };
      for (const segment of [...closed, active]) {
        const file = segment?.file;
        if (!file) continue;
        segment.file = undefined;
        await file.close();
      }
    }
  }

  /**
   * Reopens the active file, and cuts off everything after the accepted entries: after a failure it is unknown whether that is on the disk.
   *
   * Rejects with {@link CorruptJournalError} if another program has cut it.
   */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      const { filePath, durability } = this.#options;
      const { active } = this.#segments;
      const found = statOf(filePath);
      this.#isClosed = false;
      if (!this.#isHalfway && found?.ino !== active.ino) {
        this.#rotation!.lost(active);
        this.#isHalfway = true;
      }
      if (this.#isHalfway) return this.#begin(active);
      const size = Number(found!.size);
      // A half-written batch is cut off; what another program has appended is not.
      if (size < active.bytes || !this.#isTorn) assertSize(filePath, size, active.bytes);
      const file = await AppendFile.open(filePath, durability);
      try {
        if (file.bytes > active.bytes) await file.truncate(active.bytes);
      } catch (error) {
        await file.close();
        throw error;
      }
      this.#file = active.file = file;
      this.#isTorn = false;
    });
  }

  /** Every record after a position, in order, a page at a time; throws {@link PositionTrimmedError} and {@link CorruptJournalError}. */
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
    const { filePath, durability, rotation, lock } = this.#options;
    if (this.#isClosed) throw new Error(`The sink of ${filePath} is closed`);
    if (lock === undefined) {
      assertRoomBeside(filePath);
      await makeDirectories(filePath, durability === 'disk');
    }
    const file = await AppendFile.open(filePath, durability);
    try {
      const how = { rotates: rotation !== undefined, accept, onProgress };
      const { manifest, segments, pages, truncatedBytes } = await recoverJournal(file, this.#options, how);
      this.#segments = segments;
      this.#pages = pages;
      this.#rotation = new SegmentRotation(filePath, rotation, segments, manifest);
      await this.#rotation.start();
      this.#file = file;
      return { entries: this.last - this.first + 1, lastPosition: this.last, truncatedBytes };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** A file that can be appended to: a new one if another tool has moved it away, or if it is full. */
  async #makeRoom(): Promise<void> {
    const { filePath, readsBack = false } = this.#options;
    const file = this.#file!;
    const { active } = this.#segments;
    const rotation = this.#rotation!;
    if (!file.isRegular) return;
    if (!this.#isHalfway) {
      const isInPlace = await file.isInPlace(filePath);
      if (isInPlace && !rotation.isDue(active)) return;
      if (!isInPlace || !(await rotation.close(active, file))) {
        await file.mend().catch(() => undefined); // it no longer belongs to the journal
        rotation.lost(active);
      }
      this.#isHalfway = true;
    }
    await this.#begin(active);
    if (active.filePath !== filePath) {
      active.file = undefined;
      await file.close();
    }
    await rotation.forgetTaken(readsBack);
    await rotation.tidy();
  }

  /** Begins a new active file after a segment. */
  async #begin({ last }: Segment): Promise<void> {
    const { filePath, durability, lock } = this.#options;
    // The previous segment's name must be on the disk first, or a power loss leaves a journal that begins with the new file.
    await syncDirectory(filePath);
    const file = await AppendFile.open(filePath, durability, await this.#mode());
    try {
      if (file.bytes !== this.#aside.bytes) {
        const reason = 'another file has taken its name';
        throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
      }
      await lock?.follow();
      const active = activeSegment(file, filePath, last + 1);
      // Recorded before its first byte, because it does not begin with position 1.
      await this.#rotation!.begun(active);
      if (this.#aside.lines > 0) {
        active.index!.note(active.first, 0);
        active.last += this.#aside.lines;
        active.bytes = file.bytes;
        this.#aside = { bytes: 0, lines: 0 };
      }
      this.#segments.active = active;
      this.#file = file;
      this.#isHalfway = false;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The mode and the owner of the active segment, for the next one. */
  async #mode(): Promise<FileMode | undefined> {
    const { file, filePath } = this.#segments.active;
    return file ? file.handle.stat() : modeAt(filePath);
  }

  /** Before the active file is closed: records what the next opening cannot see. */
  async #end(file: AppendFile): Promise<void> {
    if (!file.isRegular || this.#isHalfway) return;
    const isInPlace = statOf(this.#options.filePath)?.ino === file.ino;
    await this.#rotation!.end(this.#segments.active, file, isInPlace);
  }

  async #append(entries: number, chunks: Iterable<Chunk>): Promise<void> {
    const file = this.#file!;
    const { active } = this.#segments;
    const places: [Position, number][] = [];
    let position = active.last + 1;
    let byteOffset = file.bytes;
    function* withPlaces(): Generator<Chunk> {
      for (const chunk of chunks) {
        places.push([position, byteOffset]);
        position += chunk.lines;
        byteOffset += chunk.bytes.length;
        yield chunk;
      }
    }
    const before = active.last;
    this.#bytes += await file.append(inPieces(withPlaces()));
    if (active.last !== before) return; // appended synchronously meanwhile
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

function statOf(filePath: string) {
  return statSync(filePath, { bigint: true, throwIfNoEntry: false });
}
