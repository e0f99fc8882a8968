import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { START, type Position, type Positioned } from '../../journal/position';
import type { AppendFile } from './append-file';
import { LineReader, type LineFormat } from '../lines/line-reader';
import type { Segment } from './segment';

/** Receives the records that are read at the opening. */
export type Accept<T> = (records: readonly Positioned<T>[]) => void;

/**
 * Reads the active segment, notes its extent, and cuts off its torn end.
 *
 * @param accept - without it, lines are not parsed
 * @param atLeast - a position that it holds according to the record; rejects with {@link CorruptJournalError} if it ends before that, at the end of a line
 * @returns how many bytes were cut off
 */
export async function recoverSegment<T>(
  active: Segment,
  file: AppendFile,
  format: LineFormat<T>,
  accept: Accept<T> | undefined,
  progress: (bytes: number) => void,
  atLeast: Position,
): Promise<number> {
  const lines = new LineReader<T>(format, { lines: 0, position: active.first - 1 }, active.index);
  let truncatedBytes = 0;
  for await (const block of file.blocks(lines.isForeign)) {
    const { zeros = 0 } = block;
    if (block.whole) {
      const records: Positioned<T>[] = [];
      lines.read(block, records, accept ? START : Infinity);
      accept?.(records);
    } else {
      const end = lines.end(block);
      truncatedBytes = block.byteOffset + block.bytes.length + zeros - end.byteOffset;
      if (truncatedBytes > 0) {
        await file.truncate(end.byteOffset);
        active.index!.cut(end.byteOffset);
      }
      if (!end.newline) await file.append([Buffer.from('\n')]);
      accept?.(end.records);
    }
    progress(block.bytes.length + zeros);
  }
  // A crash may have torn the end, whatever the record says.
  if (truncatedBytes === 0) assertReaches(active, lines.last, atLeast);
  active.last = lines.last;
  active.bytes = file.bytes;
  return truncatedBytes;
}

function assertReaches({ filePath, first }: Segment, last: Position, atLeast: Position): void {
  if (last >= atLeast) return;
  const reason = `the journal ends with position ${last}, and ${atLeast} is on record`;
  throw new CorruptJournalError({ filePath, line: last - first + 2, byteOffset: 0, reason });
}
