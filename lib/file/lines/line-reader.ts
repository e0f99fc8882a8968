import { isUtf8 } from 'node:buffer';
import { CorruptEntryError } from '../../errors/corrupt-entry-error';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { START, type Position, type Positioned } from '../../journal/position';
import type { EntrySerializer } from '../../flush/entry-serializer';
import { isOwn } from '../../flush/json-entry-serializer';
import { readEntry, type Reading } from '../../flush/validate-entry';
import { BlockText } from './block-text';
import { mayHaveChecksum, withoutChecksum } from './checksum';
import { isContinuedLine } from './group-line';
import { isLineBeginning } from './is-line-beginning';
import { EntryRun } from './entry-run';
import { OwnFrame } from './own-frame';
import { isForeign } from './is-foreign';
import type { Block, IsForeign } from '../disk/read-blocks';
import type { SparseIndex } from '../store/sparse-index';

/** How a journal's lines are read. */
export interface LineFormat<T> {
  readonly filePath: string;
  readonly serializer: EntrySerializer<T>;
  readonly schema?: Reading<T>['schema'];
  readonly upgrade?: Reading<T>['upgrade'];
  /** How to treat positions that start again at 1: as damage, or as further runs that are renumbered. */
  readonly restarts?: 'reject' | 'renumber';
  /** Whether all groups are known to be whole, so that they need not be held back. */
  readonly groupsAreWhole?: boolean;
  /** Called with how many bytes a crash has left of a line, or a group, at the journal's end. */
  readonly onTorn?: ((bytes: number) => void) | undefined;
}

/** What the end of a file holds. */
export interface FileEnd<T> {
  /** The record of a last line without its newline, and of the group that it ends. */
  readonly records: readonly Positioned<T>[];
  /** Whether it lacks its newline. */
  readonly newline: boolean;
  /** Where the journal's last whole line or group ends; what follows it is torn. */
  readonly byteOffset: number;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const BYTE_ORDER_MARK = '\uFEFF';

/** Where reading starts: after this many lines, the last of which has this position. */
export interface Start {
  readonly lines: number;
  readonly position: Position;
}

/** Reads a journal's lines in order, and refuses everything else. */
export class LineReader<T> {
  readonly #format: LineFormat<T>;
  readonly #own: boolean;
  /** Whether only the entry of one of the journal's own lines may be parsed. */
  readonly #parses: boolean;
  readonly #index: Pick<SparseIndex, 'note'> | undefined;
  #line: number;
  #last: Position;
  /** The records of a group that continues, how many lines it has so far, and where it begins. */
  #group: { readonly records: Positioned<T>[]; lines: number; readonly byteOffset: number } | undefined;
  /** Lines whose entries are not parsed yet. */
  readonly #entries = new EntryRun();
  /** The last position before this run. */
  #run: Position = START;

  /** @param index - notes where lines begin */
  constructor(format: LineFormat<T>, start: Start = { lines: 0, position: START }, index?: Pick<SparseIndex, 'note'>) {
    this.#format = format;
    this.#own = isOwn(format.serializer);
    this.#parses = this.#own && !Object.hasOwn(format.serializer, 'deserialize');
    this.#line = start.lines;
    this.#last = start.position;
    this.#index = index;
  }

  /** Recognizes bytes that cannot be part of a journal's line before the line is whole; `undefined` if they may be anything. */
  get isForeign(): IsForeign | undefined {
    return this.#own ? isForeign : undefined;
  }

  /** How many lines were read. */
  get lines(): number {
    return this.#line;
  }

  /** The position of the last whole line or group. */
  get last(): Position {
    return this.#last - (this.#group?.lines ?? 0);
  }

