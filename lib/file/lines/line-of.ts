import { SerializationError } from '../../errors/serialization-error';
import { toLine, type EntrySerializer } from '../../flush/entry-serializer';
import { isOwn } from '../../flush/json-entry-serializer';
import type { LineOf } from '../../flush/readable-line-of';
import { withChecksum } from './checksum';
import { continuedLine } from './group-line';
import { MAX_LINE_BYTES } from '../disk/read-blocks';

/** How records become lines; only lines of the journal's own serializer have marks for groups, and checksums. */
export function lineOf<T>(serializer: EntrySerializer<T>, checksum?: 'crc32'): LineOf<T> {
  if (!isOwn(serializer)) return (record) => readable(toLine(serializer, record));
  return (record, isContinued) => {
    const line = serializer.serialize(record);
    const checked = checksum ? withChecksum(line) : line;
    return readable(isContinued ? continuedLine(checked) : checked);
  };
}

/** The longest line that can be read again; a character takes at most three bytes. */
function readable(line: string): string {
  if (line.length >= MAX_LINE_BYTES / 3 && Buffer.byteLength(line) >= MAX_LINE_BYTES)
    throw new SerializationError(`its line is longer than ${MAX_LINE_BYTES} bytes`);
  return line;
}
