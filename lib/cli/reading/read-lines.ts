import type { Readable } from 'node:stream';
import { FilesReader } from '../../file/follow/files-reader';
import { LineReader, type LineFormat } from '../../file/lines/line-reader';
import { blocksOf } from '../../file/disk/read-blocks';
import { JsonEntrySerializer } from '../../flush/json-entry-serializer';
import type { JournalStream } from '../../journal/journal-stream';
import { pagedStream } from '../../journal/paged-stream';
import { START, type Position, type Positioned } from '../../journal/position';
import { parseLine, type JournalLine } from './journal-line';
import { openSource, sourceError, type Source } from './source';

/** Which lines are read, and how. */
export interface ReadLinesOptions extends Pick<LineFormat<JournalLine>, 'restarts' | 'onTorn'> {
  /** Only those after this position; default: all. */
  readonly after?: Position | undefined;
  readonly follow?: boolean;
  /** Read instead of the path. */
  readonly source?: Source | undefined;
}

/** `readJournal`, whose entries are the lines themselves; also reads pipes, closed segments and compressed files. */
export function readLines(
  filePath: string,
  stdin: Readable,
  { after, follow = false, source: given, ...options }: ReadLinesOptions = {},
): JournalStream<JournalLine> {
  // Still the journal's own format, so that a torn end is distinguished from damage.
  const serializer = Object.assign(new JsonEntrySerializer<JournalLine>(), {
    deserialize(text: string) {
      const line = parseLine(text);
      return { position: line.position, entry: line };
    },
  });
  const format = { filePath, serializer, ...options };
  return pagedStream(async function* (signal) {
    const source = given ?? (await openSource(filePath, stdin));
    if (source) yield* sourcePages(source, format, after, signal);
    else yield* new FilesReader(format, after, follow, signal).pages();
  });
}

async function* sourcePages(
  source: Source,
  options: LineFormat<JournalLine>,
  after: Position = START,
  signal: AbortSignal,
): AsyncGenerator<readonly Positioned<JournalLine>[], void> {
  const leave = () => source.close();
  signal.addEventListener('abort', leave);
  const format = { ...options, filePath: source.name, groupsAreWhole: source.first !== undefined };
  const { isForeign } = new LineReader(format);
  let lines: LineReader<JournalLine> | undefined;
  try {
    for await (const block of blocksOf(source.bytes, { isForeign, prompt: true })) {
      const begin = source.first ?? (format.restarts === 'renumber' ? 1 : firstPosition(block.bytes));
      lines ??= new LineReader(format, { lines: 0, position: begin - 1 });
      const records: Positioned<JournalLine>[] = [];
      let damage: { readonly error: unknown } | undefined;
      try {
        if (block.whole) lines.read(block, records);
        else {
          const end = lines.end(block);
          records.push(...end.records);
          const torn = block.byteOffset + block.bytes.length + (block.zeros ?? 0) - end.byteOffset;
          if (torn > 0) format.onTorn?.(torn);
        }
      } catch (error) {
        damage = { error };
      }
      const newer = records.filter(({ position }) => position > after);
      if (newer.length > 0) yield newer;
      if (damage) throw damage.error;
    }
  } catch (error) {
    if (!signal.aborted) throw sourceError(source, (lines?.lines ?? 0) + 1, error);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** A pipe may begin anywhere in a journal. */
function firstPosition(bytes: Buffer): Position {
  const newline = bytes.indexOf('\n');
  try {
    return parseLine(bytes.toString('utf8', 0, newline < 0 ? bytes.length : newline)).position;
  } catch {
    return 1;
  }
}