  /**
   * Adds the records of a block of whole lines, each group when it is whole; throws {@link CorruptJournalError} after the records before the damage.
   *
   * @param after - lines up to this position are not parsed: only their frame is checked
   */
  read({ bytes, byteOffset }: Block, records: Positioned<T>[], after: Position = START): void {
    if (!isUtf8(bytes)) return this.#readByLine(bytes, byteOffset, records, after);
    const frame = this.#own ? new OwnFrame(bytes) : undefined;
    const text = new BlockText(bytes);
    const entries = this.#entries;
    entries.clear();
    for (let from = 0, end: number; from < bytes.length; from = end + 1) {
      end = bytes.indexOf(NEWLINE, from);
      const at = byteOffset + from;
      const last = this.#last + entries.length;
      const isEmitted = last >= after;
      // Lines of groups are parsed completely: a mistake about where a group continues could cut it off.
      const isPlain = frame?.isOf(last + 1 - this.#run, from, end) === true && bytes[end - 2] !== SPACE;
      const hasChecksum = isPlain && mayHaveChecksum(bytes, end);
      if (isPlain && !isEmitted) {
        if (hasChecksum) this.#verify(text.slice(from, end), at);
        this.#last++;
        this.#keep(undefined, false, records, at);
        continue;
      }
      const isBare = isPlain && !hasChecksum && this.#parses;
      if (isBare && entries.add(bytes, from, frame.entryAt, end)) continue;
      this.#keepEntries(text, byteOffset, records);
      if (isBare && entries.add(bytes, from, frame.entryAt, end)) continue;
      const parsed = isBare ? this.#parseEntry(text.slice(frame.entryAt, end - 1)) : undefined;
      if (parsed) {
        this.#keep(parsed, false, records, at);
        continue;
      }
      const line = text.slice(from, end);
      const record = this.#parse(line, at);
      this.#keep(isEmitted ? record : undefined, this.#own && isContinuedLine(line), records, at);
    }
    this.#keepEntries(text, byteOffset, records);
  }

  /** Adds the records of the lines whose entries wait to be parsed. */
  #keepEntries(text: BlockText, byteOffset: number, records: Positioned<T>[]): void {
    const { length, from, entryAt, end } = this.#entries;
    if (length === 0) return;
    const entries = this.#entries.parse();
    for (let i = 0; i < length; i++) {
      const at = byteOffset + from[i]!;
      const record = entries
        ? this.#accept({ position: this.#last + 1 - this.#run, entry: entries[i] as T })
        : (this.#parseEntry(text.slice(entryAt[i]!, end[i]! - 1)) ?? this.#parse(text.slice(from[i]!, end[i]!), at));
      this.#keep(record, false, records, at);
    }
    this.#entries.clear();
  }

  /** What a file ends with, given the block after its last newline; throws {@link CorruptJournalError} if that is neither a line nor the beginning of one. */
  end({ bytes, byteOffset, reason }: Block): FileEnd<T> {
    if (reason !== undefined) throw this.#locate(new CorruptEntryError(reason), byteOffset);
    let length = bytes.length;
    while (length > 0 && bytes[length - 1] === 0) length--;
    const written = bytes.subarray(0, length);
    const records: Positioned<T>[] = [];
    if (length === 0 || this.#isBeginning(written)) {
      return { records, newline: true, byteOffset: this.dropGroup() ?? byteOffset };
    }
    if (!isUtf8(written)) throw this.#locate(new CorruptEntryError('it is not UTF-8'), byteOffset);
    const line = written.toString();
    this.#keep(this.#parse(line, byteOffset), this.#own && isContinuedLine(line), records, byteOffset);
    const torn = this.dropGroup();
    return { records, newline: torn !== undefined, byteOffset: torn ?? byteOffset + length };
  }

  /** Forgets a group that is not whole yet, so that it is read again; returns the byte at which it begins. */
  dropGroup(): number | undefined {
    if (this.#group === undefined) return undefined;
    const { lines, byteOffset } = this.#group;
    this.#line -= lines;
    this.#last -= lines;
    this.#group = undefined;
    return byteOffset;
  }

  /** Finds the line that is not UTF-8. */
  #readByLine(bytes: Buffer, byteOffset: number, records: Positioned<T>[], after: Position): void {
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(NEWLINE, from);
      const line = bytes.subarray(from, end + 1);
      if (!isUtf8(line)) throw this.#locate(new CorruptEntryError('it is not UTF-8'), byteOffset + from);
      this.read({ bytes: line, byteOffset: byteOffset + from, whole: true }, records, after);
      from = end + 1;
    }
  }

