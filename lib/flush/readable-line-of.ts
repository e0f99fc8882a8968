import { SerializationError } from '../errors/serialization-error';
import type { Positioned } from '../journal/position';
import type { EntrySerializer } from './entry-serializer';
import { isOwn } from './json-entry-serializer';
import { assertReadsBack, type Reading } from './validate-entry';

/** Makes the line of a record; its group may continue in the next one. Throws {@link SerializationError}. */
export type LineOf<T> = (record: Positioned<T>, isContinued: boolean) => string;

/** Makes lines, each of which is read back as the entry it was made from. */
export function readableLineOf<T>(make: LineOf<T>, serializer: EntrySerializer<T>, reading: Reading<T>): LineOf<T> {
  if (!reading.schema && !reading.upgrade) return make;
  // A custom serializer may write different lines for equal entries, for example if it encrypts.
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
