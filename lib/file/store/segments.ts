import { stat } from 'node:fs/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { PositionTrimmedError } from '../../errors/position-trimmed-error';
import type { Position } from '../../journal/position';
import { segmentsAmong, type Manifest } from './manifest';
import type { Segment } from './segment';

/** The files that hold a journal: the closed segments, oldest first, and the active one. */
export class Segments {
  constructor(
    readonly closed: Segment[],
    public active: Segment,
  ) {}

  /** The oldest position kept; `last + 1` if none is kept. */
  get first(): Position {
    return (this.closed[0] ?? this.active).first;
  }

  get last(): Position {
    return this.active.last;
  }

  /** The segment that a position up to `last` is in; throws {@link PositionTrimmedError} if there is none. */
  with(position: Position): Segment {
    if (position < this.first) throw new PositionTrimmedError(position, this.first);
    if (position >= this.active.first) return this.active;
    const index = this.before(position + 1) - 1;
    const segment = this.closed[index]!;
    if (position <= segment.last) return segment;
    // What came after it was moved away.
    throw new PositionTrimmedError(position, (this.closed[index + 1] ?? this.active).first);
  }

  /** How many closed segments begin before a position. */
  before(position: Position): number {
    let low = 0;
    let high = this.closed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.closed[middle]!.first < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The closed segments beside a journal's file. */
export interface ClosedSegments {
  readonly closed: Segment[];
  /** Whether their number agrees with the record; if not, one does not end where the next begins. */
  readonly isWhole: boolean;
}

/** Finds them among the files beside it; rejects with {@link CorruptJournalError} if the first one is missing. */
export async function closedSegments(
  filePath: string,
  manifest: Manifest,
  files: readonly string[],
): Promise<ClosedSegments> {
  const { first: oldest, active, last = 0, closed: expected = 0 } = manifest;
  const found = segmentsAmong(filePath, files).filter(({ first }) => first >= oldest);
  if (expected > 0 && found[0]?.first !== oldest) {
    const reason = `the segment that begins with position ${oldest} is missing`;
    throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason });
  }
  const closed = await Promise.all(
    found.map(async ({ first, filePath, compressed }, index): Promise<Segment> => {
      const { ino, size, mtimeMs } = await stat(filePath, { bigint: true });
      const end = found[index + 1]?.first ?? (active !== undefined && first < active ? active : Infinity);
      const bytesOnDisk = Number(size);
      const bytes = compressed ? Infinity : bytesOnDisk;
      return {
        filePath,
        ino,
        first,
        last: end - 1,
        bytes,
        bytesOnDisk,
        mtimeMs: Number(mtimeMs),
        compressed,
        index: undefined,
      };
    }),
  );
  const recorded = found.filter(({ first }) => first < (active ?? last + 1)).length;
  return { closed, isWhole: recorded >= expected };
}
