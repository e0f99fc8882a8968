import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Syncs a file's directory: a new file survives a power loss only when its directory entry does.
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

/** Creates the missing directories of a file; with `sync`, syncs them up to the first one that existed. */
export async function makeDirectories(filePath: string, sync: boolean): Promise<void> {
  const created = await mkdir(dirname(resolve(filePath)), { recursive: true });
  if (created === undefined || !sync) return;
  const top = dirname(created);
  for (let directory = dirname(resolve(filePath)); directory !== top; directory = dirname(directory)) {
    await syncDirectory(directory);
    if (directory === dirname(directory)) return;
  }
}
