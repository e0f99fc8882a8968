import { SerializationError } from '../errors/serialization-error';
import type { Positioned } from '../journal/position';

/**
 * Turns records into lines of text and back.
 *
 * No beginning of a line may itself be a line (the closing brace of a JSON object ensures that): that is how a line that a crash cut
 * short is distinguished from a whole one. In a file with at least one whole line, text after the last newline that cannot be deserialized counts
 * as a line that was cut short.
 */
export interface EntrySerializer<T> {
  /** One line, without a newline; throws if the record cannot be written as one. */
  readonly serialize: (record: Positioned<T>) => string;
  /** The record of a line; throws {@link CorruptEntryError} for a line that it did not write. */
  deserialize(line: string): Positioned<T>;
}

/** The line of a record; throws {@link SerializationError} if it has none. */
export function toLine<T>(serializer: EntrySerializer<T>, record: Positioned<T>): string {
  let line: unknown;
  try {
    line = serializer.serialize(record);
  } catch (cause) {
    if (cause instanceof SerializationError) throw cause;
    throw new SerializationError('the serializer threw', { cause });
  }
  if (typeof line !== 'string') throw new SerializationError(`the serializer gave ${typeof line}, not a line`);
  if (line.includes('\n')) throw new SerializationError('its line has a newline in it');
  return line;
}
