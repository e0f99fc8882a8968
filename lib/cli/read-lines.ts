import { readJournal, type ReadJournalOptions } from '../file/read-journal';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { JournalStream } from '../journal/journal-stream';
import { parseLine, type JournalLine } from './journal-line';

/** `readJournal`, whose entries are the lines themselves. */
export function readLines(
  filePath: string,
  options?: Omit<ReadJournalOptions<JournalLine>, 'serializer' | 'schema'>,
): JournalStream<JournalLine> {
  // Still the journal's own format, whose torn end is told from damage.
  const serializer = Object.assign(new JsonEntrySerializer<JournalLine>(), {
    deserialize(text: string) {
      const line = parseLine(text);
      return { position: line.position, entry: line };
    },
  });
  return readJournal(filePath, { ...options, serializer });
}
