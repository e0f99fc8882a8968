import { START, type Position, type Positioned } from '../../journal/position';
import { MEMBER_BYTES } from '../disk/gzip-members';
import { LineReader, type LineFormat } from '../lines/line-reader';
import { membersOf, misfit, type Segment } from './segment';
import { segmentPages } from './segment-pages';
import type { Segments } from './segments';
import { Slots } from './slots';
import { SparseIndex } from './sparse-index';

/** The size of a page of a compressed segment in bytes, backward and forward; whole journals are read forward. */
const IN_MEMBERS = { before: MEMBER_BYTES, after: 4 * MEMBER_BYTES };
/** The size if decompression can only start at the beginning, as in files of other programs: each page costs everything before it, so pages are larger. */
const AS_A_WHOLE = { before: 8 * 1024 * 1024, after: 32 * 1024 * 1024 };
const COMPRESSED_PAGE = 50_000;
/** How many pages are read at once, for all readers together. */
const READS = 8;

/** Reads pages of the journal from its segments; no file stays open between two pages. */
export class PageReader<T> {
  readonly #format: LineFormat<T>;
  readonly #segments: Segments;
  readonly #slots = new Slots(READS);

  constructor(format: LineFormat<T>, segments: Segments) {
    this.#format = format;
    this.#segments = segments;
  }

  /** Records after a position, in order: as many as are read at once, and none where there are none. */
  async after(after: Position): Promise<readonly Positioned<T>[]> {
    if (after >= this.#segments.last) return [];
    return this.#with(after + 1, async (segment, index) => {
      const page: Positioned<T>[] = [];
      const end = segment.compressed ? index.beyond(after + 1, pageBytes(segment).after) : undefined;
      for await (const records of this.scan(segment, after, end)) {
        if (!segment.compressed) return records;
        for (const record of records) page.push(record);
        if (page.length >= COMPRESSED_PAGE) break;
      }
      if (page.length === 0) throw misfit(segment, after);
      return page;
    });
  }

  /** The records up to before a position, in order: as many as are read at once, and none where there are none. */
  async before(before: Position): Promise<readonly Positioned<T>[]> {
    const position = Math.min(before - 1, this.#segments.last);
    if (position < START + 1) return [];
    return this.#with(position, async (segment, index) => {
      const { from, end } = index.around(position, segment.compressed ? pageBytes(segment).before : 0)!;
      const page: Positioned<T>[] = [];
      for await (const records of this.scan(segment, from.position - 1, end)) {
        for (const record of records) if (record.position <= position) page.push(record);
      }
      if (page.at(-1)?.position !== position) throw misfit(segment, page.at(-1)?.position ?? from.position - 1);
      return page;
    });
  }

  /** Reads the segment that a position is in; throws {@link PositionTrimmedError} if it was retired before it could be opened. */
  #with<R>(position: Position, read: (segment: Segment, index: SparseIndex) => Promise<R>): Promise<R> {
    return this.#slots.run(async () => {
      const segment = this.#segments.with(position);
      try {
        await this.index(segment);
        return await read(segment, segment.index!);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#segments.with(position);
        throw error;
      }
    });
  }

  /** Every record of a segment after a position, up to an offset. Reading a closed segment to its end indexes it. */
  async *scan(segment: Segment, after: Position, end?: number): AsyncGenerator<readonly Positioned<T>[], void> {
    const { position, byteOffset } = segment.index?.around(after + 1)?.from ?? {
      position: segment.first,
      byteOffset: 0,
    };
    const index = segment.index === undefined ? new SparseIndex() : undefined;
    const isClosed = segment !== this.#segments.active;
    const format = { ...this.#format, filePath: segment.filePath, groupsAreWhole: true };
    const lines = new LineReader<T>(format, { lines: position - segment.first, position: position - 1 }, index);
    yield* segmentPages(segment, lines, { after, byteOffset, end: end ?? segment.bytes });
    if (end !== undefined || !isClosed) return;
    this.#know(segment, lines.last, index);
  }

  /** Finds where lines of a closed segment begin, and checks that it ends where it should: from its members, or by reading it. */
  async index(segment: Segment): Promise<void> {
    const members = await membersOf(segment);
    if (segment.index !== undefined) return;
    if (members?.total) {
      const index = new SparseIndex();
      for (const { lines, byteOffset } of members.members) index.note(segment.first + lines, byteOffset);
      this.#know(segment, segment.first + members.total.lines - 1, index);
      return;
    }
    const pages = this.scan(segment, Infinity);
    while (!(await pages.next()).done);
  }

  /** Throws if a closed segment does not end where it should. */
  #know(segment: Segment, last: Position, index: SparseIndex | undefined): void {
    if (segment.last === Infinity) segment.last = last;
    if (segment.last !== last) throw misfit(segment, last);
    segment.index ??= index;
  }
}

function pageBytes({ members }: Segment): { readonly before: number; readonly after: number } {
  return members?.total ? IN_MEMBERS : AS_A_WHOLE;
}
