import { open, stat, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import type { Position } from '../../journal/position';
import type { AppendFile } from './append-file';
import { GzipMembers } from '../disk/gzip-members';
import { blocksOf, chunksOf, readBlocks, type Block, type Extent } from '../disk/read-blocks';
import { SparseIndex } from './sparse-index';

/** One of the files that hold a journal: the active one, or one that was closed. */
export interface Segment {
  /** Where it is now: a closed one is renamed and may be compressed, also while it is read. */
  filePath: string;
  ino: bigint;
  readonly first: Position;
  /** The position of its last line, `first - 1` when it is empty. */
  last: Position;
  /** How many bytes of it are the journal's, before compression. */
  bytes: number;
  compressed: boolean;
  /** How many bytes it takes on the disk, and when it was written last, in milliseconds since 1970, once it is closed. */
  bytesOnDisk: number;
  mtimeMs: number;
  /** `undefined` until it was read from its beginning to its end. */
  index: SparseIndex | undefined;
  /** Where it can be decompressed from, once that was asked for. */
  members?: GzipMembers | undefined;
  /** It is read through this, whatever its name: the active one, and one that an outside tool has taken away. */
  file?: AppendFile | undefined;
}

/** The active segment that a file is, of which nothing has been read. */
export function activeSegment(file: AppendFile, filePath: string, first: Position): Segment {
  const { ino, bytes } = file;
  const closing = { bytesOnDisk: 0, mtimeMs: 0 };
  return {
    ino,
    bytes,
    ...closing,
    filePath,
    first,
    last: first - 1,
    compressed: false,
    index: new SparseIndex(),
    file,
  };
}

/** A segment that does not hold what is known of it. */
export function misfit({ filePath, first, last: expected }: Segment, last: Position): CorruptJournalError {
  const reason = `the segment ends with position ${last} where ${expected} is expected: position ${last + 1} is missing`;
  return new CorruptJournalError({ filePath, line: Math.max(1, last - first + 1), byteOffset: 0, reason });
}

/** What has to be known of a segment to read it. */
export type SegmentFile = Pick<Segment, 'filePath' | 'ino' | 'compressed' | 'file' | 'members'>;

const ATTEMPTS = 50;

/** Reads a segment from an offset on, wherever it is being moved to. */
export async function* readSegment(segment: SegmentFile, extent: Extent): AsyncGenerator<Block, void> {
  if (segment.file) return yield* segment.file.read(extent);
  const { file, compressed } = await openSegment(segment);
  try {
    if (!compressed) return yield* readBlocks(file, extent);
    segment.members ??= await GzipMembers.of(file);
    const { packedOffset, byteOffset } = segment.members.withByte(extent.byteOffset ?? 0);
    const unpacked = createGunzip();
    const unpacking = pipeline(chunksOf(file, packedOffset), unpacked).catch(() => undefined); // whoever reads it is told
    try {
      yield* blocksOf(unpacked, extent, byteOffset);
    } finally {
      unpacked.destroy();
      await unpacking;
    }
  } finally {
    await file.close();
  }
}

/** Where a segment can be decompressed from; `undefined` for one that is not compressed. */
export async function membersOf(segment: SegmentFile): Promise<GzipMembers | undefined> {
  if (!segment.compressed || segment.members) return segment.members;
  const { file, compressed } = await openSegment(segment);
  try {
    if (compressed) segment.members = await GzipMembers.of(file);
    return segment.members;
  } finally {
    await file.close();
  }
}

/** It is opened by its path, which may change between two system calls. */
async function openSegment(segment: SegmentFile): Promise<{ file: FileHandle; compressed: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const { filePath, ino, compressed } = segment;
    let file: FileHandle | undefined;
    try {
      file = await open(filePath, 'r');
      if ((await file.stat({ bigint: true })).ino === ino) return { file, compressed };
      await file.close();
    } catch (error) {
      await file?.close();
      if (attempt >= ATTEMPTS) throw error;
    }
    if (attempt >= ATTEMPTS) throw new Error(`${filePath} is another file than the journal's`);
    await delay(2);
  }
}

export async function inodeOf(filePath: string): Promise<bigint> {
  return (await stat(filePath, { bigint: true })).ino;
}