  #parse(line: string, byteOffset: number): Positioned<T> {
    let record;
    try {
      record = this.#readLine(line);
    } catch (error) {
      const foreign = this.#own ? describeForeign(line, this.#line) : undefined;
      throw this.#locate(foreign === undefined ? error : new CorruptEntryError(foreign, { cause: error }), byteOffset);
    }
    return this.#accept(record);
  }

  /** The record of the next position, parsing only its entry; `undefined` if that is not JSON. */
  #parseEntry(json: string): Positioned<T> | undefined {
    let entry;
    try {
      entry = JSON.parse(json) as T;
    } catch {
      return undefined;
    }
    return this.#accept({ position: this.#last + 1 - this.#run, entry });
  }

  #verify(line: string, byteOffset: number): void {
    try {
      withoutChecksum(line);
    } catch (error) {
      throw this.#locate(error, byteOffset);
    }
  }

  /** Counts a line, and adds its record when its group is whole. */
  #keep(record: Positioned<T> | undefined, continued: boolean, records: Positioned<T>[], byteOffset: number): void {
    this.#line++;
    this.#index?.note(this.#last, byteOffset);
    if (continued && !this.#format.groupsAreWhole) this.#group ??= { records: [], lines: 0, byteOffset };
    if (this.#group === undefined) {
      if (record) records.push(record);
      return;
    }
    this.#group.lines++;
    if (record) this.#group.records.push(record);
    if (continued) return;
    for (const whole of this.#group.records) records.push(whole);
    this.#group = undefined;
  }

  #readLine(line: string): Positioned<T> {
    const { serializer, restarts } = this.#format;
    const bare = this.#own ? withoutChecksum(line) : line;
    const record = serializer.deserialize(this.#parses ? bare : line);
    if (record.position === 1 && restarts === 'renumber') this.#run = this.#last;
    const next = this.#last + 1 - this.#run;
    if (record.position !== next) throw new CorruptEntryError(describeBreak(record.position, next));
    return record;
  }

  /** The record of the next line, as readers get it; throws {@link SchemaMismatchError}, and what the schema and `upgrade` throw. */
  #accept(record: Positioned<T>): Positioned<T> {
    const { filePath } = this.#format;
    const position = this.#last + 1;
    const entry = readEntry(this.#format, record.entry, filePath, position);
    this.#last = position;
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
    // A file without a single line of such a serializer may be anything, and must not be emptied.
    if (!this.#own) return this.#line > 0;
    // A character that was cut short is replaced by one that only text can contain.
    const beginning = Buffer.byteLength(text) < bytes.length ? text + '\uFFFD' : text;
    const next = this.#last + 1 - this.#run;
    return isLineBeginning(beginning, next) || (restarts === 'renumber' && isLineBeginning(beginning, 1));
  }

  #locate(error: unknown, byteOffset: number): CorruptJournalError {
    // A custom serializer's error may quote the line.
    const reason = error instanceof CorruptEntryError ? error.reason : 'the serializer cannot read it';
    return new CorruptJournalError(
      { filePath: this.#format.filePath, line: this.#line + 1, byteOffset, reason },
      { cause: error },
    );
  }
}

/** What editors and shells write into a file. */
function describeForeign(line: string, linesBefore: number): string | undefined {
  const remedy = 'remove it, or `npx rx-scrivener repair` makes a journal without it';
  if (linesBefore === 0 && line.startsWith(BYTE_ORDER_MARK)) return `it begins with a byte order mark: ${remedy}`;
  return /^[ \t\r]*$/.test(line) ? `it is a blank line: ${remedy}` : undefined;
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
