import { JournalClosedError } from '../errors/journal-closed-error';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import { given, markContinued } from './group';
import type { End } from './cursor';
import { reportUnhandled } from './report-unhandled';
import { START, type Position, type Positioned } from './position';

/** A reader that has caught up and waits for what comes. */
export interface LiveReader<T> {
  /** A further record, in the order of the positions; possibly one that the reader has read from the log before. */
  take(record: Positioned<T>): void;
  /** The log has ended, and everything in it was given to `take`. */
  end(): void;
}

/** 8 bytes an entry, and growth never copies more than one chunk. */
const CHUNK_BITS = 10;
const CHUNK = 1 << CHUNK_BITS;

/**
 * The entries in memory and the readers that wait for more.
 *
 * Live delivery goes breadth first, position by position, and is never entered twice: what is appended from inside a reader waits
 * until the record under way has reached everyone. That keeps every reader's order (as in rxjs issues 6580 and 6930 plain Subjects do not).
 */
export class Log<T> {
  readonly #retain: number;
  readonly #chunks: (T | undefined)[][] = [];
  /** For each chunk with entries of groups: a 1 in the slots whose group continues in the next one. */
  readonly #continued: (Uint8Array | undefined)[] = [];
  readonly #readers = new Set<LiveReader<T>>();
  /** The position in slot 0 of chunk 0. */
  #base: Position;
  #first: Position;
  #head: Position;
  #delivered: Position;
  #delivering = false;
  /** How many readers read what the log holds, one inside the other. */
  #replaying = 0;
  #end: End | undefined;

  /** @param after - the position that the first entry is to follow */
  constructor(retain = Infinity, after = START) {
    this.#retain = retain;
    this.#head = this.#delivered = after;
    this.#base = this.#first = after + 1;
  }

  /** The oldest position that is kept, `head + 1` when there is none. */
  get first(): Position {
    return this.#first;
  }

  /** The last position, START when there is none. */
  get head(): Position {
    return this.#head;
  }

  get end(): End | undefined {
    return this.#end;
  }

  /** Whether any reader waits. */
  get observed(): boolean {
    return this.#readers.size > 0;
  }

  /** The record at a position from 1 to `head`; throws {@link PositionTrimmedError} when it was dropped. */
  read(position: Position): Positioned<T> {
    if (position < this.#first) throw new PositionTrimmedError(position, this.#first);
    const slot = position - this.#base;
    const chunk = slot >>> CHUNK_BITS;
    const index = slot & (CHUNK - 1);
    const record = { position, entry: this.#chunks[chunk]![index] as T };
    if (this.#continued[chunk]?.[index]) markContinued(record);
    return record;
  }

  /** `position` if its group continues in the next one, {@link START} if not. */
  continued(position: Position): Position {
    const slot = position - this.#base;
    return this.#continued[slot >>> CHUNK_BITS]?.[slot & (CHUNK - 1)] ? position : START;
  }

  /** Adds an entry, gives it to the waiting readers and returns its position; throws {@link JournalClosedError} after the end. */
  append(entry: T): Position {
    this.assertOpen();
    const position = this.#push(entry);
    this.#deliver();
    return position;
  }

  /** {@link Log.append} for a group: all of it is in the log before any reader is given some of it. */
  appendAll(entries: readonly T[]): Position[] {
    this.assertOpen();
    const positions = entries.map((entry) => this.#push(entry));
    for (const position of positions.slice(0, -1)) {
      const slot = position - this.#base;
      (this.#continued[slot >>> CHUNK_BITS] ??= new Uint8Array(CHUNK))[slot & (CHUNK - 1)] = 1;
    }
    this.#deliver();
    return positions;
  }

  assertOpen(): void {
    if (this.#end === undefined) return;
    throw new JournalClosedError(this.#end.failed ? { cause: this.#end.error } : undefined);
  }

  /** Ends the log for good, once everything in it was delivered; a second end changes nothing. */
  close(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#deliver();
  }

  /** Registers a reader that has seen everything up to `head`, on a log that has not ended. */
  join(reader: LiveReader<T>): void {
    this.#readers.add(reader);
  }

  leave(reader: LiveReader<T>): void {
    this.#readers.delete(reader);
  }

  /** Has a reader read what the log holds; what is appended meanwhile, from inside it, retires nothing that it has yet to read. */
  replay(read: () => void): void {
    this.#replaying++;
    try {
      read();
    } finally {
      this.#replaying--;
      this.#retire();
    }
  }

  #retire(): void {
    if (this.#replaying === 0) this.trim(this.#delivered - this.#retain + 1);
  }

  #push(entry: T): Position {
    let last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined || last.length === CHUNK) {
      this.#chunks.push((last = []));
      this.#continued.push(undefined);
    }
    last.push(entry);
    return ++this.#head;
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    const outer = given.continued;
    while (this.#delivered < this.#head) {
      if (this.#readers.size === 0) {
        this.#delivered = this.#head;
      } else {
        const record = this.read(++this.#delivered);
        this.#give(record);
      }
      this.#retire();
    }
    this.#delivering = false;
    given.continued = outer;
    if (this.#end === undefined) return;
    this.#give(undefined);
    this.#readers.clear();
  }

  /** Gives every reader a record, or the end. One that throws (RxJS catches what its consumers throw, but not what their teardowns do) harms neither the writer nor the others. */
  #give(record: Positioned<T> | undefined): void {
    const continued = record === undefined ? START : this.continued(record.position);
    for (const reader of this.#readers) {
      given.continued = continued; // one before may have been given something else meanwhile
      try {
        if (record === undefined) reader.end();
        else reader.take(record);
      } catch (error) {
        reportUnhandled(error);
      }
    }
  }

  /** Drops what is before a position; only what was delivered, so that a reader that keeps up never misses what another wrote from inside it. */
  trim(first: Position): void {
    for (; this.#first < first; this.#first++) {
      const slot = this.#first - this.#base;
      this.#chunks[0]![slot] = undefined;
      if (slot === CHUNK - 1) {
        this.#chunks.shift();
        this.#continued.shift();
        this.#base += CHUNK;
      }
    }
  }
}
