import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { PositionTrimmedError } from '../../errors/position-trimmed-error';
import { START, type Position, type Positioned } from '../../journal/position';
import { CLOSE_BYTES, findPlace, placeFrom } from './find-place';
import { LineReader, type LineFormat } from '../lines/line-reader';
import { findSegments, loadManifest, type SegmentName } from '../store/manifest';
import type { GzipMembers } from '../disk/gzip-members';
import { readBlocks } from '../disk/read-blocks';
import { inodeOf, membersOf, type SegmentFile } from '../store/segment';
import { segmentPages } from '../store/segment-pages';
import { Slots } from '../store/slots';
import type { Place } from '../store/sparse-index';

const PAGE_BYTES = 256 * 1024;
/** How many entries make a page of a segment whose decompression can only start at its beginning: each page costs everything before it. */
const AS_A_WHOLE = 50_000;
/** How many pages are read at once, for all readers together. */
const READS = 8;
/** How often to retry: the writer may rename and compress files while they are opened. */
const ATTEMPTS = 50;
const PAUSE_MS = 5;

/** The file that holds a position. */
type Found =
  | { readonly kind: 'plain'; readonly filePath: string; readonly file: FileHandle; readonly first: Position }
  | { readonly kind: 'compressed'; readonly segment: SegmentName };

/**
 * Reads pages of a journal that another process writes and rotates. It knows nothing of the files beforehand: it finds a position by bisecting, among the
 * closed segments of the last listing.
 */
export class BesidePages<T> {
  readonly #format: LineFormat<T>;
  readonly #last: () => Position;
  readonly #slots = new Slots(READS);
  #first: Position;
  /** Where decompression of the listed segments can start, once it was asked for. */
  readonly #packed = new WeakMap<SegmentName, SegmentFile>();
  /** Kept until a position is not where the listing says. */
  #closed: readonly SegmentName[] | undefined;

  /** @param last - the last position to read */
  constructor(format: LineFormat<T>, first: Position, last: () => Position) {
    this.#format = { ...format, groupsAreWhole: true };
    this.#first = first;
    this.#last = last;
  }

  get last(): Position {
    return this.#last();
  }

  /** The oldest position known to be kept. */
  get first(): Position {
    return this.#first;
  }

  /** Records after a position, in order: as many as are read at once, and none where there are none. */
  readAfter(after: Position): Promise<readonly Positioned<T>[]> {
    const to = this.last;
    return this.#read(after + 1, to, (found) => this.#after(found, after, to));
  }

  /** The records up to before a position, in order: as many as are read at once, and none where there are none. */
  readBefore(before: Position): Promise<readonly Positioned<T>[]> {
    const position = Math.min(before - 1, this.last);
    return this.#read(position, position, (found) => this.#before(found, position));
  }

