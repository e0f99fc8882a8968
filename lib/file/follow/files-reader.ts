import { lstat, open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { PositionTrimmedError } from '../../errors/position-trimmed-error';
import { END, START, type Position, type Positioned } from '../../journal/position';
import { FileChanges } from './file-changes';
import { findPlace } from './find-place';
import { LineReader, type LineFormat } from '../lines/line-reader';
import { findSegments, loadManifest, type SegmentName } from '../store/manifest';
import { NewestBatch, type Mark } from './newest-batch';
import { readBlocks } from '../disk/read-blocks';
import { isThere, SEEN_BYTES, seenBefore, type SeenBytes } from './seen-bytes';
import { inodeOf, membersOf, type SegmentFile } from '../store/segment';
import { segmentPages } from '../store/segment-pages';

type Pages<T> = AsyncGenerator<readonly Positioned<T>[], void>;

/** How long to wait for a missing active file: between two system calls of a rotation it has no name. */
const ATTEMPTS = 50;
const PAUSE_MS = 10;
/** So often it is looked for entries that seem to be missing before the active file. */
const LOOKS = 5;
/** How often to check for a file that may appear at any time. */
const LONGEST_PAUSE_MS = 250;

/** For a reader that follows: where it begins, and what it calls. */
export interface Following {
  /** Begin shortly before the end, instead of after a position. */
  readonly fromEnd: true;
  /** Called once, with the last position, when everything that existed has been emitted. */
  readonly caughtUp: (position: Position) => void;
}

/** Reads a journal's closed segments and its active file one after the other, while another process writes and rotates them. */
export class FilesReader<T> {
  #format: LineFormat<T>;
  readonly #wanted: Position | undefined;
  readonly #follow: boolean;
  readonly #signal: AbortSignal;
  /** The last position that was read. */
  #last = START;
  /** The last position of the active file that was emitted. */
  #given = START;
  /** Whether anything was read, so that the next entry must follow it. */
  #hasBegun = false;
  #wasThere = false;
  /** The journal's identity, once it is recorded. */
  #id: string | undefined;
  /** A position that was on the disk before reading began, according to the record. */
  #recorded = START;

  /** Until it has caught up. */
  #following: Following | undefined;

  /** @param after - emit the entries after it; `undefined`: all that exist */
  constructor(
    format: LineFormat<T>,
    after: Position | undefined,
    follow: boolean,
    signal: AbortSignal,
    following?: Following,
  ) {
    this.#format = format;
    this.#wanted = after;
    this.#follow = follow;
    this.#signal = signal;
    this.#following = following;
  }

  /** @param waits - whether to wait for a journal that does not exist yet */
  async *pages(waits = false): Pages<T> {
    for (let pause = PAUSE_MS; waits && !(await isThereYet(this.#format.filePath)); pause = longer(pause)) {
      await sleep(pause, this.#signal);
      if (this.#signal.aborted) return;
    }
    // Resolved once, so that links, or another working directory, cannot lead to another journal.
    const filePath = await located(this.#format.filePath);
    this.#format = { ...this.#format, filePath };
    const { first, id, last } = await loadManifest(filePath);
    this.#id = id;
    this.#recorded = last ?? START;
    if (this.#wanted !== undefined && this.#wanted + 1 < first) throw new PositionTrimmedError(this.#wanted + 1, first);
    this.#last = first - 1;
    let looks = 0;
    while (!this.#signal.aborted) {
      yield* this.#closedPages();
      const file = await this.#openActive();
      if (file === undefined) {
        // Closed in between.
        if (this.#follow || (await this.#closed()).length > 0) continue;
        this.#assertReaches();
        return;
      }
      try {
        // Rotated in between.
        if ((await this.#closed()).length > 0) continue;
        const { first, active = first } = await loadManifest(filePath);
        if (first > this.#last + 1) {
          // The entries in between were closed and retired.
          this.#skipTo(first);
        }
        // A listing may miss a file that is renamed meanwhile: then it is there the next time.
        if (looks < LOOKS && active > this.#last + 1) {
          looks++;
          await sleep(PAUSE_MS, this.#signal);
          continue;
        }
        looks = 0;
        if ((yield* this.#activePages(file)) === 'done') return;
      } finally {
        await file.close();
      }
    }
  }

  /** Starts over with the oldest position kept, if the requested one is not before it; otherwise throws {@link PositionTrimmedError}. */
  #skipTo(first: Position): void {
    const next = this.#hasBegun || this.#wanted === undefined ? this.#last + 1 : this.#wanted + 1;
    if (this.#hasBegun || (this.#wanted !== undefined && next < first)) throw new PositionTrimmedError(next, first);
    this.#last = first - 1;
  }

  get #after(): Position {
    return this.#wanted ?? START;
  }

  /** Entries of closed segments up to this position are not needed. */
  get #passed(): Position {
    return this.#following ? END : this.#after;
  }

  /** The closed segments that were not read yet. */
  async #closed(): Promise<SegmentName[]> {
    return (await findSegments(this.#format.filePath)).filter(({ first }) => first > this.#last);
  }

  async *#closedPages(): Pages<T> {
    for (;;) {
      const segments = await this.#closed();
      const [oldest] = segments;
      if (oldest === undefined || this.#signal.aborted) return;
      if (oldest.first !== this.#last + 1) {
        const error = await this.#missing(oldest.first);
        if (!(error instanceof PositionTrimmedError)) throw error;
        this.#skipTo(error.first);
        continue;
      }
      // A folder of many segments is listed again only if the next segment is not as listed.
      for (const [index, segment] of segments.entries()) {
        if (segment.first !== this.#last + 1) break;
        const end = segments[index + 1]?.first ?? (await this.#activeAfter(segment));
        if (end !== undefined && end - 1 <= this.#passed) this.#last = end - 1;
        else yield* this.#segmentPages(segment);
      }
    }
  }

  /** Where the active file begins after the last closed segment, according to the record. */
  async #activeAfter({ first }: SegmentName): Promise<Position | undefined> {
    if (this.#passed <= first) return undefined;
    const { active } = await loadManifest(this.#format.filePath);
    return active !== undefined && active > first ? active : undefined;
  }

  async *#segmentPages({ filePath, compressed, first }: SegmentName): Pages<T> {
    let segment: SegmentFile;
    let begin = { lines: 0, byteOffset: 0 };
    try {
      segment = { filePath, compressed, ino: await inodeOf(filePath) };
      const members = await membersOf(segment);
      const isOneRun = this.#format.restarts !== 'renumber';
      if (members && isOneRun && this.#passed >= first) begin = members.withLine(this.#passed + 1 - first);
    } catch (error) {
      // Compressed or retired in between: list again. A dangling link still counts as a file.
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT' && !(await isLink(filePath));
      if (isGone) return;
      throw error;
    }
    const format = { ...this.#format, filePath, groupsAreWhole: true };
    const start = { lines: begin.lines, position: first - 1 + begin.lines };
    const lines = new LineReader<T>(format, start);
    const stretch = { after: this.#passed, byteOffset: begin.byteOffset, end: Infinity };
    try {
      for await (const records of segmentPages(segment, lines, stretch)) {
        this.#hasBegun = true;
        yield records;
        if (this.#signal.aborted) return;
        this.#last = records.at(-1)!.position;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || lines.last > start.position) throw error;
      return; // removed before anything of it was read: list again
    }
    if (lines.last < first) {
      const reason = `the segment is empty, and has to begin with position ${first}`;
      throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
    }
    this.#last = lines.last;
  }

  /** Returns whether reading is done; if not, the file was rotated and another one continues. */
  async *#activePages(file: FileHandle): AsyncGenerator<readonly Positioned<T>[], 'done' | 'rotated'> {
    const { filePath } = this.#format;
    const first = this.#last + 1;
    const { ino, size } = await file.stat({ bigint: true });
    const gone = new AbortController();
    const leave = () => gone.abort();
    this.#signal.addEventListener('abort', leave);
    if (this.#signal.aborted) leave();
    const changes = this.#follow ? new FileChanges(filePath, gone.signal) : undefined;
    const batch = new NewestBatch<T>();
    const start = await this.#startIn(file, Number(size));
    let { byteOffset } = start;
    let lines = new LineReader<T>(this.#format, start);
    const readFrom = (mark: Mark) => {
      ({ byteOffset } = mark);
      lines = new LineReader<T>(this.#format, mark);
    };
    const here = (): Mark => ({ byteOffset, lines: lines.lines, position: lines.last });
    /** The file was rotated while its end was read: everything since is read again. */
    let wasRotated = false;
    /** The last bytes of the emitted lines, and of those read, as they were read: the file may be rewritten at any time. */
    let given: SeenBytes | undefined;
    let read: SeenBytes | undefined;
    try {
      for (;;) {
        // Checked before reading: a file that has been rotated by then is read to its end.
        const isRotated = wasRotated || (await this.#isRotated(first, ino, lines.last));
        const begin = here();
        const wasHeld = batch.isHeld;
        const isFirst = !batch.isKnown;
        const { mtimeNs } = await file.stat({ bigint: true });
        let isSure = given === undefined;
        let isReplaced = false;
        let end = byteOffset;
        let torn = 0;
        for await (const block of readBlocks(file, { byteOffset, isForeign: lines.isForeign })) {
          if (this.#signal.aborted) return 'done';
          const records: Positioned<T>[] = [];
          let damage: { readonly error: unknown } | undefined;
          try {
            if (block.whole) lines.read(block, records);
            else if (block.reason !== undefined || (!this.#follow && !isRotated)) {
              const end = lines.end(block);
              records.push(...end.records);
              torn = Math.max(0, Number(size) - end.byteOffset);
            }
          } catch (error) {
            damage = { error };
          }
          if (records.length > 0 && !isSure) {
            await this.#assertHolds(file, given!, damage);
            isSure = true;
          }
          isReplaced = (records.length > 0 || damage !== undefined) && (await batch.isReplaced(file));
          if (isReplaced) break;
          if (records.length > 0) {
            yield* this.#emit(batch.release());
            if (this.#follow && !damage) batch.hold(records);
            else yield* this.#emit(records);
          }
          if (damage) throw damage.error;
          byteOffset = block.whole ? byteOffset + block.bytes.length : (lines.dropGroup() ?? byteOffset);
          if (block.whole) {
            read = { end: byteOffset, bytes: Buffer.from(block.bytes.subarray(-SEEN_BYTES)) };
            batch.endWith(read);
          }
          end = block.byteOffset + block.bytes.length + (block.zeros ?? 0);
        }
        batch.noteEnd(end, mtimeNs);
        if (!wasHeld && byteOffset > begin.byteOffset) batch.beginAt(begin);
        const isWhole = batch.isWhole(byteOffset) || isRotated;
        if (isWhole) isReplaced ||= await batch.isReplaced(file);
        const again = isReplaced ? batch.takeBack() : undefined;
        if (again) {
          readFrom(again);
          continue;
        }
        if (isWhole) {
          yield* this.#emit(batch.release());
          if (this.#follow) given = read?.end === byteOffset ? read : await seenBefore(file, byteOffset);
          // What exists at the start is final.
          if (isFirst) batch.beginAt(here());
        }
        this.#last = lines.last;
        if (isRotated) return 'rotated';
        if (!this.#follow) {
          if (await this.#isRotated(first, ino, lines.last)) {
            // The end has changed: everything is read again, and nothing is emitted twice.
            wasRotated = true;
            readFrom(begin);
            continue;
          }
          const isGrowing = (await file.stat({ bigint: true })).size !== size;
          // A crash may have torn the end, whatever the record says.
          if (torn === 0) this.#assertReaches();
          else if (!isGrowing) this.#format.onTorn?.(torn);
          return 'done';
        }
        this.#catchUp(batch.standsUpTo(lines.last));
        do {
          await changes!.next(batch.isHeld || end > byteOffset);
          if (this.#signal.aborted) return 'done';
          const { size } = await file.stat();
          if (size < byteOffset) {
            const isTakenBack = batch.mark && size >= batch.mark.byteOffset && this.#format.restarts !== 'renumber';
            if (!isTakenBack) {
              const reason = `the file was cut to ${size} bytes after ${byteOffset} were read`;
              throw new CorruptJournalError({ filePath, line: lines.last, byteOffset: size, reason });
            }
            // For instance because the disk is full; the batch will be written again.
            readFrom(batch.takeBack()!);
          }
        } while (given && (await file.stat()).size < given.end && !(await this.#isRotated(first, ino, lines.last)));
      }
    } finally {
      this.#signal.removeEventListener('abort', leave);
      leave();
    }
  }

  /** Where reading an active file begins: shortly before the first entry needed. */
  async #startIn(file: FileHandle, size: number): Promise<Mark> {
    const first = this.#last + 1;
    const beginning = { byteOffset: 0, lines: 0, position: this.#last };
    const wanted = this.#passed + 1;
    if (wanted <= first || this.#format.restarts === 'renumber') return beginning;
    const from = { byteOffset: 0, position: first };
    const place = await findPlace(file, { from, end: size }, wanted, this.#format);
    if (place === undefined || place.position < first) return beginning;
    const { byteOffset, position } = place;
    return { byteOffset, lines: position - first, position: position - 1 };
  }

  #catchUp(position: Position): void {
    const following = this.#following;
    this.#following = undefined;
    following?.caughtUp(position);
  }

  /** Throws if entries are missing at the end: somebody has moved or emptied the active file of a closed journal. */
  #assertReaches(): void {
    if (this.#last >= this.#recorded || this.#signal.aborted) return;
    const reason = `the journal ends with position ${this.#last}, and ${this.#recorded} is on record`;
    throw new CorruptJournalError({ filePath: this.#format.filePath, line: 1, byteOffset: 0, reason });
  }

  /** Throws if a file was rewritten: its new entries do not follow those that were emitted. */
  async #assertHolds(file: FileHandle, seen: SeenBytes, damage: { readonly error: unknown } | undefined) {
    if (await isThere(file, seen)) return;
    const reason = `${this.#format.filePath} does not hold position ${this.#given} any more as it was read`;
    throw damage?.error ?? new JournalMismatchError(reason);
  }

  /** Whether the name now belongs to another file that continues this one. */
  async #isRotated(first: Position, ino: bigint, last: Position): Promise<boolean> {
    const { filePath } = this.#format;
    const found = await stat(filePath, { bigint: true }).catch(() => undefined);
    if (found?.ino === ino) return false;
    const manifest = await loadManifest(filePath);
    this.#id ??= manifest.id;
    const segment = (await findSegments(filePath)).find((segment) => segment.first === first);
    const other = segment && !segment.compressed ? await inodeOf(segment.filePath).catch(() => ino) : ino;
    // A record is replaced, never removed: a file without one belongs to another journal.
    const isAnother = manifest.id !== this.#id && (manifest.id !== undefined || found !== undefined);
    if (other !== ino || isAnother)
      throw new JournalMismatchError(`another journal has taken the place of ${filePath}`);
    return segment !== undefined || ((last >= first || this.#follow) && manifest.first > last);
  }

  /** `undefined` if there are only closed segments, as after a crash between the two steps of a rotation. */
  async #openActive(): Promise<FileHandle | undefined> {
    const { filePath } = this.#format;
    let pause = PAUSE_MS;
    for (let attempt = 1; !this.#signal.aborted; attempt++) {
      try {
        const file = await open(filePath, 'r');
        this.#wasThere = true;
        return file;
      } catch (error) {
        const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (!isMissing) throw error;
        // A follower waits for the writer, which may create the next file hours later.
        const waits = this.#follow && (this.#wasThere || this.#last > START);
        if (!waits && (attempt >= ATTEMPTS || this.#last === START)) {
          if (this.#last > START || (await this.#closed()).length > 0) return undefined;
          throw error;
        }
        if (waits && (await this.#closed()).length > 0) return undefined;
        if (waits) {
          this.#catchUp(this.#last);
          if (attempt >= ATTEMPTS) pause = longer(pause);
        }
      }
      await sleep(pause, this.#signal);
    }
    return undefined;
  }

  async #missing(found: Position): Promise<Error> {
    const { filePath } = this.#format;
    const expected = this.#last + 1;
    const { first } = await loadManifest(filePath);
    if (first > expected) return new PositionTrimmedError(expected, first);
    const reason = `the segment that begins with position ${expected} is missing, the next begins with ${found}`;
    return new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
  }

  *#emit(records: readonly Positioned<T>[]): Generator<readonly Positioned<T>[], void> {
    const after = Math.max(this.#after, this.#given);
    const wanted = records.filter(({ position }) => position > after);
    if (wanted.length === 0) return;
    this.#hasBegun = true;
    this.#given = wanted.at(-1)!.position;
    yield wanted;
  }
}

/** The absolute path of a file, with links followed. */
export async function located(filePath: string): Promise<string> {
  return realpath(filePath).catch(() => resolve(filePath));
}

async function isLink(filePath: string): Promise<boolean> {
  return lstat(filePath).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
}

/** Whether a journal's file exists, or segments that a rotation has made of it. */
async function isThereYet(filePath: string): Promise<boolean> {
  try {
    return (await stat(filePath).catch(() => undefined)) !== undefined || (await findSegments(filePath)).length > 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

function longer(pause: number): number {
  return Math.min(pause * 2, LONGEST_PAUSE_MS);
}

/** Waits this long, or until the signal is aborted. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
