import type { FileHandle } from 'node:fs/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import type { Position, Positioned } from '../../journal/position';
import { readBlocks, type Block } from '../disk/read-blocks';
import { LineReader, type LineFormat } from '../lines/line-reader';
import type { Emission } from './emission';
import { FileChanges } from './file-changes';
import { findPlace } from './find-place';
import type { JournalName } from './journal-name';
import { NewestBatch, type Mark } from './newest-batch';
import { isThere, SEEN_BYTES, seenBefore, type SeenBytes } from './seen-bytes';

/** How an active file is read. */
export interface ActiveReading<T> {
  readonly format: LineFormat<T>;
  readonly name: JournalName;
  readonly emission: Emission<T>;
  /** The last position before the file. */
  readonly last: Position;
  /** Entries up to this position need not be read. */
  readonly passed: Position;
  /** Whether to wait for more at its end. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** Called with the last position that is final, each time that the end of the file is reached. */
  readonly caughtUp: (position: Position) => void;
}

/** Why reading an active file ends: another file continues it, it was read whole or up to a torn end, or the signal was aborted. */
export type ActiveEnd = 'rotated' | 'whole' | 'torn' | 'aborted';

/** One pass over what the file has gained. */
interface Pass {
  readonly isAborted: boolean;
  /** Whether the writer has replaced lines that are held. */
  readonly isReplaced: boolean;
  /** Where the file ended. */
  readonly end: number;
  /** How many bytes at the end belong to no whole line or group. */
  readonly torn: number;
}

/** Reads an active file, and what it gains, while another process appends to it, takes a batch back, or rotates it. */
export class ActivePages<T> {
  readonly #file: FileHandle;
  readonly #reading: ActiveReading<T>;
  readonly #batch = new NewestBatch<T>();
  #lines: LineReader<T>;
  /** Where the lines that were read end. */
  #byteOffset = 0;
  /** The last bytes of the emitted lines, and of those read, as they were read: the file may be rewritten at any time. */
  #given: SeenBytes | undefined;
  #read: SeenBytes | undefined;

  constructor(file: FileHandle, reading: ActiveReading<T>) {
    this.#file = file;
    this.#reading = reading;
    this.#lines = new LineReader<T>(reading.format, { lines: 0, position: reading.last });
  }

  /** The last position that was read. */
  get last(): Position {
    return this.#lines.last;
  }

