import { createHash } from 'node:crypto';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { NotSupportedError } from '../errors/not-supported-error';

/** The version of the requests: guests of one version do not find holders of another. */
const LAYOUT = 2;

/**
 * The socket of the holder of a journal's lock: short, whatever the length of the journal's path, and the same for every path that leads to the file. Only
 * this user may enter its folder; rejects with {@link NotSupportedError} if it belongs to another user.
 *
 * @param lockPath - the lock file, which exists, and stays when the journal is rotated
 */
export async function socketPathOf(lockPath: string): Promise<string> {
  const { dev, ino } = await stat(lockPath, { bigint: true });
  const name = createHash('sha256').update(`${LAYOUT} ${dev} ${ino}`).digest('hex').slice(0, 20);
  if (process.platform === 'win32') return `\\\\.\\pipe\\rx-scrivener-${userInfo().username}-${name}`;
  return join(await privateFolder(), name);
}

/** Another user could have created the folder before: then it is not used. */
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
