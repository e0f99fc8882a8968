import { open, type FileHandle } from 'node:fs/promises';
import { findSegments } from '../file/manifest';
import type { Position } from '../journal/position';

/** One of the files that hold a journal, open for as long as it is asked for. */
export interface JournalFile {
  readonly filePath: string;
  readonly file: FileHandle;
  readonly compressed: boolean;
  /** Whether it is the one that grows. */
  readonly isActive: boolean;
}

/** The files that hold a journal from a position on, in their order, whatever is in them; they may be rotated meanwhile. */
export async function* journalFiles(filePath: string, oldest: Position): AsyncGenerator<JournalFile, void> {
  let last = oldest - 1;
  const nextClosed = async () => (await findSegments(filePath)).find(({ first }) => first > last);
  for (;;) {
    const closed = await nextClosed();
    const isActive = closed === undefined;
    const path = closed?.filePath ?? filePath;
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      // Renamed between two system calls, or a crash has left closed segments alone.
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (isGone && (closed ?? (await nextClosed())) !== undefined) continue;
      if (isGone && last >= oldest) return;
      throw error;
    }
    try {
      if (isActive && (await nextClosed()) !== undefined) continue;
      yield { filePath: path, file, compressed: closed?.compressed ?? false, isActive };
    } finally {
      await file.close();
    }
    if (isActive) return;
    last = closed.first;
  }
}
