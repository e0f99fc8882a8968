import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import type { Position, Positioned } from '../../journal/position';
import type { LineReader } from '../lines/line-reader';
import { readSegment, type SegmentFile } from './segment';

/** Which part of a segment is read. */
export interface Stretch {
  /** Records up to this position are skipped. */
  readonly after: Position;
  readonly byteOffset: number;
  /** The end of a line, or of the segment. */
  readonly end: number;
}

/** The records in a range of a segment, a page at a time; after the records before damage it throws {@link CorruptJournalError}. */
export async function* segmentPages<T>(
  segment: SegmentFile,
  lines: LineReader<T>,
  { after, byteOffset, end }: Stretch,
): AsyncGenerator<readonly Positioned<T>[], void> {
  const damage = (byteOffset: number, reason: string, options?: ErrorOptions) =>
    new CorruptJournalError({ filePath: segment.filePath, line: lines.lines + 1, byteOffset, reason }, options);
  try {
    for await (const block of readSegment(segment, { byteOffset, end, isForeign: lines.isForeign })) {
      if (!block.whole && (block.bytes.length > 0 || block.zeros !== undefined))
        throw damage(block.byteOffset, block.reason ?? 'a closed segment ends in a torn line');
      const records: Positioned<T>[] = [];
      try {
        if (block.whole) lines.read(block, records, after);
      } finally {
        const isAll = records[0] === undefined || records[0].position > after;
        const newer = isAll ? records : records.filter(({ position }) => position > after);
        if (newer.length > 0) yield newer;
      }
    }
  } catch (error) {
    const isUnpacking = String((error as NodeJS.ErrnoException | undefined)?.code).startsWith('Z_');
    throw isUnpacking ? damage(0, 'it cannot be decompressed', { cause: error }) : error;
  }
}
