import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import { isOwn } from '../flush/json-entry-serializer';
import type { LineOf } from '../flush/readable-line-of';
import { withChecksum } from './checksum';
import { continuedLine } from './group-line';

/** How records become lines; only the journal's own serializer's have a mark for groups, and checksums. */
export function lineOf<T>(serializer: EntrySerializer<T>, checksum?: 'crc32'): LineOf<T> {
  if (!isOwn(serializer)) return (record) => toLine(serializer, record);
  return (record, isContinued) => {
    const line = serializer.serialize(record);
    const checked = checksum ? withChecksum(line) : line;
    return isContinued ? continuedLine(checked) : checked;
  };
}
