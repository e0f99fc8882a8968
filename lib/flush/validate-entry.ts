import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeIssues, EntryValidationError } from '../errors/entry-validation-error';
import { SchemaMismatchError } from '../errors/schema-mismatch-error';
import type { Position } from '../journal/position';

/**
 * The schema's output for an entry.
 *
 * @throws {@link EntryValidationError} if it refuses the entry, TypeError if it returns a promise
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

/** How an entry is transformed when it is read. */
export interface Reading<T> {
  readonly schema?: StandardSchemaV1<unknown, T> | undefined;
  /** Converts an entry that was written in an earlier shape to the present one; runs before the schema. */
  readonly upgrade?: ((entry: unknown, position: Position) => T) | undefined;
}

/**
 * The entry that readers get for a stored one.
 *
 * @param source - what holds it: the file, or the database
 * @throws {@link SchemaMismatchError} if the schema refuses the entry, other errors of {@link validateEntry}, and what `upgrade` throws
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
 * Refuses an entry that would be read back as a different one: a position holds the same entry now and after the next opening.
 *
 * @param read - the entry as it will be read back, before `upgrade` and the schema
 * @param isSame - whether the result of both equals the entry that is written
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
