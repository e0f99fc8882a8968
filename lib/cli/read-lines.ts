import { FilesReader } from '../file/files-reader';
import type { LineFormat } from '../file/line-reader';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import type { Position } from '../journal/position';
import { parseLine, type JournalLine } from './journal-line';

/** Which lines are read, and how. */
export interface ReadLinesOptions extends Pick<LineFormat<JournalLine>, 'restarts' | 'onTorn'> {
  /** Those after this position; default: all that there are. */
  readonly after?: Position | undefined;
  readonly follow?: boolean;
}

/** `readJournal`, whose entries are the lines themselves. */
export function readLines(
  filePath: string,
  { after, follow = false, ...format }: ReadLinesOptions = {},
): JournalStream<JournalLine> {
  // Still the journal's own format, whose torn end is told from damage.
  const serializer = Object.assign(new JsonEntrySerializer<JournalLine>(), {
    deserialize(text: string) {
      const line = parseLine(text);
      return { position: line.position, entry: line };
    },
  });
  return pagedStream((signal) => new FilesReader({ filePath, serializer, ...format }, after, follow, signal).pages());
}
