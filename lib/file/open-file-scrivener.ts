import { defer, EMPTY, firstValueFrom, from, of, race } from 'rxjs';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import type { FlushSink } from '../flush/flush-sink';
import { readableLineOf } from '../flush/readable-line-of';
import { readEntry } from '../flush/validate-entry';
import { aborted } from '../journal/abort';
import { Log } from '../journal/log';
import { START, type Position, type Positioned } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { publish } from './flushing/diagnostics';
import { makeDirectories } from './disk/directory';
import { FileAppendSink } from './file-append-sink';
import { FileScrivener } from './file-scrivener';
import { withDefaults, type FileScrivenerConfig, type SinkScrivenerConfig } from './file-scrivener-config';
import { Flushing } from './flushing/flushing';
import { JournalLock } from './lock/journal-lock';
import { JournalStore, type FileContent } from './store/journal-store';
import type { OpenProgress } from './store/recover-journal';
import { lineOf } from './lines/line-of';
import { StoredJournal } from './store/stored-journal';

/**
 * Opens a journal in a file: locks it, recovers its entries, and starts to persist what is written.
 *
 * A last line that a crash cut short is dropped, and reported in `recovered.truncatedBytes`. Rejects with {@link JournalLockedError} if the file is
 * still open for writing elsewhere after `lockTimeoutMs`, {@link SchemaMismatchError} if the schema refuses an entry, {@link CorruptJournalError} if the file is damaged or not a journal (it is left unchanged), `RangeError` and
 * `TypeError` for invalid options, and the system's error if the file cannot be opened.
 *
 * @example
 * ```ts
 * await using scrivener = await openFileScrivener<ChatEntry>({ filePath: 'data/chat.ndjson' });
 * await scrivener.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openFileScrivener<T>(
  config: FileScrivenerConfig<T> | SinkScrivenerConfig<T>,
): Promise<FileScrivener<T>> {
  const options = withDefaults(config);
  const { filePath, schema, upgrade, serializer, checksum, rotation, retain, daemonEvents, sink, signal } = options;
  const onProgress = (progress: OpenProgress) => {
    signal?.throwIfAborted();
    options.onProgress?.(progress);
  };
  const start = performance.now();
  let lock: JournalLock | undefined;
  let store: JournalStore<T> | undefined;
  // Until a flusher does it.
  let closesSink = true;
  try {
    const path = filePath ?? (sink instanceof FileAppendSink ? sink.filePath : undefined);
    if (path !== undefined) {
      await makeDirectories(path, options.durability === 'disk');
      lock = await JournalLock.acquire(path, { timeoutMs: options.lockTimeoutMs, signal });
    }
    const realPath = lock?.realPath ?? options.name;
    const own = lock && sink instanceof FileAppendSink && (await sink.keeps(realPath, serializer)) ? sink : undefined;
    const other = own ? undefined : sink;
    const durability = own?.durability ?? options.durability;
    const readsBack = retain !== Infinity;
    const files = new JournalStore<T>({
      filePath: realPath,
      serializer,
      schema,
      upgrade,
      durability,
      rotation,
      lock,
      readsBack,
    });
    store = files;
    own?.adopt(files);

    let recovery: Recovery<T>;
    if (other?.recover) recovery = await recoverFrom(other, realPath, options);
    else if (lock) recovery = await recover(files, retain, onProgress, signal);
    else recovery = { log: new Log(), recovered: NOTHING };
    const { log, recovered } = recovery;
    if (other) await files.close();
    signal?.throwIfAborted();

    const reads = new StoredJournal(log, files);
    const flushingOptions = {
      ...options,
      filePath: realPath,
      scrivener: asFlushed(reads, log),
      groupsCommits: !other && durability === 'disk',
    };
    const flushing = other ? Flushing.into(other, flushingOptions) : Flushing.intoFile(files, flushingOptions);
    closesSink = false;
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
      reopen: other?.close ? undefined : () => (other ? Promise.resolve() : files.reopen()),
      release: async () => {
        try {
          await files.close();
        } finally {
          await lock?.release();
        }
      },
      filePath: realPath,
      isFile: other === undefined,
      lineOf: readableLineOf(lineOf(serializer, checksum), serializer, { schema, upgrade }),
      schema,
      retain: other ? Infinity : retain,
      oldest: () => files.oldest,
      maxPending: options.maxPending,
      daemonEvents,
      recovered,
    });
  } catch (error) {
    // The first failure is the one to report.
    if (closesSink) await (async () => sink?.close?.())().catch(() => undefined);
    await store?.close();
    await lock?.release();
    throw error;
  }
}

/** The journal as its flusher reads it: new entries, and the last position, whether or not that entry is kept. */
function asFlushed<T>(reads: StoredJournal<T>, log: Log<T>): Scrivener<T> {
  const tail = (after?: Position) => reads.tail(after);
  const readBackward = () => defer(() => (log.head === START ? EMPTY : of({ position: log.head })));
  return { tail, readBackward } as unknown as Scrivener<T>;
}

const NOTHING: FileContent = { entries: 0, lastPosition: START, truncatedBytes: 0 };

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
  filePath: string,
  { schema, upgrade, signal }: Pick<FileScrivenerConfig<T>, 'schema' | 'upgrade' | 'signal'>,
): Promise<Recovery<T>> {
  const log = new Log<T>();
  for await (const { position, entry } of untilAborted(sink.recover!(), signal)) {
    const next = log.head + 1;
    if (position !== next) {
      const reason = `the sink gave position ${position} where ${next} is next`;
      throw new CorruptJournalError({ filePath, line: next, byteOffset: 0, reason });
    }
    log.append(readEntry({ schema, upgrade }, entry, filePath, position));
  }
  return { log, recovered: { entries: log.head, lastPosition: log.head, truncatedBytes: 0 } };
}

/** The values of an iterable; an abort ends it with the signal's reason, even while it waits for the next value. */
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
    // Not awaited: a waiting generator does not return before it continues.
    if (!isOver) iterator.return?.().catch(() => undefined);
  }
}
