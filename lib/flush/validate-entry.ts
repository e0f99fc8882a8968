import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EntryValidationError } from '../errors/entry-validation-error';

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