  async *pages(): AsyncGenerator<readonly Positioned<T>[], ActiveEnd> {
    const { format, name, emission, follow, signal } = this.#reading;
    const first = this.#reading.last + 1;
    const { ino, size } = await this.#file.stat({ bigint: true });
    const gone = new AbortController();
    const leave = () => gone.abort();
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    const changes = follow ? new FileChanges(format.filePath, gone.signal) : undefined;
    const hasMovedOn = () => name.hasMovedOn(ino, first, this.last);
    /** The file is known to exist although nothing of it was read yet; it may also be retired. */
    let wasRotated = false;
    this.#readFrom(await this.#start(Number(size)));
    try {
      for (;;) {
        // Checked before reading: a file that has been rotated by then is read to its end.
        const isRotated = wasRotated || (await hasMovedOn());
        const begin = this.#here;
        const wasHeld = this.#batch.isHeld;
        const isFirst = !this.#batch.isKnown;
        const { mtimeNs } = await this.#file.stat({ bigint: true });
        const pass = yield* this.#pass(Number(size), !follow && !isRotated);
        if (pass.isAborted) return 'aborted';
        this.#batch.noteEnd(pass.end, mtimeNs);
        if (!wasHeld && this.#byteOffset > begin.byteOffset) this.#batch.beginAt(begin);
        const isWhole = this.#batch.isWhole(this.#byteOffset) || isRotated;
        const isReplaced = pass.isReplaced || (isWhole && (await this.#batch.isReplaced(this.#file)));
        const again = isReplaced ? this.#batch.takeBack() : undefined;
        if (again) {
          this.#readFrom(again);
          continue;
        }
        if (isWhole) {
          yield* emission.of(this.#batch.release());
          if (follow) await this.#noteGiven();
          // What exists at the start is final.
          if (isFirst) this.#batch.beginAt(this.#here);
        }
        if (isRotated) return 'rotated';
        if (!follow) {
          if (await hasMovedOn()) {
            // The end has changed: everything is read again, and nothing is emitted twice.
            wasRotated = true;
            this.#readFrom(begin);
            continue;
          }
          const isGrowing = (await this.#file.stat({ bigint: true })).size !== size;
          if (pass.torn === 0) return 'whole';
          if (!isGrowing) format.onTorn?.(pass.torn);
          return 'torn';
        }
        this.#reading.caughtUp(this.#batch.standsUpTo(this.last));
        do {
          await changes!.next(this.#batch.isHeld || pass.end > this.#byteOffset);
          if (signal.aborted) return 'aborted';
          this.#takeBackTo((await this.#file.stat()).size);
        } while (this.#given && (await this.#file.stat()).size < this.#given.end && !(await hasMovedOn()));
      }
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  /** Where reading begins: shortly before the first entry needed. */
  async #start(size: number): Promise<Mark> {
    const { format, last, passed } = this.#reading;
    const first = last + 1;
    const beginning = { byteOffset: 0, lines: 0, position: last };
    const next = passed + 1;
    if (next <= first || format.restarts === 'renumber') return beginning;
    const from = { byteOffset: 0, position: first };
    const place = await findPlace(this.#file, { from, end: size }, next, format);
    if (place === undefined || place.position < first) return beginning;
    const { byteOffset, position } = place;
    return { byteOffset, lines: position - first, position: position - 1 };
  }

  get #here(): Mark {
    return { byteOffset: this.#byteOffset, lines: this.#lines.lines, position: this.last };
  }

  #readFrom(mark: Mark): void {
    this.#byteOffset = mark.byteOffset;
    this.#lines = new LineReader<T>(this.#reading.format, mark);
  }

  /**
   * Reads to the end of the file, and emits or holds what it finds.
   *
   * @param size - the file's size when it was opened
   * @param isFinal - whether a last line without its newline counts
   */
  async *#pass(size: number, isFinal: boolean): AsyncGenerator<readonly Positioned<T>[], Pass> {
    const { emission, follow, signal } = this.#reading;
    let isSure = this.#given === undefined;
    let end = this.#byteOffset;
    let torn = 0;
    for await (const block of readBlocks(this.#file, {
      byteOffset: this.#byteOffset,
      isForeign: this.#lines.isForeign,
    })) {
      if (signal.aborted) return { isAborted: true, isReplaced: false, end, torn };
      const records: Positioned<T>[] = [];
      let damage: { readonly error: unknown } | undefined;
      try {
        if (block.whole) this.#lines.read(block, records);
        else if (block.reason !== undefined || isFinal) {
          const end = this.#lines.end(block);
          records.push(...end.records);
          torn = Math.max(0, size - end.byteOffset);
        }
      } catch (error) {
        damage = { error };
      }
      if (records.length > 0 && !isSure) {
        await this.#assertHolds(this.#given!, damage);
        isSure = true;
      }
      if ((records.length > 0 || damage !== undefined) && (await this.#batch.isReplaced(this.#file)))
        return { isAborted: false, isReplaced: true, end, torn };
      if (records.length > 0) {
        yield* emission.of(this.#batch.release());
        if (follow && !damage) this.#batch.hold(records);
        else yield* emission.of(records);
      }
      if (damage) throw damage.error;
      this.#noteRead(block);
      end = block.byteOffset + block.bytes.length + (block.zeros ?? 0);
    }
    return { isAborted: false, isReplaced: false, end, torn };
  }

  #noteRead({ whole, bytes }: Block): void {
    if (whole) {
      this.#byteOffset += bytes.length;
      this.#read = { end: this.#byteOffset, bytes: Buffer.from(bytes.subarray(-SEEN_BYTES)) };
      this.#batch.endWith(this.#read);
    } else this.#byteOffset = this.#lines.dropGroup() ?? this.#byteOffset;
  }

  /** Everything that was read is emitted. */
  async #noteGiven(): Promise<void> {
    this.#given = this.#read?.end === this.#byteOffset ? this.#read : await seenBefore(this.#file, this.#byteOffset);
  }

  /** Throws if the file was rewritten: its new entries do not follow those that were emitted. */
  async #assertHolds(seen: SeenBytes, damage: { readonly error: unknown } | undefined): Promise<void> {
    if (await isThere(this.#file, seen)) return;
    const { format, emission } = this.#reading;
    const reason = `${format.filePath} does not hold position ${emission.last} any more as it was read`;
    throw damage?.error ?? new JournalMismatchError(reason);
  }

  /** If the file is shorter than what was read, its newest batch was taken back, for instance because the disk is full, and is read again. */
  #takeBackTo(size: number): void {
    if (size >= this.#byteOffset) return;
    const { filePath, restarts } = this.#reading.format;
    const { mark } = this.#batch;
    if (!mark || size < mark.byteOffset || restarts === 'renumber') {
      const reason = `the file was cut to ${size} bytes after ${this.#byteOffset} were read`;
      throw new CorruptJournalError({ filePath, line: this.last, byteOffset: size, reason });
    }
    this.#readFrom(this.#batch.takeBack()!);
  }
}
