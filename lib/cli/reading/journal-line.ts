import { withoutChecksum } from '../../file/lines/checksum';
import { JsonEntrySerializer } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';

/** A line of a journal, unchanged, without its newline. */
export interface JournalLine {
  readonly text: string;
  /** The position in the line. */
  readonly position: Position;
  readonly entry: unknown;
}

const serializer = new JsonEntrySerializer<unknown>();

/** Reads a line, and verifies its checksum if it has one; throws {@link CorruptEntryError} if it is not a line of a journal. */
export function parseLine(text: string): JournalLine {
  const { position, entry } = serializer.deserialize(withoutChecksum(text));
  return { text, position, entry };
}

/** How many bytes a line takes, its newline included. */
export function lineBytes({ text }: JournalLine): number {
  return Buffer.byteLength(text) + 1;
}
