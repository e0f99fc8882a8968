import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SerializationError } from '../errors/serialization-error';
import type { Positioned } from '../journal/position';
import type { EntrySerializer } from './entry-serializer';
import { isOwn } from './json-entry-serializer';
import { assertReadsBack } from './validate-entry';

/** Makes the line of a record, whose group goes on in the next one or does not; throws {@link SerializationError}. */
export type LineOf<T> = (record: Positioned<T>, isContinued: boolean) => string;

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
