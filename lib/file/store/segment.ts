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

/** One of the files that hold a journal: the active file or a closed one. */
export interface Segment {
  /** Its current path: a closed segment is renamed and may be compressed, even while it is read. */
  filePath: string;
  ino: bigint;
  readonly first: Position;
  /** The position of its last line; `first - 1` if it is empty. */
  last: Position;
  /** How many of its bytes belong to the journal, before compression. */
  bytes: number;
  compressed: boolean;
  /** If it is closed: how many bytes it takes on the disk, and when it was last written, in milliseconds since 1970. */
  bytesOnDisk: number;
  mtimeMs: number;
  /** `undefined` until it has been read from beginning to end. */
  index: SparseIndex | undefined;
  /** Where decompression can start, once that was requested. */
  members?: GzipMembers | undefined;
  /** The handle through which it is read, whatever its name: for the active file, and for one that another tool has moved away. */
  file?: AppendFile | undefined;
}

/** The active segment of a file from which nothing has been read. */
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

/** The error for a segment that does not end where it should. */
export function misfit({ filePath, first, last: expected }: Segment, last: Position): CorruptJournalError {
  const reason = `the segment ends with position ${last} where ${expected} is expected: position ${last + 1} is missing`;
  return new CorruptJournalError({ filePath, line: Math.max(1, last - first + 1), byteOffset: 0, reason });
}

/** The fields of a segment that reading needs. */
export type SegmentFile = Pick<Segment, 'filePath' | 'ino' | 'compressed' | 'file' | 'members'>;

const ATTEMPTS = 50;

/** Reads a segment from an offset on, even if it is moved meanwhile. */
export async function* readSegment(segment: SegmentFile, extent: Extent): AsyncGenerator<Block, void> {
  if (segment.file) return yield* segment.file.read(extent);
  const { file, compressed } = await openSegment(segment);
  try {
    if (!compressed) return yield* readBlocks(file, extent);
    segment.members ??= await GzipMembers.of(file);
    const { packedOffset, byteOffset } = segment.members.withByte(extent.byteOffset ?? 0);
    const unpacked = createGunzip();
    const unpacking = pipeline(chunksOf(file, packedOffset), unpacked).catch(() => undefined); // its reader gets the error
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

/** Where decompression of a segment can start; `undefined` if it is not compressed. */
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

/** Opened by path, which may change between two system calls. */
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
