import type { DBSchema, IDBPDatabase } from 'idb';
import { assertMethods, assertOneOf, assertOptions } from '../errors/assert-argument';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { JournalLostError } from '../errors/journal-lost-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import type { Snapshot } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import { START, type Position, type Positioned } from '../journal/position';
import { assertName, DatabaseConnection } from './connection';

/** Where a sink writes, and how. */
export interface IndexedDbSinkOptions<T> {
  /** The name of the database; it is created if it is missing. */
  readonly name: string;
  /** How entries become lines. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** When a snapshot counts as accepted: 'relaxed' when the operating system has it, 'strict' when it is on the disk. @default 'relaxed' */
  readonly durability?: 'relaxed' | 'strict';
}

/** @internal The options of {@link IndexedDbSinkOptions}. */
export const SINK_OPTIONS: Record<keyof IndexedDbSinkOptions<never>, true> = {
  name: true,
  serializer: true,
  durability: true,
};

interface Journal extends DBSchema {
  readonly entries: { key: Position; value: string };
}

/** How many lines are read at once. */
const PAGE = 1_000;

/**
 * Keeps a journal in a browser's IndexedDB: in the store `entries` the line of each entry, under its position.
 *
 * A snapshot is one transaction, so it is stored whole or not at all. If the browser closes the connection, the sink reconnects and tries the snapshot once more.
 * `append` rejects with {@link PositionConflictError} if the snapshot does not continue what the database holds, {@link JournalLostError} if the database holds less than
 * before (somebody has cleared the site's data), {@link JournalMismatchError} if the database belongs to something else, and with the browser's
 * `DOMException`, a `QuotaExceededError` if there is no room. Takes no lock.
 *
 * @example
 * ```ts
 * const sink = new IndexedDbSink<ChatEntry>({ name: 'chat' });
 * const flusher = new FlusherDaemon({ scrivener, sink, after: await sink.last() });
 * ```
 */
export class IndexedDbSink<in out T> implements FlushSink<T> {
  readonly #name: string;
  readonly #serializer: EntrySerializer<T>;
  readonly #durability: 'relaxed' | 'strict';
  readonly #connection: DatabaseConnection<Journal>;
  /** The last position that the database is known to hold; `undefined` as long as nobody has looked. */
  #held: Position | undefined;
  /** The connection that this was looked up on, or written with. */
  #seen: IDBPDatabase<Journal> | undefined;

  constructor(options: IndexedDbSinkOptions<T>) {
    assertOptions('IndexedDbSink', options, SINK_OPTIONS);
    const { name, serializer, durability } = storedAs(options);
    this.#name = name;
    this.#serializer = serializer;
    this.#durability = durability;
    this.#connection = new DatabaseConnection(name, 'entries');
  }

  async append(snapshot: Snapshot<T>, lines?: readonly string[]): Promise<void> {
    const made = lines ?? snapshot.map((record) => toLine(this.#serializer, record));
    try {
      await this.#connection.use((database) => this.#add(database, snapshot, made));
    } catch (error) {
      throw await this.#described(error, snapshot[0]!.position);
    }
  }

  /** @internal The last position that the database is known to hold. */
  get held(): Position {
    return this.#held ?? START;
  }

  /** The last position that the database holds, which the next `append` must continue; {@link START} if it is empty. */
  async last(): Promise<Position> {
    const last = await this.#connection.use((database) => lastOf(database.transaction('entries').store));
    this.#held = Math.min(this.#held ?? last, last);
    return last;
  }

  /** The entries that the database holds, from position 1; throws {@link CorruptEntryError} for a line that is not an entry. */
  async *recover(): AsyncGenerator<Positioned<T>, void> {
    let last = START;
    for (let page: string[] | undefined; page?.length !== 0;) {
      const range = IDBKeyRange.lowerBound(last, true);
      page = await this.#connection.use(async (database) => {
        this.#seen = database;
        return database.getAll('entries', range, PAGE);
      });
      for (const line of page) yield this.#read(line);
      last += page.length;
    }
    this.#held = last;
  }

  /** Closes the database after pending steps; later calls open it again. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #add(database: IDBPDatabase<Journal>, snapshot: Snapshot<T>, lines: readonly string[]): Promise<void> {
    const transaction = database.transaction('entries', 'readwrite', { durability: this.#durability });
    const { store } = transaction;
    const first = snapshot[0]!.position;
    const end = first + snapshot.length - 1;
    snapshot.forEach(({ position }, index) => {
      if (position !== first + index) throw new PositionConflictError(position - 1, first + index - 1);
    });
    // Nothing is waited for where nothing has changed: a page that is being left does not get any further.
    const last = this.#seen === database ? this.#held! : await lastOf(store);
    this.#assertKept(last);
    this.#held ??= last;
    let kept: readonly string[] = [];
    if (last >= first && this.#held === first - 1) {
      // Of a batch that got there, though its connection was closed before that was said.
      kept = await store.getAll(IDBKeyRange.bound(first, end));
    }
    if (last !== first - 1 + kept.length || kept.some((line, index) => line !== lines[index])) {
      throw new PositionConflictError(first - 1, last);
    }
    const next = last + 1;
    const before = lastOf(store);
    const added = lines.slice(kept.length).map((line, index) => store.add(line, next + index));
    // A page that is being closed does not get to where the browser would commit on its own.
    transaction.commit();
    const [found] = await Promise.all([before, ...added, transaction.done]);
    if (found !== last) {
      // Somebody has emptied the store: what was added to it would be no journal.
      if (next <= end) await database.delete('entries', IDBKeyRange.bound(next, end));
      this.#assertKept(found);
      throw new PositionConflictError(last, found);
    }
    this.#held = end;
    this.#seen = database;
  }

  /** Throws {@link JournalLostError} when the database ends before what it is known to hold; once, then it is known to end there. */
  #assertKept(last: Position): void {
    const held = this.#held ?? START;
    if (last >= held) return;
    this.#held = last;
    throw new JournalLostError(
      `the database ${this.#name} ended at position ${held}, and ends at ${last}: somebody has cleared the site's data`,
    );
  }

  async #described(error: unknown, first: Position): Promise<unknown> {
    const { name, message } = error as Error;
    if (name === 'ConstraintError') return new PositionConflictError(first - 1, await this.last());
    if (name !== 'QuotaExceededError') return error;
    const reason = `The browser has no room for the journal ${this.#name} from position ${first} on`;
    return new DOMException(`${reason}${message && `: ${message}`}`, name);
  }

  #read(line: unknown): Positioned<T> {
    if (typeof line !== 'string') throw new CorruptEntryError('it is no line of text');
    try {
      return this.#serializer.deserialize(line);
    } catch (cause) {
      // A custom serializer's error may quote the line.
      throw cause instanceof CorruptEntryError
        ? cause
        : new CorruptEntryError('the serializer cannot read it', { cause });
    }
  }
}

/** @internal These options alone, checked, with the defaults of what they leave out. */
export function storedAs<T>(options: IndexedDbSinkOptions<T>): Required<IndexedDbSinkOptions<T>> {
  const { name, serializer = new JsonEntrySerializer<T>(), durability = 'relaxed' } = options;
  assertName(name);
  assertMethods('serializer', serializer, ['serialize', 'deserialize']);
  assertOneOf('durability', durability, ['relaxed', 'strict']);
  return { name, serializer, durability };
}

interface Keys {
  openKeyCursor(query: null, direction: 'prev'): Promise<{ readonly key: Position } | null>;
}

async function lastOf(store: Keys): Promise<Position> {
  return (await store.openKeyCursor(null, 'prev'))?.key ?? START;
}
