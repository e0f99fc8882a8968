import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Who may do what with a file. */
export type FileMode = Pick<Stats, 'mode' | 'uid' | 'gid'>;

/** The mode for creating a file that will get another one's mode: it never allows more than that. */
export function modeOf(like: FileMode | undefined): number {
  return like === undefined ? 0o666 : like.mode & 0o777;
}

/** Gives a new file the mode of another one, and its owner if the process may set it. */
export async function carryMode(file: FileHandle, { mode, uid, gid }: FileMode): Promise<void> {
  const found = await file.stat();
  if (found.uid !== uid || found.gid !== gid) {
    await file.chown(uid, gid).catch((error: unknown) => {
      if (!['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
  }
  if ((found.mode & 0o777) !== (mode & 0o777)) await file.chmod(mode & 0o777);
}
