import type { StandardSchemaV1 } from '@standard-schema/spec';
import { firstValueFrom, from, race } from 'rxjs';
import { assertCount, assertMethods, assertOptions, assertSchema } from '../errors/assert-argument';
import type { EntrySerializer } from '../flush/entry-serializer';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import { aborted } from '../journal/abort';
import { Log } from '../journal/log';
import type { Position } from '../journal/position';
import { BesidePages } from './follow/beside-pages';
import { absolutePathOf } from './disk/file-path';
import { FileReader } from './file-reader';
import { StoredJournal } from './store/stored-journal';
import { FilesReader, located } from './follow/files-reader';
import { loadManifest } from './store/manifest';

/** How a journal's files are read while another process writes them. */
export interface FileReaderConfig<T> {
  /** The file, a path or a `file:` URL. */
  readonly filePath: string | URL;
  /** How lines become entries. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** Any synchronous Standard Schema validator: an entry becomes its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** Keep in memory only this many of the newest entries, an integer >= 1 or `Infinity`; older ones are read from the files. @default 1000 */
  readonly retain?: number;
  /** Aborts the opening, which rejects with the signal's reason. No effect after it is open. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Record<keyof FileReaderConfig<never>, true> = {
  ...{ filePath: true, serializer: true, schema: true, retain: true, signal: true },
};

/**
 * Opens a journal that another process writes and rotates, and reads it like any other scrivener: `tail`, `readBackward`, `waitFor`, `head$`. Takes no lock.
 *
 * The cost does not depend on the file's length: it reads the newest entries, and finds any position by bisecting. Rejects with
 * {@link CorruptJournalError} if the file's end is damaged or not a journal's, `TypeError` and `RangeError` for invalid options, and the system's error if the
 * file is missing or cannot be read.
 *
 * @example
 * ```ts
 * await using reader = await openFileReader<ChatEntry>({ filePath: 'data/chat.ndjson' });
 * for (const { entry } of await lastEntries(reader, 20)) show(entry);
 * reader.tail(reader.head).subscribe(({ entry }) => show(entry));
 * ```
 */
export async function openFileReader<T>(config: FileReaderConfig<T>): Promise<FileReader<T>> {
  assertOptions('openFileReader', config, OPTIONS);
  const { serializer = new JsonEntrySerializer<T>(), schema, retain = 1_000, signal } = config;
  const given = absolutePathOf('filePath', config.filePath);
  assertMethods('serializer', serializer, ['serialize', 'deserialize']);
  if (schema !== undefined) assertSchema(schema);
  assertCount('retain', retain, ' or Infinity');
  if (signal !== undefined) assertMethods('signal', signal, ['throwIfAborted', 'addEventListener']);
  signal?.throwIfAborted();

  const filePath = await located(given);
  const format = { filePath, serializer, schema };
  const { first } = await loadManifest(filePath);
  const left = new AbortController();
  let log: Log<T> | undefined;
  let ended: Promise<void> = Promise.resolve();
  const opened = new Promise<Log<T>>((resolve, reject) => {
    const caughtUp = (position: Position) => resolve((log ??= new Log<T>(retain, position)));
    const reader = new FilesReader<T>(format, undefined, true, left.signal, { fromEnd: true, caughtUp });
    const follow = async () => {
      try {
        for await (const page of reader.pages()) {
          log ??= new Log<T>(retain, page[0]!.position - 1);
          for (const { entry } of page) log.append(entry);
        }
        log?.close({ failed: false });
      } catch (error) {
        reject(error);
        log?.close({ failed: true, error });
      }
    };
    ended = follow();
  });
  const leave = async () => {
    left.abort();
    await ended;
  };
  try {
    const live = await (signal ? firstValueFrom(race(aborted(signal), from(opened))) : opened);
    const pages = new BesidePages(format, first, () => live.head);
    const reads = new StoredJournal(live, pages);
    return new FileReader<T>({ reads, head: () => live.head, first: () => pages.first, leave });
  } catch (error) {
    await leave();
    throw error;
  }
}
