import type { StandardSchemaV1 } from '@standard-schema/spec';
import { defer, EMPTY, firstValueFrom, from, of, race, type RetryConfig } from 'rxjs';
import { newestEvents, type DaemonEvent } from '../daemon/daemon-event';
import { assertCount, assertDelayMs, assertOneOf } from '../errors/assert-argument';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { FlushPredicate } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { isOwn, JsonEntrySerializer } from '../flush/json-entry-serializer';
import { readableLineOf } from '../flush/readable-line-of';
import { readEntry } from '../flush/validate-entry';
import { aborted } from '../journal/abort';
import { Log } from '../journal/log';
import { START, type Position, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { anyOf } from '../operators/any-of';
import { countThreshold } from '../operators/count-threshold';
import { elapsed } from '../operators/elapsed';
import type { Durability } from './append-file';
import { assertChecksums } from './checksum';
import { publish } from './diagnostics';
import { makeDirectories } from './directory';
import { FileAppendSink } from './file-append-sink';
import { FileScrivener } from './file-scrivener';
import { Flushing } from './flushing';
import { JournalLock } from './journal-lock';
import { JournalStore, type FileContent, type OpenProgress } from './journal-store';
import { assertRotation, type Rotation } from './segment-rotation';
import { lineOf } from './line-of';
import { StoredJournal } from './stored-journal';

/** How a journal is kept in a file. */
export interface FileScrivenerConfig<T> {
  /** The file; it and its directories are created when they are missing. */
  readonly filePath: string;
  /** Flush as soon as so many entries wait: an integer >= 1. More cost less each, and a crash more of them. @default 100 */
  readonly flushThreshold?: number;
  /** Flush at the latest so long after the first entry that waits, in milliseconds: 0 to 2^31-1, `Infinity`: by count alone. @default 1000 */
  readonly flushIntervalMs?: number;
  /** How many batches may wait while the file is busy, an integer >= 1; past it the active one grows. @default 8 */
  readonly flushQueueCapacity?: number;
  /** When a batch counts as flushed: 'os' when the operating system has it (it survives the process), 'disk' when it is synced (it survives the power). @default 'os' */
  readonly durability?: Durability;
  /**
   * Any synchronous Standard Schema validator: its output is what is appended, told and kept, and what an entry of the file becomes when it is
   * read. It must read its own output as the same entry: `z.coerce.date()`, which takes the text that JSON makes of a date, not `z.date()`.
   */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** How entries become lines. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** Where batches go. With a `recover` of its own the journal is recovered from it instead of from the file. @default FileAppendSink */
  readonly sink?: FlushSink<T>;
  /** When a batch is cut, instead of `flushThreshold` and `flushIntervalMs`. */
  readonly predicate?: FlushPredicate<T>;
  /** Where the flusher journals what happens to it. @default a journal in memory of the newest 1,000 */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
  /**
   * Keep in memory only the newest so many entries, an integer >= 1, and those that are not flushed; older ones are read from the file, and parsed then.
   * @default Infinity
   */
  readonly retain?: number;
  /** How many entries may wait to be flushed, an integer >= 1: past it `write` waits, and `append` throws {@link BacklogFullError}. @default Infinity */
  readonly maxPending?: number;
  /** When the file is closed as a segment and another one takes its name, and what becomes of segments. Default: never. */
  readonly rotation?: Rotation;
  /** Have each line end in a checksum of it, which is checked whenever it is read; only with the default serializer. Default: none. */
  readonly checksum?: 'crc32';
  /**
   * Give a batch to the sink again that it refused for what passes by itself (EAGAIN, EBUSY, ENOSPC, …), as this says; each refusal is journaled in
   * `daemonEvents`. When it is given up the flusher fails with {@link FlushAbandonedError}. Default: a refusal fails the flusher.
   */
  readonly retry?: RetryConfig;
  /** Told how far reading the file at its opening is, in bytes. */
  readonly onProgress?: (progress: OpenProgress) => void;
  /** How long to wait for whoever has the file open for writing, in milliseconds: 0 to 2^31-1, `Infinity`: until it is free. @default 0 */
  readonly lockTimeoutMs?: number;
  /** Ends the opening: it rejects with the signal's reason, and lets go of the file. Without effect once it is open. */
  readonly signal?: AbortSignal;
}

/**
 * Opens a journal in a file: recovers what it holds, locks it, and starts to persist what is written.
 *
 * A last line that a crash cut short is dropped, and reported in `recovered.truncatedBytes`. Rejects with {@link JournalLockedError} when the file is
 * still open for writing elsewhere after `lockTimeoutMs`, {@link SchemaMismatchError} when the schema refuses what it holds, {@link CorruptJournalError} when it is damaged or no journal (it stays as it was), `RangeError` and
 * `TypeError` for wrong options, and the system's error when the file cannot be opened.
 *
 * @example
 * ```ts
 * await using scrivener = await openFileScrivener<ChatEntry>({ filePath: 'data/chat.ndjson' });
 * await scrivener.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openFileScrivener<T>(config: FileScrivenerConfig<T>): Promise<FileScrivener<T>> {
  const options = withDefaults(config);
  const { filePath, schema, serializer, checksum, rotation, retain, daemonEvents, sink, signal } = options;
  const onProgress = (progress: OpenProgress) => {
    signal?.throwIfAborted();
    options.onProgress?.(progress);
  };
  const start = performance.now();
  await makeDirectories(filePath, options.durability === 'disk');
  const lock = await JournalLock.acquire(filePath, { timeoutMs: options.lockTimeoutMs, signal });
  const { realPath } = lock;
  const own = sink instanceof FileAppendSink && (await sink.keeps(realPath, serializer)) ? sink : undefined;
  const other = own ? undefined : sink;
  const durability = own?.durability ?? options.durability;
  const store = new JournalStore<T>({
    filePath: realPath,
    serializer,
    schema,
    durability,
    rotation,
    lock,
    readsBack: retain !== Infinity,
  });
  own?.adopt(store);
  try {
    const { log, recovered } = other?.recover
      ? await recoverFrom(other, options)
      : await recover(store, retain, onProgress, signal);
    if (other) await store.close();
    signal?.throwIfAborted();

    const reads = new StoredJournal(log, store);
    const flushingOptions = {
      ...options,
      filePath: realPath,
      scrivener: asFlushed(reads, log),
      groupsCommits: !other && durability === 'disk',
    };
    const flushing = other ? Flushing.into(other, flushingOptions) : Flushing.intoFile(store, flushingOptions);
    const flusher = await flushing.start(recovered.lastPosition);
    publish('rx-scrivener:opened', () => ({
      filePath: realPath,
      entries: recovered.entries,
      truncatedBytes: recovered.truncatedBytes,
      durationMs: performance.now() - start,
    }));
    return new FileScrivener<T>({
      log,
      reads,
      flushing,
      flusher,
      reopen: other?.close ? undefined : () => (other ? Promise.resolve() : store.reopen()),
      release: async () => {
        try {
          await store.close();
        } finally {
          await lock.release();
        }
      },
      filePath: realPath,
      isFile: other === undefined,
      lineOf: readableLineOf(lineOf(serializer, checksum), serializer, schema),
      schema,
      retain: other ? Infinity : retain,
      oldest: () => store.oldest,
      maxPending: options.maxPending,
      daemonEvents,
      recovered,
    });
  } catch (error) {
    await store.close();
    await lock.release();
    throw error;
  }
}

function withDefaults<T>(config: FileScrivenerConfig<T>) {
  const {
    filePath,
    flushThreshold = 100,
    flushIntervalMs = 1000,
    flushQueueCapacity = 8,
    durability = 'os',
    retain = Infinity,
    maxPending = Infinity,
    serializer = new JsonEntrySerializer<T>(),
    daemonEvents = newestEvents(),
    checksum,
    rotation,
    retry,
    lockTimeoutMs = 0,
  } = config;
  if (filePath === '') throw new TypeError('Expected `filePath` to be a path, got an empty string');
  assertCount('flushThreshold', flushThreshold);
  assertDelayMs('flushIntervalMs', flushIntervalMs);
  assertCount('flushQueueCapacity', flushQueueCapacity);
  assertOneOf('durability', durability, ['os', 'disk']);
  assertCount('retain', retain, ' or Infinity');
  assertDelayMs('lockTimeoutMs', lockTimeoutMs);
  assertCount('maxPending', maxPending, ' or Infinity');
  if (rotation) assertRotation(rotation);
  if (checksum !== undefined) {
    assertOneOf('checksum', checksum, ['crc32']);
    assertChecksums();
    if (!isOwn(serializer)) throw new TypeError('Expected `checksum` without a `serializer`, got both');
  }
  const predicate = config.predicate ?? anyOf(countThreshold(flushThreshold), elapsed(flushIntervalMs));
  return {
    ...config,
    lockTimeoutMs,
    flushQueueCapacity,
    durability,
    retain,
    maxPending,
    serializer,
    daemonEvents,
    predicate,
    retry,
  };
}

/** The journal as its flusher reads it: live, and for its last position, whether or not that is kept. */
function asFlushed<T>(reads: StoredJournal<T>, log: Log<T>): Scrivener<T> {
  const tail = (after?: Position) => reads.tail(after);
  const readBackward = () => defer(() => (log.head === START ? EMPTY : of({ position: log.head })));
  return { tail, readBackward } as unknown as Scrivener<T>;
}

interface Recovery<T> {
  readonly log: Log<T>;
  readonly recovered: FileContent;
}

async function recover<T>(
  store: JournalStore<T>,
  retain: number,
  onProgress: (progress: OpenProgress) => void,
  signal: AbortSignal | undefined,
): Promise<Recovery<T>> {
  let log: Log<T> | undefined;
  const accept = (records: readonly Positioned<T>[]) => {
    if (records.length > 0) log ??= new Log(Infinity, records[0]!.position - 1);
    for (const { entry } of records) log!.append(entry);
  };
  const recovered = await store.open(retain === Infinity ? accept : undefined, onProgress);
  if (retain !== Infinity) {
    for await (const records of store.read(Math.max(store.first - 1, store.last - retain))) {
      signal?.throwIfAborted();
      accept(records);
    }
  }
  return { log: log ?? new Log(Infinity, store.last), recovered };
}

async function recoverFrom<T>(
  sink: FlushSink<T>,
  { filePath, schema, signal }: FileScrivenerConfig<T>,
): Promise<Recovery<T>> {
  const log = new Log<T>();
  for await (const { position, entry } of untilAborted(sink.recover!(), signal)) {
    const next = log.head + 1;
    if (position !== next) {
      const reason = `the sink gave position ${position} where ${next} is next`;
      throw new CorruptJournalError({ filePath, line: next, byteOffset: 0, reason });
    }
    log.append(schema ? readEntry(schema, entry, filePath, position) : entry);
  }
  return { log, recovered: { entries: log.head, lastPosition: log.head, truncatedBytes: 0 } };
}

/** Each value of an iterable; an abort ends it with the signal's reason, also while the next value is waited for. */
async function* untilAborted<V>(values: AsyncIterable<V>, signal: AbortSignal | undefined): AsyncGenerator<V, void> {
  const iterator: AsyncIterator<V, unknown> = values[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = iterator.next();
      const result = await (signal ? firstValueFrom(race(aborted(signal), from(next))) : next);
      if ((isOver = result.done === true)) return;
      yield result.value;
    }
  } finally {
    // Not awaited: a generator that waits does not return before it goes on.
    if (!isOver) iterator.return?.().catch(() => undefined);
  }
}
