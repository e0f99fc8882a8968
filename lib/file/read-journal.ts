import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertOneOf } from '../errors/assert-argument';
import type { EntrySerializer } from '../flush/entry-serializer';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import { assertPosition, type Position } from '../journal/position';
import { FilesReader } from './files-reader';

/** How a journal's file is read. */
export interface ReadJournalOptions<T> {
  /** Emit what lies behind this position. Default: all there is, also of a journal whose oldest segments were retired. */
  readonly after?: Position;
  /** Go on with what a writer, in this process or another, appends; never completes. @default false */
  readonly follow?: boolean;
  /** What positions that start again at 1 are, as in files of the reference implementation: damage, or a further run to be numbered on. @default 'reject' */
  readonly restarts?: 'reject' | 'renumber';
  /** How lines become entries. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** Any synchronous Standard Schema validator: an entry becomes its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
}

/**
 * Reads a journal's files without opening them for writing; needs no lock, so it may be read while it is written and rotated.
 *
 * Completes behind the last line; one that a crash cut short is left out (`follow`: waited for). Errors with {@link CorruptJournalError} on
 * damage, behind the entries before it, with {@link PositionTrimmedError} when `after` is given and what comes behind it was retired, and with
 * the system's error when the file is missing or cannot be read.
 *
 * @throws RangeError when `after` is no position, TypeError for another `restarts`
 * @example
 * ```ts
 * for await (const { position, entry } of readJournal<ChatEntry>('data/chat.ndjson', { follow: true })) show(position, entry);
 * ```
 */
export function readJournal<T>(filePath: string, options: ReadJournalOptions<T> = {}): JournalStream<T> {
  const { after, follow = false, restarts = 'reject', serializer = new JsonEntrySerializer<T>(), schema } = options;
  if (after !== undefined) assertPosition('after', after);
  assertOneOf('restarts', restarts, ['reject', 'renumber']);
  return pagedStream((signal) =>
    new FilesReader<T>({ filePath, serializer, schema, restarts }, after, follow, signal).pages(),
  );
}
