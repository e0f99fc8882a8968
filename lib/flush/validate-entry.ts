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

/** What is made of an entry when it is read. */
export interface Reading<T> {
  readonly schema?: StandardSchemaV1<unknown, T> | undefined;
  /** Brings an entry that was written in an earlier shape to the present one; before the schema sees it. */
  readonly upgrade?: ((entry: unknown, position: Position) => T) | undefined;
}

/**
 * What becomes of an entry that a journal holds.
 *
 * @param source - what holds it: the file, or the database
 * @throws {@link SchemaMismatchError} when the schema refuses the entry, what {@link validateEntry} throws else, and what `upgrade` throws
 */
export function readEntry<T>({ schema, upgrade }: Reading<T>, entry: unknown, source: string, position: Position): T {
  const upgraded = upgrade ? upgrade(entry, position) : entry;
  if (!schema) return upgraded as T;
  try {
    return validateEntry(schema, upgraded);
  } catch (error) {
    if (!(error instanceof EntryValidationError)) throw error;
    throw new SchemaMismatchError({ source, position, issues: error.issues }, { cause: error });
  }
}

/**
 * Refuses an entry that would not be read as the same: a position holds one entry, today and after the next opening.
 *
 * @param read - the entry as it will be read back, before `upgrade` and the schema have seen it
 * @param isSame - whether what they make of that is the entry that is written
 * @throws {@link EntryValidationError}
 */
export function assertReadsBack<T>(
  reading: Reading<T>,
  read: unknown,
  position: Position,
  isSame: (entry: T) => boolean,
): void {
  let entry;
  try {
    entry = readEntry(reading, read, 'the journal', position);
  } catch (error) {
    if (!(error instanceof SchemaMismatchError)) throw error;
    const message = 'the schema does not accept what it gave, as it is read back';
    throw new EntryValidationError([{ message: `${message}: ${describeIssues(error.issues)}` }]);
  }
  if (isSame(entry)) return;
  const [who, what] = reading.upgrade ? ['`upgrade` or the schema', 'what is written'] : ['the schema', 'what it gave'];
  throw new EntryValidationError([{ message: `${who} makes another entry of ${what}` }]);
}
