import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  assertFunction,
  assertMethods,
  assertOneOf,
  assertOptions,
  assertSchema,
  shown,
} from '../errors/assert-argument';
import type { EntrySerializer } from '../flush/entry-serializer';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import { assertPosition, type Position } from '../journal/position';
import { absolutePathOf } from './disk/file-path';
import { FilesReader } from './follow/files-reader';

/** How a journal's file is read. */
export interface ReadJournalOptions<T> {
  /** Emit what comes after this position. Default: all there is, also of a journal whose oldest segments were retired. */
  readonly after?: Position;
  /** Continue with what a writer, in this process or another, appends; never completes. @default false */
  readonly follow?: boolean;
  /** With `follow`: wait for a file that is not there yet, and for its folder. @default false */
  readonly waitForFile?: boolean;
  /** How to treat positions that start again at 1, as in files of the reference implementation: as damage, or as a further run that is renumbered. @default 'reject' */
  readonly restarts?: 'reject' | 'renumber';
  /** How lines become entries. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /** Any synchronous Standard Schema validator: an entry becomes its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** Converts an entry that was written in an earlier shape to the present one. Runs before the schema. */
  readonly upgrade?: (entry: unknown, position: Position) => T;
}

const OPTIONS: Record<keyof ReadJournalOptions<never>, true> = {
  ...{ after: true, follow: true, waitForFile: true, restarts: true, serializer: true, schema: true, upgrade: true },
};

/**
 * Reads a journal's files without opening them for writing. Needs no lock, so a journal can be read while it is written and rotated.
 *
 * With `after`, reading begins close before it, found by bisecting the file: earlier entries are neither read nor checked.
 *
 * Completes after the last line and leaves out one that a crash cut short (`follow`: waits for the rest). Errors with {@link CorruptJournalError} on
 * damage, after the entries before it, with {@link PositionTrimmedError} if `after` is given and the entries after it were retired, and with
 * the system's error if the file cannot be read, or is missing without `waitForFile`.
 *
 * @param file - a path or a `file:` URL
 * @throws RangeError if `after` is not a position, TypeError for other invalid arguments
 * @example
 * ```ts
 * for await (const { position, entry } of readJournal<ChatEntry>('data/chat.ndjson', { follow: true })) show(position, entry);
 * ```
 */
export function readJournal<T>(file: string | URL, options: ReadJournalOptions<T> = {}): JournalStream<T> {
  const filePath = absolutePathOf('filePath', file);
  assertOptions('readJournal', options, OPTIONS);
  const {
    after,
    follow = false,
    waitForFile = false,
    restarts = 'reject',
    serializer = new JsonEntrySerializer<T>(),
    schema,
    upgrade,
  } = options;
  if (after !== undefined) assertPosition('after', after);
  if (typeof follow !== 'boolean') throw new TypeError(`Expected \`follow\` to be true or false, got ${shown(follow)}`);
  if (typeof waitForFile !== 'boolean' || (waitForFile && !follow))
    throw new TypeError(
      `Expected \`waitForFile\` to be true or false, and \`follow\` with it, got ${shown(waitForFile)}`,
    );
  assertMethods('serializer', serializer, ['serialize', 'deserialize']);
  if (schema !== undefined) assertSchema(schema);
  if (upgrade !== undefined) assertFunction('upgrade', upgrade);
  assertOneOf('restarts', restarts, ['reject', 'renumber']);
  return pagedStream((signal) =>
    new FilesReader<T>({ filePath, serializer, schema, upgrade, restarts }, after, follow, signal).pages(waitForFile),
  );
}
