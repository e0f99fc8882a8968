import type { StandardSchemaV1 } from '@standard-schema/spec';
import { fromEvent, merge, type RetryConfig, type Subscription } from 'rxjs';
import { newestEvents, type DaemonEvent } from '../daemon/daemon-event';
import { assertCount, assertDelayMs } from '../errors/assert-argument';
import { CorruptEntryError } from '../errors/corrupt-entry-error';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { toLine } from '../flush/entry-serializer';
import type { FlushPredicate } from '../flush/flush-predicate';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import { readableLineOf } from '../flush/readable-line-of';
import { readEntry } from '../flush/validate-entry';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { anyOf } from '../operators/any-of';
import { countThreshold } from '../operators/count-threshold';
import { elapsed } from '../operators/elapsed';
import { IndexedDbFlushing } from './indexed-db-flushing';
import { IndexedDbScrivener } from './indexed-db-scrivener';
import { IndexedDbSink, type IndexedDbSinkOptions } from './indexed-db-sink';
import { lockJournal } from './web-lock';

/** How a journal is kept in a browser. */
export interface IndexedDbScrivenerConfig<T> extends IndexedDbSinkOptions<T> {
  /** Flush as soon as so many entries wait: an integer >= 1. @default 100 */
  readonly flushThreshold?: number;
  /** Flush at the latest so long after the first entry that waits, in milliseconds: 0 to 2^31-1, `Infinity`: by count alone. @default 1000 */
  readonly flushIntervalMs?: number;
  /** How many batches may wait while the database is busy, an integer >= 1; past it the active one grows. @default 8 */
  readonly flushQueueCapacity?: number;
  /**
   * Any synchronous Standard Schema validator: its output is what is appended, told and kept, and what an entry of the database becomes when it is
   * read. It must read its own output as the same entry: `z.coerce.date()`, which takes the text that JSON makes of a date, not `z.date()`.
   */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** When a batch is cut, instead of `flushThreshold` and `flushIntervalMs`. */
  readonly predicate?: FlushPredicate<T>;
  /** Where the flusher journals what happens to it. @default a journal in memory of the newest 1,000 */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
  /**
   * Give a batch to the database again that it refused for what passes by itself (a `QuotaExceededError`, a connection that goes on being closed), as this says; refusals are
   * journaled in `daemonEvents`. When it is given up the flusher fails with {@link FlushAbandonedError}. Default: a refusal fails the flusher.
   */
  readonly retry?: RetryConfig;
}

/**
 * Opens a journal in a browser's IndexedDB: locks it for this page or worker, recovers what it holds, and starts to persist what is written.
 *
 * What waits is handed to the browser when the page is hidden or left, too; what counts is what was reported flushed.
 *
 * Rejects with {@link JournalLockedError} when the journal is open elsewhere in this origin, after a second of waiting for it,
 * {@link JournalMismatchError} when the database of that name is somebody else's, {@link CorruptJournalError} when what the database holds is no journal (`line` is the position), {@link SchemaMismatchError} when the schema refuses what it holds, `RangeError` and `TypeError` for wrong options
 * and where the page is not secure, and the browser's `DOMException` when the database cannot be opened.
 *
 * @example
 * ```ts
 * const scrivener = await openIndexedDbScrivener<ChatEntry>({ name: 'chat' });
 * await scrivener.whenFlushed(await scrivener.write({ type: 'Said', text: 'hello' }));
 * ```
 */
export async function openIndexedDbScrivener<T>(config: IndexedDbScrivenerConfig<T>): Promise<IndexedDbScrivener<T>> {
  const {
    name,
    serializer = new JsonEntrySerializer<T>(),
    flushThreshold = 100,
    flushIntervalMs = 1000,
    flushQueueCapacity = 8,
    schema,
    daemonEvents = newestEvents(),
  } = config;
  assertCount('flushThreshold', flushThreshold);
  assertDelayMs('flushIntervalMs', flushIntervalMs);
  assertCount('flushQueueCapacity', flushQueueCapacity);
  const sink = new IndexedDbSink<T>({ ...config, serializer });
  const unlock = await lockJournal(name);
  try {
    const memory = await recover(sink, name, schema);
    const recovered = { entries: memory.head, lastPosition: memory.head };
    const flushing = new IndexedDbFlushing<T>({
      name,
      scrivener: memory,
      sink,
      serializer,
      predicate: config.predicate ?? anyOf(countThreshold(flushThreshold), elapsed(flushIntervalMs)),
      flushQueueCapacity,
      daemonEvents,
      retry: config.retry,
    });
    return new IndexedDbScrivener({
      memory,
      flushing,
      flusher: await flushing.start(memory.head),
      lineOf: readableLineOf<T>((record) => toLine(serializer, record), serializer, schema),
      schema,
      daemonEvents,
      recovered,
      whenHidden,
      release: unlock,
    });
  } catch (error) {
    await sink.close().catch(() => undefined); // what failed first says more
    unlock();
    throw error;
  }
}

async function recover<T>(
  sink: IndexedDbSink<T>,
  name: string,
  schema: StandardSchemaV1<unknown, T> | undefined,
): Promise<InMemoryScrivener<T>> {
  const memory = new InMemoryScrivener<T>();
  const source = `indexeddb:${name}`;
  const damage = (reason: string, options?: ErrorOptions) =>
    new CorruptJournalError({ filePath: source, line: memory.head + 1, byteOffset: 0, reason }, options);
  try {
    for await (const { position, entry } of sink.recover()) {
      if (position !== memory.head + 1) throw damage(describeGap(position, memory.head + 1));
      memory.append(schema ? readEntry(schema, entry, source, position) : entry);
    }
  } catch (error) {
    if (error instanceof CorruptEntryError) throw damage(error.reason, { cause: error });
    throw error;
  }
  return memory;
}

function describeGap(position: Position, next: Position): string {
  return `its position is ${position} where ${next} is next`;
}

/** Calls `flush` whenever the page is hidden, as it may be ended then without another word: https://www.w3.org/TR/page-visibility-2/ */
function whenHidden(flush: () => void): Subscription {
  const events = [fromEvent(globalThis, 'pagehide')];
  if (typeof document !== 'undefined') events.push(fromEvent(document, 'visibilitychange'));
  return merge(...events).subscribe(flush);
}
