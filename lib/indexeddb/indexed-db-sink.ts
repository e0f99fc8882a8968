import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { assertOneOf } from '../errors/assert-argument';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import type { Snapshot } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import { START, type Position, type Positioned } from '../journal/position';

/** Where a sink writes, and how. */
export interface IndexedDbSinkOptions<T> {
  /** The name of the database; it is created when it is missing. */
  readonly name: string;
  /** How entries become lines. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** When a snapshot counts as accepted: 'relaxed' when the operating system has it, 'strict' when it is on the disk. @default 'relaxed' */
  readonly durability?: 'relaxed' | 'strict';
}

interface Journal extends DBSchema {
  readonly entries: { key: Position; value: string };
}

const VERSION = 1;
/** So many lines are read at once. */
const PAGE = 1_000;

/**
 * Keeps a journal in a browser's IndexedDB: in the store `entries` the line of each entry, under its position.
 *
 * A snapshot is one transaction, so it is there whole or not at all; one that does not continue what the database holds rejects with {@link PositionConflictError}.
 * What the browser refuses (no room, storage that the user has cleared) rejects with its `DOMException`. It takes no lock.
 *
 * @example
 * ```ts
 * const flusher = new FlusherDaemon({ scrivener, sink: new IndexedDbSink({ name: 'chat' }) });
 * ```
 */
export class IndexedDbSink<in out T> implements FlushSink<T> {
  readonly #name: string;
  readonly #serializer: EntrySerializer<T>;
  readonly #durability: 'relaxed' | 'strict';
  #database: Promise<IDBPDatabase<Journal>> | undefined;
  /** The newest position that the database holds; `undefined` until it was looked up. */
  #last: Position | undefined;

  constructor({ name, serializer = new JsonEntrySerializer<T>(), durability = 'relaxed' }: IndexedDbSinkOptions<T>) {
    assertOneOf('durability', durability, ['relaxed', 'strict']);
    this.#name = name;
    this.#serializer = serializer;
    this.#durability = durability;
  }

  async append(snapshot: Snapshot<T>, lines?: readonly string[]): Promise<void> {
    const made = lines ?? snapshot.map((record) => toLine(this.#serializer, record));
    const database = await this.#open();
    const transaction = database.transaction('entries', 'readwrite', { durability: this.#durability });
    const { store } = transaction;
    this.#last ??= (await store.openKeyCursor(null, 'prev'))?.key ?? START;
    const last = this.#last;
    snapshot.forEach(({ position }, index) => {
      if (position !== last + 1 + index) throw new PositionConflictError(position - 1, last + index);
    });
    const added = snapshot.map(({ position }, index) => store.add(made[index]!, position));
    // A page that is being closed does not get to where the browser would commit by itself.
    transaction.commit();
    await Promise.all([...added, transaction.done]);
    this.#last = last + snapshot.length;
  }

  /** The entries that the database holds, from position 1; throws {@link CorruptEntryError} for a line that is none. */
  async *recover(): AsyncGenerator<Positioned<T>, void> {
    const database = await this.#open();
    let last = START;
    for (let page: string[] | undefined; page?.length !== 0;) {
      page = await database.getAll('entries', IDBKeyRange.lowerBound(last, true), PAGE);
      for (const line of page) yield this.#read(line);
      last += page.length;
    }
    this.#last = last;
  }

  /** Closes the database once what is under way is done. */
  async close(): Promise<void> {
    (await this.#database)?.close();
  }

  #read(line: unknown): Positioned<T> {
    if (typeof line !== 'string') throw new CorruptEntryError('it is no line of text');
    try {
      return this.#serializer.deserialize(line);
    } catch (cause) {
      // What a foreign serializer throws may quote the line.
      throw cause instanceof CorruptEntryError
        ? cause
        : new CorruptEntryError('the serializer cannot read it', { cause });
    }
  }

  #open(): Promise<IDBPDatabase<Journal>> {
    return (this.#database ??= openDB<Journal>(this.#name, VERSION, {
      upgrade: (database) => void database.createObjectStore('entries'),
    }));
  }
}