  /** Reads a page that holds a position, even if its file is moved meanwhile. */
  async #read(
    position: Position,
    last: Position,
    read: (found: Found) => Promise<Positioned<T>[]>,
  ): Promise<readonly Positioned<T>[]> {
    if (position > last || position <= START) return [];
    return this.#slots.run(async () => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        if (attempt > 1) this.#closed = undefined;
        if (attempt > 2) await delay(PAUSE_MS);
        let found: Found | undefined;
        try {
          found = await this.#find(position);
          if (found === undefined) continue;
          const page = await read(found);
          if (page.length > 0) return page;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        } finally {
          if (found?.kind === 'plain') await found.file.close();
        }
      }
      const reason = `position ${position} is missing`;
      throw new CorruptJournalError({ filePath: this.#format.filePath, line: 1, byteOffset: 0, reason });
    });
  }

  async #find(position: Position): Promise<Found | undefined> {
    const { filePath } = this.#format;
    const { first } = await loadManifest(filePath);
    this.#first = first;
    if (position < first) throw new PositionTrimmedError(position, first);
    const closed = (this.#closed ??= (await findSegments(filePath)).filter((segment) => segment.first >= first));
    const index = closed.findLastIndex((segment) => segment.first <= position);
    const segment = closed[index];
    if (index === closed.length - 1) {
      const active = await this.#openPlain(filePath);
      if (active && active.first <= position) return active;
      if (active?.kind === 'plain') await active.file.close();
    }
    if (segment?.compressed) return { kind: 'compressed', segment };
    return segment && this.#openPlain(segment.filePath);
  }

  /** `undefined` if it is missing or empty. */
  async #openPlain(filePath: string): Promise<Extract<Found, { kind: 'plain' }> | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(filePath, 'r');
      const begin = await placeFrom(file, 0, Infinity, this.#format);
      if (begin) return { kind: 'plain', filePath, file, first: begin.position };
    } catch (error) {
      await file?.close();
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    }
    await file.close();
    return undefined;
  }

  async #after(found: Found, after: Position, to: Position): Promise<Positioned<T>[]> {
    if (found.kind === 'compressed') return this.#unpackedAfter(found.segment, after, to);
    return this.#plain(found, (await this.#place(found, after + 1)) ?? beginningOf(found), after, to);
  }

  async #before(found: Found, position: Position): Promise<Positioned<T>[]> {
    const page =
      found.kind === 'compressed'
        ? await this.#unpackedBefore(found.segment, position)
        : await this.#plainBefore(found, position);
    // The position may be in a segment that was closed after the listing.
    return page.at(-1)?.position === position ? page : [];
  }

  async #plainBefore(found: Extract<Found, { kind: 'plain' }>, position: Position): Promise<Positioned<T>[]> {
    const place = (await this.#place(found, position)) ?? beginningOf(found);
    const from = place.byteOffset - CLOSE_BYTES;
    const earlier = from > 0 ? await placeFrom(found.file, from, place.byteOffset, this.#format) : beginningOf(found);
    return this.#plain(found, earlier ?? place, START, position);
  }

  async #place({ file, first }: { readonly file: FileHandle; readonly first: Position }, target: Position) {
    const { size } = await file.stat();
    return findPlace(file, { from: { byteOffset: 0, position: first }, end: size }, target, this.#format);
  }

  /** The records past one position and up to another: those that are read at once, or, where `after` is {@link START}, all. */
  async #plain(
    { file, filePath, first }: { readonly file: FileHandle; readonly filePath: string; readonly first: Position },
    from: Place,
    after: Position,
    to: Position,
  ): Promise<Positioned<T>[]> {
    const start = { lines: from.position - first, position: from.position - 1 };
    const lines = new LineReader<T>({ ...this.#format, filePath }, start);
    const page: Positioned<T>[] = [];
    const { isForeign } = lines;
    for await (const block of readBlocks(file, { byteOffset: from.byteOffset, blockBytes: PAGE_BYTES, isForeign })) {
      if (!block.whole) {
        if (block.reason !== undefined) lines.end(block);
        break;
      }
      try {
        lines.read(block, page, after);
      } catch (error) {
        // The next page begins with it.
        if (page.length === 0 || (after === START && lines.last < to)) throw error;
        break;
      }
      if (lines.last >= to || (after > START && page.length > 0)) break;
    }
    return page.filter(({ position }) => position <= to);
  }

  async #unpackedAfter(name: SegmentName, after: Position, to: Position): Promise<Positioned<T>[]> {
    const [segment, members] = await this.#unpacking(name);
    const hasMembers = members.total !== undefined;
    const last = hasMembers ? to : Math.min(to, after + AS_A_WHOLE);
    const page: Positioned<T>[] = [];
    for await (const records of this.#unpacked(segment, members, name.first, after)) {
      for (const record of records) if (record.position <= last) page.push(record);
      if (hasMembers || page.at(-1)?.position === last) break;
    }
    return page;
  }

  async #unpackedBefore(name: SegmentName, position: Position): Promise<Positioned<T>[]> {
    const [segment, members] = await this.#unpacking(name);
    const { first } = name;
    const after = members.total ? first - 1 + members.withLine(position - first).lines : position - 1 - AS_A_WHOLE;
    const page: Positioned<T>[] = [];
    for await (const records of this.#unpacked(segment, members, first, after)) {
      for (const record of records) if (record.position <= position) page.push(record);
      if (page.at(-1)?.position === position) break;
    }
    return page;
  }

  /** The segment's file as it is now, and where its decompression can start. */
  async #unpacking(name: SegmentName): Promise<readonly [SegmentFile, GzipMembers]> {
    const { filePath } = name;
    const ino = await inodeOf(filePath);
    let segment = this.#packed.get(name);
    if (segment?.ino !== ino) this.#packed.set(name, (segment = { filePath, ino, compressed: true }));
    return [segment, (await membersOf(segment))!];
  }

  #unpacked(segment: SegmentFile, members: GzipMembers, first: Position, from: Position) {
    const after = Math.max(from, first - 1);
    const { lines: before, byteOffset } = members.withLine(after + 1 - first);
    const start = { lines: before, position: first - 1 + before };
    const lines = new LineReader<T>({ ...this.#format, filePath: segment.filePath }, start);
    return segmentPages(segment, lines, { after, byteOffset, end: Infinity });
  }
}

function beginningOf({ first }: { readonly first: Position }): Place {
  return { byteOffset: 0, position: first };
}
