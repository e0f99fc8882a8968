import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Who may do what with a file. */
export type FileMode = Pick<Stats, 'mode' | 'uid' | 'gid'>;

/** The mode to create a file with that is to be like another one: never more than that allows. */
export function modeOf(like: FileMode | undefined): number {
  return like === undefined ? 0o666 : like.mode & 0o777;
}

/** Gives a file that was just created the mode of another one, and its owner where that may be given. */
export async function carryMode(file: FileHandle, { mode, uid, gid }: FileMode): Promise<void> {
  const found = await file.stat();
  if (found.uid !== uid || found.gid !== gid) {
    await file.chown(uid, gid).catch((error: unknown) => {
      if (!['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
  }
  if ((found.mode & 0o777) !== (mode & 0o777)) await file.chmod(mode & 0o777);
}
