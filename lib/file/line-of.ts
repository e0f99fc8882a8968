import { toLine, type EntrySerializer } from '../flush/entry-serializer';
import type { Positioned } from '../journal/position';
import { withChecksum } from './checksum';
import { continuedLine } from './group-line';
import { isOwn } from './is-line-beginning';

/** Makes the line of a record, whose group goes on in the next one or does not; throws {@link SerializationError}. */
export type LineOf<T> = (record: Positioned<T>, isContinued: boolean) => string;

/** How records become lines; only the journal's own serializer's have a mark for groups, and checksums. */
export function lineOf<T>(serializer: EntrySerializer<T>, checksum?: 'crc32'): LineOf<T> {
  if (!isOwn(serializer)) return (record) => toLine(serializer, record);
  return (record, isContinued) => {
    const line = serializer.serialize(record);
    const checked = checksum ? withChecksum(line) : line;
    return isContinued ? continuedLine(checked) : checked;
  };
}
