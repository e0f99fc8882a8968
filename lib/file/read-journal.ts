import { open } from 'node:fs/promises';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertOneOf } from '../errors/assert-argument';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import type { EntrySerializer } from '../flush/entry-serializer';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import { assertPosition, START, type Position, type Positioned } from '../journal/position';
import { FileChanges } from './file-changes';
import { LineReader } from './line-reader';
import { readBlocks } from './read-blocks';

/** How a journal's file is read. */
export interface ReadJournalOptions<T> {
  /** Emit what lies behind this position. @default START */
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
 * Reads a journal's file without opening it for writing; needs no lock, so it may be read while it is written.
 *
 * Completes behind the last line; one that a crash cut short is left out (`follow`: waited for). Errors with {@link CorruptJournalError} on
 * damage, behind the entries before it, and with the system's error when the file is missing or cannot be read.
 *
 * @throws RangeError when `after` is no position, TypeError for another `restarts`
 * @example
 * ```ts
 * for await (const { position, entry } of readJournal<ChatEntry>('data/chat.ndjson', { follow: true })) show(position, entry);
 * ```
 */
export function readJournal<T>(
  filePath: string,
  {
    after = START,
    follow = false,
    restarts = 'reject',
    serializer = new JsonEntrySerializer<T>(),
    schema,
  }: ReadJournalOptions<T> = {},
): JournalStream<T> {
  assertPosition('after', after);
  assertOneOf('restarts', restarts, ['reject', 'renumber']);

  async function* pages(signal: AbortSignal): AsyncGenerator<readonly Positioned<T>[], void> {
    const file = await open(filePath, 'r');
    try {
      const lines = new LineReader<T>({ filePath, serializer, schema, restarts });
      const changes = follow ? new FileChanges(filePath, signal) : undefined;
      let byteOffset = 0;
      do {
        for await (const block of readBlocks(file, byteOffset)) {
          if (signal.aborted) return;
          const records: Positioned<T>[] = [];
          try {
            if (block.whole) lines.read(block, records);
            else if (!follow) records.push(...lines.end(block).records);
          } finally {
            const wanted = records.filter(({ position }) => position > after);
            if (wanted.length > 0) yield wanted;
          }
          byteOffset = block.whole ? byteOffset + block.bytes.length : (lines.dropGroup() ?? byteOffset);
        }
        await changes?.next();
        const { size } = await file.stat();
        if (size < byteOffset) {
          const reason = `the file was cut to ${size} bytes after ${byteOffset} were read`;
          throw new CorruptJournalError({ filePath, line: lines.last, byteOffset: size, reason });
        }
      } while (follow && !signal.aborted);
    } finally {
      await file.close();
    }
  }

  return pagedStream(pages);
}
