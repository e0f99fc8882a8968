import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { makeDirectories } from './directory';
import { carryMode, modeOf, type FileMode } from './file-mode';

/**
 * Replaces a small file at once: a crash leaves the old one or the new one, in the manner of https://lwn.net/Articles/457667/.
 *
 * @param like - whose mode and owner it gets; default: the file that it replaces
 */
export async function replaceFile(filePath: string, text: string, like?: FileMode): Promise<void> {
  await makeDirectories(filePath, true);
  const mode = like ?? (await modeAt(filePath));
  const temporary = `${filePath}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', modeOf(mode));
    try {
      if (mode) await carryMode(file, mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, filePath);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
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
