import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { DaemonEvent } from '../daemon/daemon-event';
import { assertCount, assertDelayMs, assertOneOf } from '../errors/assert-argument';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { FlushPredicate, Snapshot } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { FlusherDaemon } from '../flush/flusher-daemon';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import { validateEntry } from '../flush/validate-entry';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import { Queue } from '../journal/queue';
import type { Scrivener } from '../journal/scrivener';
import { anyOf } from '../operators/any-of';
import { countThreshold } from '../operators/count-threshold';
import { elapsed } from '../operators/elapsed';
import type { Durability } from './append-file';
import { publish } from './diagnostics';
import { EncodedLines } from './encoded-lines';
import { FileAppendSink, type FileContent } from './file-append-sink';
import { FileScrivener } from './file-scrivener';
import { JournalLock } from './journal-lock';

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
  /** Any synchronous Standard Schema validator: checks each entry that is written; an entry that is read from the file becomes its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** How entries become lines. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** Where batches go. With a `recover` of its own the journal is recovered from it instead of from the file. @default FileAppendSink */
  readonly sink?: FlushSink<T>;
  /** When a batch is cut, instead of `flushThreshold` and `flushIntervalMs`. */
  readonly predicate?: FlushPredicate<T>;
  /** Where the flusher journals what happens to it. @default a journal in memory */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
}

/**
 * Opens a journal in a file: recovers what it holds, locks it, and starts to persist what is written.
 *
 * A last line that a crash cut short is dropped, and reported in `recovered.truncatedBytes`. Rejects with {@link JournalLockedError} when the file is
 * open for writing elsewhere, {@link CorruptJournalError} when it is damaged or no journal (it stays as it was), `RangeError` and
 * `TypeError` for wrong options, and the system's error when the file cannot be opened.
 *
 * @example
 * ```ts
 * await using scrivener = await openFileScrivener<ChatEntry>({ filePath: 'data/chat.ndjson' });
 * await scrivener.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openFileScrivener<T>(config: FileScrivenerConfig<T>): Promise<FileScrivener<T>> {
  const {
    filePath,
    flushThreshold = 100,
    flushIntervalMs = 1000,
    flushQueueCapacity = 8,
    durability = 'os',
    schema,
    serializer = new JsonEntrySerializer<T>(),
    predicate,
    daemonEvents = new InMemoryScrivener<DaemonEvent>(),
  } = config;
  if (filePath === '') throw new TypeError('Expected `filePath` to be a path, got an empty string');
  assertCount('flushThreshold', flushThreshold);
  assertDelayMs('flushIntervalMs', flushIntervalMs);
  assertCount('flushQueueCapacity', flushQueueCapacity);

  assertOneOf('durability', durability, ['os', 'disk']);

  const start = performance.now();
  await mkdir(dirname(filePath), { recursive: true });
  const lock = await JournalLock.acquire(filePath);
  const file = await fileSink({ ...config, serializer }, lock.realPath);
  try {
    const journal = new InMemoryScrivener<T>();
    const recovered =
      config.sink?.recover && config.sink !== file
        ? await recoverFrom(config.sink, journal, config)
        : await file.open({ schema }, (records) => {
            for (const { entry } of records) journal.append(entry);
          });
    const other = config.sink === file ? undefined : config.sink;
    if (other) await file.close();

    const { lines, sink } = other ? linesFor(other, lock.realPath) : encodedLinesFor(file, lock.realPath);
    const flusher = new FlusherDaemon<T>({
      scrivener: journal,
      sink,
      predicate: predicate ?? anyOf(countThreshold(flushThreshold), elapsed(flushIntervalMs)),
      flushQueueCapacity,
      after: recovered.lastPosition,
      daemonEvents,
    });
    await flusher.start();
    publish('rx-scrivener:opened', () => ({
      filePath: lock.realPath,
      entries: recovered.entries,
      truncatedBytes: recovered.truncatedBytes,
      durationMs: performance.now() - start,
    }));
    flusher.waitForFailure().then(
      (error) => publish('rx-scrivener:failed', () => ({ filePath: lock.realPath, flushed: flusher.flushed, error })),
      () => undefined, // it completed
    );
    return new FileScrivener({ journal, flusher, lines, lock, serializer, schema, daemonEvents, recovered });
  } catch (error) {
    await file.close();
    await lock.release();
    throw error;
  }
}

/** The sink of the journal's file: the user's, if it is that. */
async function fileSink<T>(
  { sink, serializer, durability }: FileScrivenerConfig<T> & { serializer: EntrySerializer<T> },
  filePath: string,
): Promise<FileAppendSink<T>> {
  const given = sink instanceof FileAppendSink ? (sink as FileAppendSink<T>) : undefined;
  return (await given?.keeps(filePath, serializer))
    ? given!
    : new FileAppendSink<T>({ filePath, serializer, durability });
}

/** A place for lines that wait, and a sink that gets each snapshot with those that were made of it when it was written. */
interface PendingLines<T> {
  readonly lines: { push(line: string): void };
  readonly sink: FlushSink<T>;
}

function linesFor<T>(sink: FlushSink<T>, filePath: string): PendingLines<T> {
  const lines = new Queue<string>();
  const append = (snapshot: Snapshot<T>) =>
    sink.append(
      snapshot,
      snapshot.map(() => lines.shift()!),
    );
  return { lines, sink: watched(sink, lines, append, filePath) };
}

function encodedLinesFor<T>(file: FileAppendSink<T>, filePath: string): PendingLines<T> {
  const lines = new EncodedLines();
  const append = (snapshot: Snapshot<T>) => file.appendEncoded(snapshot, lines.take(snapshot.length));
  return { lines, sink: watched(file, lines, append, filePath) };
}

/** A sink that appends in its own way, tells of it, and lets go of its lines with the end. */
function watched<T>(
  sink: FlushSink<T>,
  lines: { clear(): void },
  append: (snapshot: Snapshot<T>) => Promise<void>,
  filePath: string,
): FlushSink<T> {
  return {
    get bytes() {
      return sink.bytes;
    },
    async append(snapshot) {
      const before = sink.bytes;
      const start = performance.now();
      await append(snapshot);
      publish('rx-scrivener:flushed', () => ({
        filePath,
        first: snapshot[0]!.position,
        last: snapshot.at(-1)!.position,
        bytes: sink.bytes === undefined ? undefined : sink.bytes - (before ?? 0),
        durationMs: performance.now() - start,
      }));
    },
    async close() {
      lines.clear();
      await sink.close?.();
    },
  };
}

async function recoverFrom<T>(
  sink: FlushSink<T>,
  journal: InMemoryScrivener<T>,
  { filePath, schema }: FileScrivenerConfig<T>,
): Promise<FileContent> {
  for await (const { position, entry } of sink.recover!()) {
    const next = journal.head + 1;
    if (position !== next) {
      const reason = `the sink gave position ${position} where ${next} is next`;
      throw new CorruptJournalError({ filePath, line: next, byteOffset: 0, reason });
    }
    journal.append(schema ? validateEntry(schema, entry) : entry);
  }
  return { entries: journal.head, lastPosition: journal.head, truncatedBytes: 0 };
}
