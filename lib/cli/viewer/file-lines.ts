import { open, type FileHandle } from 'node:fs/promises';
import { Subject } from 'rxjs';
import { FileChanges } from '../../file/follow/file-changes';
import { isThere, SEEN_BYTES, type SeenBytes } from '../../file/follow/seen-bytes';
import { findSegments } from '../../file/store/manifest';
import { describeError } from '../terminal/describe-error';
import { cutLine, lineFrom, type Line } from './line';
import type { Extent, LineSource } from './line-source';
import { LineMarks } from './line-marks';

const NEWLINE = 10;
const CHUNK_BYTES = 1024 * 1024;
/** The most damaged lines that are skipped. */
const MOST_PASSED = 1_000;
/** No more than this, and the rest of a chunk, is read of one line; a longer one is shown as text. */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * The lines of a file that may grow, whatever they hold. Remembers where some of the lines begin, and reads the others from the disk.
 *
 * A last line without a newline counts. A file that is rewritten or replaced is read from its beginning. The source is over when the journal is
 * rotated, because it shows only one file.
 */
export class FileLines implements LineSource {
  readonly changes$ = new Subject<void>();
  readonly samples = 400;
  readonly #filePath: string;
  readonly #left = new AbortController();
  readonly #following: Promise<void>;
  #file: FileHandle | undefined;
  #inode = 0;
  #marks = new LineMarks();
  #generation = 1;
  #error: string | undefined;
  #isJournal = false;
  #isOver = false;
  /** The last bytes that were read. */
  #seen: SeenBytes | undefined;

  constructor(filePath: string) {
    this.#filePath = filePath;
    this.#following = this.#follow();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get extent(): Extent {
    const { lines, sizeBytes } = this.#marks;
    return { first: 1, head: lines, generation: this.#generation, sizeBytes, error: this.#error };
  }

  async *lines(from: number, to: number): AsyncGenerator<Line, void> {
    // The previous line says which position is next.
    const begin = Math.max(1, from - 1);
    let last: number | undefined;
    for await (const line of this.#read(begin, Math.min(to, this.#marks.lines))) {
      const next = last === undefined ? undefined : last + 1;
      last = line.position ?? next;
      if (line.n < from) continue;
      const isNext = line.position === undefined || next === undefined || line.position === next;
      yield isNext ? line : { ...line, damage: `its position is ${line.position} where ${next} is next` };
    }
  }

  /** Bisects: positions ascend. */
  async find(position: number): Promise<number> {
    if (!this.#isJournal) return position;
    let low = 1;
    let high = this.#marks.lines;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      let found: number | undefined;
      // A damaged line has no position: the next whole one has.
      for await (const line of this.#read(middle, high)) if ((found = line.position) !== undefined) break;
      if (found === undefined || found >= position) high = middle;
      else low = middle + 1;
    }
    // Damaged lines may come first.
    for await (const line of this.#read(low, low + MOST_PASSED)) if ((line.position ?? 0) >= position) return line.n;
    return low;
  }

  async close(): Promise<void> {
    this.#left.abort();
    await this.#following;
    this.changes$.complete();
    await this.#file?.close();
    this.#file = undefined;
  }

  async *#read(from: number, to: number): AsyncGenerator<Line, void> {
    const file = this.#file;
    if (file === undefined || from > to) return;
    const { line, byteOffset } = this.#marks.before(from);
    let n = line;
    let start = byteOffset;
    let at = byteOffset;
    const end = this.#marks.sizeBytes;
    let held: Buffer[] = [];
    let heldBytes = 0;
    const take = (): Line => {
      const bytes = at - start;
      const text = Buffer.concat(held).toString();
      const where = { n, text: text.replace(/\r?\n$/, ''), bytes, byteOffset: start };
      return bytes > MAX_TEXT_BYTES ? cutLine(where) : lineFrom(where, this.#isJournal);
    };
    const size = Math.min(CHUNK_BYTES, 64 * 1024 * Math.max(1, Math.ceil((to - from) / 100)));
    while (at < end && n <= to) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(size, end - at)), 0, undefined, at);
      if (bytesRead === 0) return;
      for (let i = 0; i < bytesRead && n <= to;) {
        const newline = buffer.subarray(0, bytesRead).indexOf(NEWLINE, i);
        const stop = newline < 0 ? bytesRead : newline + 1;
        if (heldBytes < MAX_TEXT_BYTES && n >= from) {
          held.push(buffer.subarray(i, stop));
          heldBytes += stop - i;
        }
        at += stop - i;
        i = stop;
        if (newline < 0) continue;
        if (n >= from) yield take();
        n++;
        start = at;
        held = [];
        heldBytes = 0;
      }
    }
    if (n >= from && n <= to && at > start) yield take();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#left;
    const changes = new FileChanges(this.#filePath, signal);
    while (!signal.aborted) {
      try {
        await this.#catchUp(signal);
        this.#tell(undefined);
      } catch (error) {
        this.#tell(describeError(error, this.#filePath));
      }
      if (this.#isOver) return;
      await changes.next(this.#error !== undefined);
    }
  }

  #tell(error: string | undefined): void {
    this.#error = error;
    this.changes$.next();
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    await this.#takeFile();
    if (this.#isOver) return;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    while (!signal.aborted) {
      const { bytesRead } = await this.#file!.read(buffer, 0, buffer.length, this.#marks.sizeBytes);
      if (bytesRead === 0) return;
      const isBeginning = this.#marks.sizeBytes === 0;
      const bytes = buffer.subarray(0, bytesRead);
      this.#marks.add(bytes);
      this.#seen = { end: this.#marks.sizeBytes, bytes: Buffer.from(bytes.subarray(-SEEN_BYTES)) };
      if (isBeginning) await this.#lookAtBeginning();
      this.changes$.next();
    }
  }

  /** Starts at the beginning of the file that has the name now, unless it is the same file, or the journal now has segments, too. */
  async #takeFile(): Promise<void> {
    const file = await open(this.#filePath, 'r');
    try {
      const { ino, size } = await file.stat();
      const isFirst = this.#file === undefined;
      const isSame = ino === this.#inode && size >= this.#marks.sizeBytes && (await this.#isThere(file));
      if (!isFirst && isSame) return;
      this.#isOver = !isFirst && (await findSegments(this.#filePath)).length > 0;
      if (this.#isOver) return;
      await this.#file?.close();
      this.#file = file;
      this.#inode = ino;
      this.#marks = new LineMarks();
      this.#seen = undefined;
      this.#generation++;
    } finally {
      if (this.#file !== file) await file.close();
    }
  }

  async #isThere(file: FileHandle): Promise<boolean> {
    return this.#seen === undefined || isThere(file, this.#seen);
  }

  /** The file is a journal if one of its first lines is an entry: the very first may be damaged. */
  async #lookAtBeginning(): Promise<void> {
    this.#isJournal = false;
    for await (const { position } of this.#read(1, Math.min(10, this.#marks.lines)))
      if (position !== undefined) {
        this.#isJournal = true;
        return;
      }
  }
}
