import { withChecksum, withoutChecksum } from '../../file/lines/checksum';
import { continuedLine, isContinuedLine } from '../../file/lines/group-line';
import { JsonEntrySerializer } from '../../flush/json-entry-serializer';
import type { Position } from '../../journal/position';
import { parseLine, type JournalLine } from '../reading/journal-line';

const UP_TO_POSITION = /^(\s*\{\s*"schemaVersion"\s*:\s*"1"\s*,\s*"position"\s*:\s*)\d+(?=\s*[,}])/;

const serializer = new JsonEntrySerializer<unknown>();

/**
 * The text of a line at another position. The entry's JSON does not change, so numbers keep digits that JavaScript would round. What its end says stays
 * true: a checksum agrees, and a group continues.
 */
export function renumbered({ text, entry, position }: JournalLine, next: Position): string {
  if (position === next) return text;
  const bare = withoutChecksum(text);
  const isContinued = isContinuedLine(bare);
  const changed = moved(isContinued ? `${bare.slice(0, -2)}}` : bare, entry, next);
  const checked = bare === text ? changed : withChecksum(changed);
  return isContinued ? continuedLine(checked) : checked;
}

function moved(text: string, entry: unknown, next: Position): string {
  const changed = text.replace(UP_TO_POSITION, (_, head: string) => head + next);
  // Formatted differently, or with a second position after the first.
  return changed !== text && parseLine(changed).position === next
    ? changed
    : serializer.serialize({ position: next, entry });
}
