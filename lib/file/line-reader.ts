import { isUtf8 } from 'node:buffer';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { EntryValidationError } from '../errors/entry-validation-error';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { START, type Position, type Positioned } from '../journal/position';
import type { EntrySerializer } from '../flush/entry-serializer';
import { validateEntry } from '../flush/validate-entry';
import { isContinuedLine } from './group-line';
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

/** What the end of a file comes to. */
export interface FileEnd<T> {
  /** The record of a last line that lacks its newline, and of the group that it ends. */
  readonly records: readonly Positioned<T>[];
  /** Whether it lacks its newline. */
  readonly newline: boolean;
  /** Where the journal's last whole line or group ends; what stands behind it is torn. */
  readonly byteOffset: number;
}

const NEWLINE = 10;

/** Reads a journal's lines in their order, and refuses what is no line of it. */
export class LineReader<T> {
  readonly #format: LineFormat<T>;
  #line = 0;
  #last: Position = START;
  /** The records of a group that goes on, and where it begins. */
  #group: { readonly records: Positioned<T>[]; readonly byteOffset: number } | undefined;
  /** What the positions of this run are counted on from. */
  #run: Position = START;

  constructor(format: LineFormat<T>) {
    this.#format = format;
  }

  /** The position of the last whole line or group. */
  get last(): Position {
    return this.#last - (this.#group?.records.length ?? 0);
  }

  /** Adds the records of a block of whole lines, each group once it is whole; throws {@link CorruptJournalError} behind those before the damage. */
  read({ bytes, byteOffset }: Block, records: Positioned<T>[]): void {
    if (!isUtf8(bytes)) return this.#readByLine(bytes, byteOffset, records);
    const text = bytes.toString();
    for (let from = 0; from < text.length;) {
      const end = text.indexOf('\n', from);
      this.#take(text.slice(from, end), records, () => byteOffset + Buffer.byteLength(text.slice(0, from)));
      from = end + 1;
    }
  }

  /** What a file ends with, given the block after its last newline; throws {@link CorruptJournalError} when that is neither a line, nor torn. */
  end({ bytes, byteOffset }: Block): FileEnd<T> {
    let length = bytes.length;
    while (length > 0 && bytes[length - 1] === 0) length--;
    const written = bytes.subarray(0, length);
    const records: Positioned<T>[] = [];
    if (length === 0 || this.#isBeginning(written)) {
      return { records, newline: true, byteOffset: this.dropGroup() ?? byteOffset };
    }
    this.#takeBytes(written, records, byteOffset);
    const torn = this.dropGroup();
    return { records, newline: torn !== undefined, byteOffset: torn ?? byteOffset + length };
  }

  /** Forgets a group that is not whole yet, to be read again; tells at which byte it begins. */
  dropGroup(): number | undefined {
    if (this.#group === undefined) return undefined;
    const { records, byteOffset } = this.#group;
    this.#line -= records.length;
    this.#last -= records.length;
    this.#group = undefined;
    return byteOffset;
  }

  /** Finds the line that is not UTF-8. */
  #readByLine(bytes: Buffer, byteOffset: number, records: Positioned<T>[]): void {
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(NEWLINE, from);
      this.#takeBytes(bytes.subarray(from, end), records, byteOffset + from);
      from = end + 1;
    }
  }

  #takeBytes(bytes: Buffer, records: Positioned<T>[], byteOffset: number): void {
    if (!isUtf8(bytes)) throw this.#locate(new CorruptEntryError('it is not UTF-8'), byteOffset);
    this.#take(bytes.toString(), records, () => byteOffset);
  }

  #take(line: string, records: Positioned<T>[], byteOffset: () => number): void {
    let record;
    try {
      record = this.#readLine(line);
    } catch (error) {
      throw this.#locate(error, byteOffset());
    }
    const continued = isContinuedLine(line) && isOwn(this.#format.serializer);
    if (continued) this.#group ??= { records: [], byteOffset: byteOffset() };
    if (this.#group === undefined) {
      records.push(record);
      return;
    }
    this.#group.records.push(record);
    if (continued) return;
    for (const whole of this.#group.records) records.push(whole);
    this.#group = undefined;
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
