import { toJson } from '../../flush/json-entry-serializer';
import { assertReadsBack, validateEntry, type Reading } from '../../flush/validate-entry';
import { END } from '../../journal/position';

/**
 * The JSON of the schema's output for an entry, as it is sent.
 *
 * @throws {@link EntryValidationError} and {@link SerializationError} for an entry that cannot be journaled
 */
export function encodeEntry<T>(reading: Reading<T>, entry: T): string {
  const { schema, upgrade } = reading;
  if (!schema && !upgrade) return toJson(entry);
  const json = toJson(schema ? validateEntry(schema, entry) : entry);
  assertReadsBack(reading, JSON.parse(json), END, (again) => toJson(again) === json);
  return json;
}
