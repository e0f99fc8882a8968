import { isUtf8 } from 'node:buffer';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { EntryValidationError } from '../errors/entry-validation-error';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { START, type Position, type Positioned } from '../journal/position';
import type { EntrySerializer } from '../flush/entry-serializer';
import { validateEntry } from '../flush/validate-entry';
import { isLineBeginning, isOwn } from './is-line-beginning';
import type { Block } from './read-blocks';

/** How a journal's lines are read. */
export interface LineFormat<T> {
  readonly filePath: string;
  readonly serializer: EntrySerializer<T>;
  readonly schema?: StandardSchemaV1<unknown, T> | undefined;
  /** What positions that start again at 1 are: damage, or further runs to be numbered on. */
  readonly restarts?: 'reject' | 'renumber';
}

/** What stands after the last newline: the next line but for its newline, the beginning of it, or nothing. */
export interface Remainder<T> {
  readonly records: readonly Positioned<T>[];
  /** How many of its bytes are a whole line. */
  readonly lineBytes: number;
  /** How many are to be cut off: the beginning of a line, zeros, or both. */
  readonly tornBytes: number;
}

const NEWLINE = 10;

/** Reads a journal's lines in their order, and refuses what is no line of it. */
export class LineReader<T> {
  readonly #format: LineFormat<T>;
  #line = 0;
  #last: Position = START;
  /** What the positions of this run are counted on from. */
  #run: Position = START;

  constructor(format: LineFormat<T>) {
    this.#format = format;
  }

  /** The position of the last line. */
  get last(): Position {
    return this.#last;
  }

  /** Adds the records of a block of whole lines; throws {@link CorruptJournalError} behind those before the damage. */
  read({ bytes, byteOffset }: Block, records: Positioned<T>[]): void {
    if (!isUtf8(bytes)) return this.#readByLine(bytes, byteOffset, records);
    const text = bytes.toString();
    for (let from = 0; from < text.length;) {
      const end = text.indexOf('\n', from);
      try {
        records.push(this.#readLine(text.slice(from, end)));
      } catch (error) {
        throw this.#locate(error, byteOffset + Buffer.byteLength(text.slice(0, from)));
      }
      from = end + 1;
    }
  }

  /** What a block after the last newline is; throws {@link CorruptJournalError} when it is neither a line, nor torn. */
  remainder({ bytes, byteOffset }: Block): Remainder<T> {
    let length = bytes.length;
    while (length > 0 && bytes[length - 1] === 0) length--;
    const zeros = bytes.length - length;
    if (length === 0) return { records: [], lineBytes: 0, tornBytes: zeros };
    const written = bytes.subarray(0, length);
    if (this.#isBeginning(written)) return { records: [], lineBytes: 0, tornBytes: bytes.length };
    try {
      if (!isUtf8(written)) throw new CorruptEntryError('it is not UTF-8');
      return { records: [this.#readLine(written.toString())], lineBytes: length, tornBytes: zeros };
    } catch (error) {
      throw this.#locate(error, byteOffset);
    }
  }

  /** Finds the line that is not UTF-8. */
  #readByLine(bytes: Buffer, byteOffset: number, records: Positioned<T>[]): void {
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(NEWLINE, from);
      const line = bytes.subarray(from, end);
      try {
        if (!isUtf8(line)) throw new CorruptEntryError('it is not UTF-8');
        records.push(this.#readLine(line.toString()));
      } catch (error) {
        throw this.#locate(error, byteOffset + from);
      }
      from = end + 1;
    }
  }

  #readLine(line: string): Positioned<T> {
    const { serializer, schema, restarts } = this.#format;
    const record = serializer.deserialize(line);
    if (record.position === 1 && restarts === 'renumber') this.#run = this.#last;
    const next = this.#last + 1;
    const position = this.#run + record.position;
    if (position !== next) throw new CorruptEntryError(describeBreak(record.position, next - this.#run));
    const entry = schema ? validateEntry(schema, record.entry) : record.entry;
    this.#line++;
    this.#last = next;
    return position === record.position && entry === record.entry ? record : { position, entry };
  }

  #isBeginning(bytes: Buffer): boolean {
    const { serializer, restarts } = this.#format;
    let text: string | undefined;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
      serializer.deserialize(bytes.toString());
      return false;
    } catch {
      if (text === undefined) return false;
    }
    // A file without a single line of such a serializer may be anything, and is not to be emptied.
    if (!isOwn(serializer)) return this.#line > 0;
    // A character that was cut short is replaced by one as foreign to anything but text.
    const beginning = Buffer.byteLength(text) < bytes.length ? text + '\uFFFD' : text;
    const next = this.#last + 1 - this.#run;
    return isLineBeginning(beginning, next) || (restarts === 'renumber' && isLineBeginning(beginning, 1));
  }

  #locate(error: unknown, byteOffset: number): CorruptJournalError {
    // What a foreign serializer throws may quote the line.
    const reason =
      error instanceof CorruptEntryError
        ? error.reason
        : error instanceof EntryValidationError
          ? error.message
          : 'the serializer cannot read it';
    return new CorruptJournalError(
      { filePath: this.#format.filePath, line: this.#line + 1, byteOffset, reason },
      { cause: error },
    );
  }
}

function describeBreak(position: Position, next: Position): string {
  if (position === 1) {
    return (
      `positions start again at 1 where ${next} is next: the file holds several runs; ` +
      "readJournal(filePath, { restarts: 'renumber' }) reads them as one journal"
    );
  }
  return `its position is ${position} where ${next} is next`;
}
