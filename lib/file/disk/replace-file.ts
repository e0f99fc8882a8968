import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeDirectories } from './directory';
import { carryMode, modeOf, type FileMode } from './file-mode';
import { targetOf } from './file-path';

/** More than there are processes that save to one file. */
const ATTEMPTS = 100;

/**
 * Replaces a small file atomically, following links: a crash leaves the old one or the new one, as in https://lwn.net/Articles/457667/.
 *
 * @param like - whose mode and owner it gets; default: the file that it replaces
 */
export async function replaceFile(filePath: string, text: string, like?: FileMode): Promise<void> {
  await makeDirectories(filePath, true);
  const target = await targetOf(filePath);
  const mode = like ?? (await modeAt(target));
  for (let attempt = 1; ; attempt++) {
    const temporary = `${target}.${randomUUID().slice(0, 8)}.tmp`;
    try {
      await write(temporary, text, mode);
      await rename(temporary, target);
      return;
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      const isTaken = code === 'EEXIST' && syscall === 'open';
      // Removed by another process, which took it for the remains of a crash.
      const isGone = code === 'ENOENT' && syscall === 'rename';
      if (!isTaken) await rm(temporary, { force: true }).catch(() => undefined);
      if ((!isTaken && !isGone) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function write(filePath: string, text: string, mode: FileMode | undefined): Promise<void> {
  const file = await open(filePath, 'wx', modeOf(mode));
  try {
    if (mode) await carryMode(file, mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Removes the temporary files that crashes have left for a name.
 *
 * @param what - what is between the name, with a dot, and `.tmp`
 * @param files - the files beside it; default: read from the directory
 */
export async function removeTemporaries(
  filePath: string,
  what = /^[-0-9a-f]{8,36}$/,
  files?: readonly string[],
): Promise<void> {
  const beginning = `${basename(filePath)}.`;
  for (const file of files ?? (await readdir(dirname(filePath)))) {
    if (!file.startsWith(beginning) || !file.endsWith('.tmp')) continue;
    if (what.test(file.slice(beginning.length, -'.tmp'.length)))
      await rm(join(dirname(filePath), file), { force: true });
  }
}

/** The mode and the owner of the file of a name, if there is one. */
export async function modeAt(filePath: string): Promise<FileMode | undefined> {
  try {
    return await stat(filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
