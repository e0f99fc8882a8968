import { createHash } from 'node:crypto';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { NotSupportedError } from '../errors/not-supported-error';

/** Guests of one layout of requests do not find holders of another. */
const LAYOUT = 2;

/**
 * Where the holder of a journal's lock is found: short, whatever the path's length, and the same by every path that leads to the file. In a folder that only
 * this user may enter; rejects with {@link NotSupportedError} where that is somebody else's.
 *
 * @param lockPath - the lock's file, which is there, and stays when the journal is rotated
 */
export async function socketPathOf(lockPath: string): Promise<string> {
  const { dev, ino } = await stat(lockPath, { bigint: true });
  const name = createHash('sha256').update(`${LAYOUT} ${dev} ${ino}`).digest('hex').slice(0, 20);
  if (process.platform === 'win32') return `\\\\.\\pipe\\rx-scrivener-${userInfo().username}-${name}`;
  return join(await privateFolder(), name);
}

/** Somebody else could have made it before: then nothing is put into it. */
async function privateFolder(): Promise<string> {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `rx-scrivener-${uid}`);
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0)
    throw new NotSupportedError(`${folder} is not a folder that this user alone may enter: remove it`);
  return folder;
}
