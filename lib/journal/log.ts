import { JournalClosedError } from '../errors/journal-closed-error';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import { given, markContinued } from './group';
import type { End } from './cursor';
import { reportUnhandled } from './report-unhandled';
import { START, type Position, type Positioned } from './position';

/** A reader that has caught up and waits for new records. */
export interface LiveReader<T> {
  /** The next record, in the order of positions; the reader may have read it from the log already. */
  take(record: Positioned<T>): void;
  /** The log has ended, and `take` has received everything in it. */
  end(): void;
}

/** 8 bytes per entry; growing never copies more than one chunk. */
const CHUNK_BITS = 10;
const CHUNK = 1 << CHUNK_BITS;

/**
 * The entries in memory and the readers that wait for more.
 *
 * Live delivery is breadth first, position by position, and never re-entered: what is appended from inside a reader waits
 * until the current record has reached everyone. That keeps every reader's order, which plain Subjects do not (rxjs issues 6580 and 6930).
 */
export class Log<T> {
  readonly #retain: number;
  readonly #chunks: (T | undefined)[][] = [];
  /** For each chunk that has groups: a 1 in each slot whose group continues in the next slot. */
  readonly #continued: (Uint8Array | undefined)[] = [];
  readonly #readers = new Set<LiveReader<T>>();
  /** The position in slot 0 of chunk 0. */
  #base: Position;
  #first: Position;
  #head: Position;
  #delivered: Position;
  #delivering = false;
  /** How many readers are reading the log, one inside the other. */
  #replaying = 0;
  #end: End | undefined;

  /** @param after - the position before the first entry's */
  constructor(retain = Infinity, after = START) {
    this.#retain = retain;
    this.#head = this.#delivered = after;
    this.#base = this.#first = after + 1;
  }

  /** The oldest position kept; `head + 1` if none is kept. */
  get first(): Position {
    return this.#first;
  }

  /** The last position; START if there is none. */
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

  /** `position` if its group continues in the next one, otherwise {@link START}. */
  continued(position: Position): Position {
    const slot = position - this.#base;
    return this.#continued[slot >>> CHUNK_BITS]?.[slot & (CHUNK - 1)] ? position : START;
  }

  /** Adds an entry, delivers it to the waiting readers and returns its position; throws {@link JournalClosedError} after the end. */
  append(entry: T): Position {
    this.assertOpen();
    const position = this.#push(entry);
    this.#deliver();
    return position;
  }

  /** {@link Log.append} for a group: all of it is in the log before any reader receives a part. */
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

  /** Ends the log after everything in it is delivered; a second call changes nothing. */
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

  /** Lets a reader read the log; entries appended meanwhile, from inside it, retire nothing that it still has to read. */
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

  /** Delivers a record, or the end, to every reader. A reader that throws (RxJS catches what consumers throw, but not what their teardowns throw) harms neither the writer nor the others. */
  #give(record: Positioned<T> | undefined): void {
    const continued = record === undefined ? START : this.continued(record.position);
    for (const reader of this.#readers) {
      given.continued = continued; // the delivery to an earlier reader may have changed it
      try {
        if (record === undefined) reader.end();
        else reader.take(record);
      } catch (error) {
        reportUnhandled(error);
      }
    }
  }

  /** Drops what is before a position, but only what was delivered: a reader that keeps up never misses what another reader wrote during delivery. */
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
