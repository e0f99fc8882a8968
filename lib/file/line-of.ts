import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SerializationError } from '../errors/serialization-error';
import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import { assertReadsBack } from '../flush/validate-entry';
import type { Positioned } from '../journal/position';
import { withChecksum } from './checksum';
import { continuedLine } from './group-line';
import { isOwn } from './is-line-beginning';

/** Makes the line of a record, whose group goes on in the next one or does not; throws {@link SerializationError}. */
export type LineOf<T> = (record: Positioned<T>, isContinued: boolean) => string;

/** How records become lines; only the journal's own serializer's have a mark for groups, and checksums. */
export function lineOf<T>(serializer: EntrySerializer<T>, checksum?: 'crc32'): LineOf<T> {
  if (!isOwn(serializer)) return (record) => toLine(serializer, record);
  return (record, isContinued) => {
    const line = serializer.serialize(record);
    const checked = checksum ? withChecksum(line) : line;
    return isContinued ? continuedLine(checked) : checked;
  };
}

/** Makes lines of what a schema gave, each of which it reads as the entry that it is made of. */
export function readableLineOf<T>(
  make: LineOf<T>,
  serializer: EntrySerializer<T>,
  schema: StandardSchemaV1<unknown, T> | undefined,
): LineOf<T> {
  if (!schema) return make;
  // Another one's lines need not be the same for equal entries: one that encrypts, say.
  const own = isOwn(serializer);
  return (record, isContinued) => {
    const line = make(record, isContinued);
    const { position } = record;
    assertReadsBack(
      schema,
      entryOf(serializer, line),
      (entry) => !own || make({ position, entry }, isContinued) === line,
    );
    return line;
  };
}

function entryOf<T>(serializer: EntrySerializer<T>, line: string): T {
  try {
    return serializer.deserialize(line).entry;
  } catch (cause) {
    throw new SerializationError('the serializer cannot read its own line', { cause });
  }
}
