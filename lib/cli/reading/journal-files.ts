import { lstat, open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { findSegments, type SegmentName } from '../../file/store/manifest';
import { chunksOf } from '../../file/disk/read-blocks';
import type { Position } from '../../journal/position';
import { isCompressedFile, openSource, segmentFirst, STANDARD_INPUT } from './source';
import { Unpacked } from './unpack';

/** One of a journal's files, open until the iteration continues. */
export interface JournalFile {
  readonly filePath: string;
  readonly sizeBytes: number;
  /** Everything that can be read from it. */
  readonly bytes: AsyncIterable<Buffer> & { readonly isDamaged?: boolean };
  /** Whether it is the active file, which grows. */
  readonly isActive: boolean;
}

/** A file that holds a whole journal. */
export interface SourceFile {
  readonly file: JournalFile;
  /** The position that it begins with, if its name says so. */
  readonly first: Position | undefined;
  readonly close: () => Promise<void> | void;
}

/** The files that hold a journal from a position on, in order, whatever they contain; they may be rotated meanwhile. */
export async function* journalFiles(filePath: string, oldest: Position): AsyncGenerator<JournalFile, void> {
  let last = oldest - 1;
  let listed: SegmentName[] = [];
  const list = async () => (listed = (await findSegments(filePath)).filter(({ first }) => first > last))[0];
  for (;;) {
    // A folder of many segments is listed again only if all listed ones were read, or one of them is gone.
    const closed = listed[0] ?? (await list());
    const isActive = closed === undefined;
    const path = closed?.filePath ?? filePath;
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      // Renamed between two system calls, or a crash has left only closed segments.
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      // A link that leads nowhere still exists.
      const isGone = isMissing && !(closed && (await lstat(path).catch(() => undefined))?.isSymbolicLink());
      if (isGone && ((await list()) ?? closed) !== undefined) continue;
      if (isGone && last >= oldest) return;
      throw error;
    }
    try {
      if (isActive && (await list()) !== undefined) continue;
      const { size } = await file.stat();
      const bytes = closed?.compressed ? new Unpacked(file) : chunksOf(file);
      yield { filePath: path, sizeBytes: size, bytes, isActive };
    } finally {
      await file.close();
    }
    if (isActive) return;
    last = closed.first;
    listed.shift();
  }
}

/** A source that can be read only once, as if it were a journal's only file; `undefined` for a journal of files. */
export async function sourceFile(filePath: string, stdin: Readable): Promise<SourceFile | undefined> {
  const first = segmentFirst(filePath);
  const isActive = first === undefined;
  if (filePath !== STANDARD_INPUT && (await isCompressedFile(filePath))) {
    const file = await open(filePath, 'r');
    const { size } = await file.stat();
    const content = { filePath, sizeBytes: size, bytes: new Unpacked(file), isActive };
    return { first, file: content, close: () => file.close() };
  }
  const source = await openSource(filePath, stdin);
  if (source === undefined) return undefined;
  const content = { filePath: source.name, sizeBytes: 0, bytes: source.bytes, isActive };
  return { first, file: content, close: source.close };
}
