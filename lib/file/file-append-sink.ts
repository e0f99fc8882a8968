import { stat } from 'node:fs/promises';
import { assertMethods, assertOneOf, assertOptions } from '../errors/assert-argument';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { Snapshot } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { isOwn } from '../flush/json-entry-serializer';
import type { LineOf } from '../flush/readable-line-of';
import { isContinued } from '../journal/group';
import type { Durability } from './store/append-file';
import type { Chunk } from './lines/encoded-lines';
import { absolutePathOf } from './disk/file-path';
import { JournalStore } from './store/journal-store';
import { lineOf } from './lines/line-of';

/** Where a file sink writes, and how. */
export interface FileAppendSinkOptions<T> {
  /** The file; it and its directories are created if they are missing. */
  readonly filePath: string | URL;
  readonly serializer: EntrySerializer<T>;
  /** Whether a snapshot counts as accepted when the operating system has it, or when it is on the disk. @default 'os' */
  readonly durability?: Durability;
}

const OPTIONS: Record<keyof FileAppendSinkOptions<never>, true> = {
  filePath: true,
  serializer: true,
  durability: true,
};

/** What a sink appends through. */
interface AppendStore<T> {
  readonly bytes: number;
  append(snapshot: Snapshot<T>, chunks: () => Iterable<Chunk>): Promise<void>;
  close(): Promise<void>;
}

/** Batches are written in pieces of about this many characters or bytes: a batch may be longer than the longest string. */
const PIECE_LENGTH = 1024 * 1024;

/**
 * Appends snapshots to a file, one line per entry, through one open handle: each whole or not at all.
 *
 * It continues from what the file holds: the first `append` reads it (as {@link openFileScrivener} does, which repairs a torn last line and rejects
 * with {@link CorruptJournalError}). A snapshot that does not continue it rejects with {@link PositionConflictError}. Takes no lock.
 * If the file was moved away, a new one follows it; if it was cut or appended to by others, `append` rejects with {@link CorruptJournalError}.
 *
 * @example
 * ```ts
 * const sink = new FileAppendSink<Entry>({ filePath: 'journal.ndjson', serializer: new JsonEntrySerializer() });
 * const flusher = new FlusherDaemon({ scrivener, sink });
 * ```
 */
export class FileAppendSink<in out T> implements FlushSink<T> {
  /** @internal */
  readonly filePath: string;
  readonly #serializer: EntrySerializer<T>;
  readonly #lineOf: LineOf<T>;
  #store: AppendStore<T>;

  /** @internal */
  readonly durability: Durability;

  constructor(options: FileAppendSinkOptions<T>) {
    assertOptions('FileAppendSink', options, OPTIONS);
    const { filePath, serializer, durability = 'os' } = options;
    assertMethods('serializer', serializer, ['serialize', 'deserialize']);
    assertOneOf('durability', durability, ['os', 'disk']);
    this.filePath = absolutePathOf('filePath', filePath);
    this.#serializer = serializer;
    this.#lineOf = lineOf(serializer);
    this.durability = durability;
    this.#store = new JournalStore({ filePath: this.filePath, serializer, durability });
  }

  /** How many bytes it has appended. */
  get bytes(): number {
    return this.#store.bytes;
  }

  append(snapshot: Snapshot<T>, lines?: readonly string[]): Promise<void> {
    return this.#store.append(snapshot, () =>
      joined(lines ?? snapshot.map((record) => this.#lineOf(record, isContinued(record)))),
    );
  }

  /** Waits for pending appends, then closes the file; nothing can be appended afterwards. */
  close(): Promise<void> {
    return this.#store.close();
  }

  /**
   * Whether it keeps the journal of a file in the format of a serializer.
   *
   * @internal
   */
  async keeps(filePath: string, serializer: EntrySerializer<T>): Promise<boolean> {
    const sameFormat = serializer === this.#serializer || (isOwn(serializer) && isOwn(this.#serializer));
    return sameFormat && (await isSameFile(filePath, this.filePath));
  }

  /**
   * Appends through the file that a scrivener has opened.
   *
   * @internal
   */
  adopt(store: AppendStore<T>): void {
    this.#store = store;
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

function* joined(lines: readonly string[]): Generator<Chunk> {
  for (const piece of inPieces(lines)) yield { bytes: Buffer.from(piece.join('\n') + '\n'), lines: piece.length };
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
