import { SerializationError } from '../errors/serialization-error';
import type { Positioned } from '../journal/position';

/**
 * Turns records into lines of text and back.
 *
 * No beginning of a line may itself be a line (a JSON object keeps to that by its closing brace): that is how a line that a crash cut
 * short is distinguished from a whole one. What follows the last newline and cannot be deserialized is taken for one, in a file that holds
 * whole lines before.
 */
export interface EntrySerializer<T> {
  /** One line, without a newline in it; throws for a record that cannot be one. */
  readonly serialize: (record: Positioned<T>) => string;
  /** The record of a line; throws {@link CorruptEntryError} for a line that is none of its own. */
  deserialize(line: string): Positioned<T>;
}

/** The line of a record; throws {@link SerializationError} when there is none. */
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
