import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Makes the names of a file's directory last: a new file is on the disk only when that is.
 * See https://man7.org/linux/man-pages/man2/fsync.2.html; where directories cannot be synced (Windows), there is no need to.
 */
export async function syncDirectory(filePath: string): Promise<void> {
  let directory;
  try {
    directory = await open(dirname(filePath), 'r');
    await directory.sync();
  } catch (error) {
    if (!['EPERM', 'EISDIR', 'EACCES', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await directory?.close();
  }
}

/** Creates the directories of a file that are missing; with `sync` their names last, up to the first one that was there. */
export async function makeDirectories(filePath: string, sync: boolean): Promise<void> {
  const created = await mkdir(dirname(resolve(filePath)), { recursive: true });
  if (created === undefined || !sync) return;
  const top = dirname(created);
  for (let directory = dirname(resolve(filePath)); directory !== top; directory = dirname(directory)) {
    await syncDirectory(directory);
    if (directory === dirname(directory)) return;
  }
}
