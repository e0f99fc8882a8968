import { START, type Positioned } from '../journal/position';
import type { AppendFile } from './append-file';
import { LineReader, type LineFormat } from './line-reader';
import type { Segment } from './segment';

/** Gets what is read at the opening. */
export type Accept<T> = (records: readonly Positioned<T>[]) => void;

/**
 * Reads the active segment, notes what it holds, and cuts off its torn end.
 *
 * @param accept - where it is left out, lines are not parsed
 * @returns how many bytes were cut off
 */
export async function recoverSegment<T>(
  active: Segment,
  file: AppendFile,
  format: LineFormat<T>,
  accept: Accept<T> | undefined,
  progress: (bytes: number) => void,
): Promise<number> {
  const lines = new LineReader<T>(format, { lines: 0, position: active.first - 1 }, active.index);
  let truncatedBytes = 0;
  for await (const block of file.blocks()) {
    if (block.whole) {
      const records: Positioned<T>[] = [];
      lines.read(block, records, accept ? START : Infinity);
      accept?.(records);
    } else {
      const end = lines.end(block);
      truncatedBytes = block.byteOffset + block.bytes.length - end.byteOffset;
      if (truncatedBytes > 0) {
        await file.truncate(end.byteOffset);
        active.index!.cut(end.byteOffset);
      }
      if (!end.newline) await file.append([Buffer.from('\n')]);
      accept?.(end.records);
    }
    progress(block.bytes.length);
  }
  active.last = lines.last;
  active.bytes = file.bytes;
  return truncatedBytes;
}
