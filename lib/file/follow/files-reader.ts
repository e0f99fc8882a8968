import { lstat, open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { PositionTrimmedError } from '../../errors/position-trimmed-error';
import { END, START, type Position, type Positioned } from '../../journal/position';
import { ActivePages } from './active-pages';
import { Emission } from './emission';
import { JournalName } from './journal-name';
import { LineReader, type LineFormat } from '../lines/line-reader';
import { findSegments, loadManifest, type SegmentName } from '../store/manifest';
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
  readonly #requested: Position | undefined;
  readonly #follow: boolean;
  readonly #signal: AbortSignal;
  /** The last position that was read. */
  #last = START;
  /** What is emitted of active files. */
  readonly #emission: Emission<T>;
  /** Whether anything of a closed segment was emitted. */
  #hasSegments = false;
  #wasThere = false;
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
    this.#requested = after;
    this.#follow = follow;
    this.#signal = signal;
    this.#following = following;
    this.#emission = new Emission(this.#after);
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
    const name = new JournalName(filePath, id, this.#follow);
    this.#recorded = last ?? START;
    if (this.#requested !== undefined && this.#requested + 1 < first)
      throw new PositionTrimmedError(this.#requested + 1, first);
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
        const reader = this.#activePages(file, name);
        const end = yield* reader.pages();
        this.#last = reader.last;
        if (end === 'whole') this.#assertReaches();
        if (end !== 'rotated') return;
      } finally {
        await file.close();
      }
    }
  }

  /** Starts over with the oldest position kept, if the requested one is not before it; otherwise throws {@link PositionTrimmedError}. */
  #skipTo(first: Position): void {
    const next = this.#hasBegun || this.#requested === undefined ? this.#last + 1 : this.#requested + 1;
    if (this.#hasBegun || (this.#requested !== undefined && next < first)) throw new PositionTrimmedError(next, first);
    this.#last = first - 1;
  }

  /** Whether anything was emitted, so that the next entry must follow it. */
  get #hasBegun(): boolean {
    return this.#hasSegments || this.#emission.last > START;
  }

  get #after(): Position {
    return this.#requested ?? START;
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
        this.#hasSegments = true;
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

  #activePages(file: FileHandle, name: JournalName): ActivePages<T> {
    return new ActivePages<T>(file, {
      name,
      format: this.#format,
      emission: this.#emission,
      last: this.#last,
      passed: this.#passed,
      follow: this.#follow,
      signal: this.#signal,
      caughtUp: (position) => this.#catchUp(position),
    });
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
