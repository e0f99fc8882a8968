import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { Position } from '../journal/position';
import { parseLine, type JournalLine } from './journal-line';

const UP_TO_POSITION = /^(\s*\{\s*"schemaVersion"\s*:\s*"1"\s*,\s*"position"\s*:\s*)\d+(?=\s*[,}])/;

const serializer = new JsonEntrySerializer<unknown>();

/** The text of a line at another position; the entry's JSON stays as it is, with numbers that JavaScript would round. */
export function renumbered({ text, entry, position }: JournalLine, next: Position): string {
  if (position === next) return text;
  const changed = text.replace(UP_TO_POSITION, (_, head: string) => head + next);
  // Laid out otherwise, or with a second position behind the first.
  return changed !== text && parseLine(changed).position === next
    ? changed
    : serializer.serialize({ position: next, entry });
}
