import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeIssues, EntryValidationError } from '../errors/entry-validation-error';
import { SchemaMismatchError } from '../errors/schema-mismatch-error';
import type { Position } from '../journal/position';

/**
 * What a schema makes of an entry.
 *
 * @throws {@link EntryValidationError} when it refuses the entry, TypeError when it answers with a promise
 */
export function validateEntry<T>(schema: StandardSchemaV1<unknown, T>, entry: unknown): T {
  const result = schema['~standard'].validate(entry);
  if ('then' in result) {
    result.then(undefined, () => undefined);
    throw new TypeError('Expected a synchronous `schema`, its validation gave a promise');
  }
  if (result.issues) throw new EntryValidationError(result.issues);
  return result.value;
}

/**
 * What a schema makes of an entry that a journal holds.
 *
 * @param source - what holds it: the file, or the database
 * @throws {@link SchemaMismatchError} when it refuses the entry, and what {@link validateEntry} throws else
 */
export function readEntry<T>(
  schema: StandardSchemaV1<unknown, T>,
  entry: unknown,
  source: string,
  position: Position,
): T {
  try {
    return validateEntry(schema, entry);
  } catch (error) {
    if (!(error instanceof EntryValidationError)) throw error;
    throw new SchemaMismatchError({ source, position, issues: error.issues }, { cause: error });
  }
}

/**
 * Refuses an entry that a schema gave, and would not read as the same: a position holds one entry, today and after the next opening.
 *
 * @param read - the entry as it will be read back, before the schema has seen it
 * @param isSame - whether what the schema makes of that is the entry that is written
 * @throws {@link EntryValidationError}
 */
export function assertReadsBack<T>(
  schema: StandardSchemaV1<unknown, T>,
  read: unknown,
  isSame: (entry: T) => boolean,
): void {
  const message = 'the schema does not accept what it gave, as it is read back';
  let entry;
  try {
    entry = validateEntry(schema, read);
  } catch (error) {
    if (!(error instanceof EntryValidationError)) throw error;
    throw new EntryValidationError([{ message: `${message}: ${describeIssues(error.issues)}` }]);
  }
  if (!isSame(entry)) throw new EntryValidationError([{ message: 'the schema makes another entry of what it gave' }]);
}
