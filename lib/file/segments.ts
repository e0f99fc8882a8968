import { stat } from 'node:fs/promises';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import type { Position } from '../journal/position';
import { findSegments, type Manifest } from './manifest';
import type { Segment } from './segment';

/** The files that hold a journal: the closed segments, oldest first, and the active one. */
export class Segments {
  constructor(
    readonly closed: Segment[],
    public active: Segment,
  ) {}

  /** The oldest position that is kept, `last + 1` when there is none. */
  get first(): Position {
    return (this.closed[0] ?? this.active).first;
  }

  get last(): Position {
    return this.active.last;
  }

  /** The segment that a position up to `last` is in; throws {@link PositionTrimmedError} when none is. */
  with(position: Position): Segment {
    if (position < this.first) throw new PositionTrimmedError(position, this.first);
    if (position >= this.active.first) return this.active;
    const index = this.closed.findLastIndex(({ first }) => first <= position);
    const segment = this.closed[index]!;
    if (position <= segment.last) return segment;
    // What came behind it was taken away.
    throw new PositionTrimmedError(position, (this.closed[index + 1] ?? this.active).first);
  }
}

/** The closed segments beside a journal's file; rejects with {@link CorruptJournalError} when one is not there that is on record. */
export async function closedSegments(
  filePath: string,
  { first: oldest, segments }: Manifest,
): Promise<(Segment & { readonly bytesOnDisk: number })[]> {
  const found = (await findSegments(filePath)).filter(({ first }) => first >= oldest);
  const missing = segments.find((first) => first >= oldest && !found.some((segment) => segment.first === first));
  if (missing !== undefined) {
    const reason = `the segment that begins with position ${missing} is missing`;
    throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
  }
  return Promise.all(
    found.map(async ({ first, filePath, compressed }, index) => {
      const { ino, size, birthtimeMs } = await stat(filePath, { bigint: true });
      const last = (found[index + 1]?.first ?? Infinity) - 1;
      const bytesOnDisk = Number(size);
      const bytes = compressed ? Infinity : bytesOnDisk;
      const bornMs = Number(birthtimeMs);
      return { filePath, ino, first, last, bytes, bytesOnDisk, compressed, bornMs, index: undefined };
    }),
  );
}
