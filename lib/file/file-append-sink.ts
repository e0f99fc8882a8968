import { stat } from 'node:fs/promises';
import { assertOneOf } from '../errors/assert-argument';
import type { EntrySerializer } from '../flush/entry-serializer';
import { toLine } from '../flush/entry-serializer';
import type { Snapshot } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { PositionConflictError } from '../errors/position-conflict-error';
import { isContinued } from '../journal/group';
import { START, type Position, type Positioned } from '../journal/position';
import { AppendFile, type Durability } from './append-file';
import { continuedLine } from './group-line';
import { isOwn } from './is-line-beginning';
import { LineReader, type LineFormat } from './line-reader';
import { readBlocks } from './read-blocks';

/** Where a file sink writes, and how. */
export interface FileAppendSinkOptions<T> {
  /** The file; it is created when it is missing, its directory is not. */
  readonly filePath: string;
  readonly serializer: EntrySerializer<T>;
  /** Whether a snapshot counts as accepted when the operating system has it, or when it is on the disk. @default 'os' */
  readonly durability?: Durability;
}

/** What a file held when it was opened. */
export interface FileContent {
  readonly entries: number;
  readonly lastPosition: Position;
  /** How many bytes of a torn last line were cut off. */
  readonly truncatedBytes: number;
}

/** Batches are written in pieces of about this many characters or bytes: a whole one may be longer than a string can be. */
const PIECE_LENGTH = 1024 * 1024;

/**
 * Appends snapshots to a file, one line an entry, through one open handle: whole, or not at all.
 *
 * It goes on from what the file holds: the first `append` reads it (as {@link openFileScrivener} does, which repairs a torn last line and rejects
 * with {@link CorruptJournalError}), and a snapshot that does not continue it rejects with {@link PositionConflictError}. It takes no lock.
 *
 * @example
 * ```ts
 * const sink = new FileAppendSink<Entry>({ filePath: 'journal.ndjson', serializer: new JsonEntrySerializer() });
 * const flusher = new FlusherDaemon({ scrivener, sink });
 * ```
 */
export class FileAppendSink<T> implements FlushSink<T> {
  readonly #filePath: string;
  readonly #serializer: EntrySerializer<T>;
  readonly #durability: Durability;
  #file: AppendFile | undefined;
  #last: Position = START;
  #bytes = 0;
  #closed = false;
  /** The end of the newest append. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ filePath, serializer, durability = 'os' }: FileAppendSinkOptions<T>) {
    assertOneOf('durability', durability, ['os', 'disk']);
    this.#filePath = filePath;
    this.#serializer = serializer;
    this.#durability = durability;
  }

  /** How many bytes it has appended. */
  get bytes(): number {
    return this.#bytes;
  }

  append(snapshot: Snapshot<T>, lines?: readonly string[]): Promise<void> {
    return this.#append(snapshot, () => joined(lines ?? snapshot.map((record) => this.#toLine(record))));
  }

  /**
   * Appends a snapshot whose lines are encoded already.
   *
   * @internal
   */
  appendEncoded(snapshot: Snapshot<T>, lines: readonly Buffer[]): Promise<void> {
    return this.#append(snapshot, () => concatenated(lines));
  }

  /** Waits for the appends under way, then closes the file; nothing can be appended any more. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      const file = this.#file;
      this.#file = undefined;
      this.#closed = true;
      await file?.close();
    });
  }

  /**
   * Whether it keeps the journal of a file in the format of a serializer.
   *
   * @internal
   */
  async keeps(filePath: string, serializer: EntrySerializer<T>): Promise<boolean> {
    const sameFormat = serializer === this.#serializer || (isOwn(serializer) && isOwn(this.#serializer));
    return sameFormat && (await isSameFile(filePath, this.#filePath));
  }

  /**
   * Opens the file, reads what it holds into `accept` and repairs its torn end.
   *
   * @internal
   */
  open(
    format: Omit<LineFormat<T>, 'filePath' | 'serializer'>,
    accept: (records: readonly Positioned<T>[]) => void,
  ): Promise<FileContent> {
    return this.#inTurn(() => this.#open(accept, format));
  }

  #toLine(record: Positioned<T>): string {
    const line = toLine(this.#serializer, record);
    return isContinued(record) && isOwn(this.#serializer) ? continuedLine(line) : line;
  }

  #append(snapshot: Snapshot<T>, pieces: () => Iterable<Buffer>): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#file === undefined) await this.#open(() => undefined);
      if (snapshot.length === 0) return;
      snapshot.forEach(({ position }, index) => {
        if (position !== this.#last + 1 + index) throw new PositionConflictError(position - 1, this.#last + index);
      });
      this.#bytes += await this.#file!.append(pieces());
      this.#last += snapshot.length;
    });
  }

  async #open(
    accept: (records: readonly Positioned<T>[]) => void,
    format?: Omit<LineFormat<T>, 'filePath' | 'serializer'>,
  ): Promise<FileContent> {
    if (this.#closed) throw new Error(`The sink of ${this.#filePath} is closed`);
    await this.#file?.close();
    const file = await AppendFile.open(this.#filePath, this.#durability);
    try {
      const lines = new LineReader<T>({ ...format, filePath: this.#filePath, serializer: this.#serializer });
      let tornBytes = 0;
      for await (const block of file.isRegular ? readBlocks(file.handle) : []) {
        if (block.whole) {
          const records: Positioned<T>[] = [];
          lines.read(block, records);
          accept(records);
          continue;
        }
        const end = lines.end(block);
        tornBytes = block.byteOffset + block.bytes.length - end.byteOffset;
        if (tornBytes > 0) await file.truncate(end.byteOffset);
        if (!end.newline) await file.append([Buffer.from('\n')]);
        accept(end.records);
      }
      this.#file = file;
      this.#last = lines.last;
      return { entries: lines.last, lastPosition: lines.last, truncatedBytes: tornBytes };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #inTurn<R>(step: () => Promise<R>): Promise<R> {
    const turn = this.#turn.then(step);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const identify = async (path: string) => {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  };
  try {
    return (await identify(one)) === (await identify(other));
  } catch {
    return false; // the other one is not there yet
  }
}

function* joined(lines: readonly string[]): Generator<Buffer> {
  for (const piece of inPieces(lines)) yield Buffer.from(piece.join('\n') + '\n');
}

function* concatenated(lines: readonly Buffer[]): Generator<Buffer> {
  for (const piece of inPieces(lines)) yield Buffer.concat(piece);
}

function* inPieces<P extends { readonly length: number }>(parts: readonly P[]): Generator<P[]> {
  let from = 0;
  let length = 0;
  for (let index = 0; index < parts.length; index++) {
    length += parts[index]!.length;
    if (length < PIECE_LENGTH && index < parts.length - 1) continue;
    yield parts.slice(from, index + 1);
    from = index + 1;
    length = 0;
  }
}
