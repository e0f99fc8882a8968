import { openFileScrivener } from 'rx-scrivener/file';
import { entry } from './entry.mjs';
import { temporaryFile } from './temporary-file.mjs';

/**
 * Writes entries as fast as the file takes them.
 *
 * @param {import('rx-scrivener/file').FileScrivener<object>} scrivener
 * @param {number} count
 */
export async function fill(scrivener, count) {
  for (let n = 1; n <= count; n++) {
    await scrivener.write(entry(n));
    if (n % 10_000 === 0) await scrivener.flush();
  }
  await scrivener.flush();
  if (scrivener.flushed !== count) throw new Error(`Expected ${count} entries in the file, got ${scrivener.flushed}`);
}

/** A closed journal's file. */
export async function largeJournal(count) {
  const filePath = temporaryFile();
  const scrivener = await openFileScrivener({ filePath, retain: 10_000 });
  await fill(scrivener, count);
  await scrivener.close();
  return filePath;
}
