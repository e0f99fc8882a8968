import { START, type Position, type Positioned } from '../../journal/position';
import { LineReader, type LineFormat } from '../lines/line-reader';
import { misfit, type Segment } from './segment';
import { segmentPages } from './segment-pages';
import type { Segments } from './segments';
import { Slots } from './slots';
import { SparseIndex } from './sparse-index';

/** Compressed, a page costs reading from the beginning: fewer and larger ones then. */
const COMPRESSED_PAGE_BYTES = 8 * 1024 * 1024;
const COMPRESSED_PAGE = 50_000;
/** Forward, which is how whole journals are read, they are larger still. */
const COMPRESSED_PAGE_AHEAD_BYTES = 4 * COMPRESSED_PAGE_BYTES;
/** So many pages are read at once, of however many readers. */
const READS = 8;

/** Reads pages of the journal that segments hold; nothing is open between two of them. */
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
      const last = index.beyond(after + 1, COMPRESSED_PAGE_AHEAD_BYTES) - 1;
      for await (const records of this.scan(segment, after)) {
        if (!segment.compressed) return records;
        for (const record of records) page.push(record);
        if (page.length >= COMPRESSED_PAGE || page.at(-1)!.position >= last) break;
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
      const { from, end } = index.around(position, segment.compressed ? COMPRESSED_PAGE_BYTES : 0)!;
      const page: Positioned<T>[] = [];
      for await (const records of this.scan(segment, from.position - 1, end)) {
        for (const record of records) if (record.position <= position) page.push(record);
      }
      if (page.at(-1)?.position !== position) throw misfit(segment, page.at(-1)?.position ?? from.position - 1);
      return page;
    });
  }

  /** Reads the segment that a position is in; throws {@link PositionTrimmedError} where it was retired before it could be opened. */
  #with<R>(position: Position, read: (segment: Segment, index: SparseIndex) => Promise<R>): Promise<R> {
    return this.#slots.run(async () => {
      const segment = this.#segments.with(position);
      try {
        await this.#index(segment);
        return await read(segment, segment.index!);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#segments.with(position);
        throw error;
      }
    });
  }

  /** Every record of a segment after a position, up to an offset; a closed one that is read to its end is known from then on. */
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
    if (segment.last === Infinity) segment.last = lines.last;
    if (segment.last !== lines.last) throw misfit(segment, lines.last);
    segment.index ??= index;
  }

  /** Has a segment that was never read gone over, for its places. */
  async #index(segment: Segment): Promise<void> {
    if (segment.index !== undefined) return;
    const pages = this.scan(segment, Infinity);
    while (!(await pages.next()).done);
  }
}
