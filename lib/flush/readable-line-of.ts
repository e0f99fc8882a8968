import { SerializationError } from '../errors/serialization-error';
import type { Positioned } from '../journal/position';
import type { EntrySerializer } from './entry-serializer';
import { isOwn } from './json-entry-serializer';
import { assertReadsBack, type Reading } from './validate-entry';

/** Makes the line of a record, whose group continues in the next one or does not; throws {@link SerializationError}. */
export type LineOf<T> = (record: Positioned<T>, isContinued: boolean) => string;

/** Makes lines each of which is read as the entry that it is made of. */
export function readableLineOf<T>(make: LineOf<T>, serializer: EntrySerializer<T>, reading: Reading<T>): LineOf<T> {
  if (!reading.schema && !reading.upgrade) return make;
  // Another one's lines need not be the same for equal entries: one that encrypts, say.
  const own = isOwn(serializer);
  return (record, isContinued) => {
    const line = make(record, isContinued);
    const { position } = record;
    assertReadsBack(
      reading,
      entryOf(serializer, line),
      position,
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
