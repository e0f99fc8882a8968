import { createHash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { chunksOf } from '../disk/read-blocks';
import { removeTemporaries } from '../disk/replace-file';
import { segmentsAmong } from './manifest';

/**
 * Removes the remains of records and segments whose writing a crash interrupted, and plain segments whose complete compressed file exists:
 * a compressed file may also be unfinished, written by another tool.
 *
 * @param files - the files beside the journal's
 * @returns the remaining files
 */
export async function removeLeftovers(filePath: string, files: readonly string[]): Promise<string[]> {
  await removeTemporaries(filePath, /^(\d{16}\.gz|segments\.[-0-9a-f]+)$/, files);
  const removed = new Set<string>();
  for (const { filePath: plain, twin } of segmentsAmong(filePath, files)) {
    if (twin === undefined || !(await isCopy(plain, twin))) continue;
    await rm(plain, { force: true });
    removed.add(basename(plain));
  }
  return files.filter((file) => !removed.has(file));
}

/** Whether a compressed file is on the disk and holds everything that the plain one holds. */
async function isCopy(plain: string, compressed: string): Promise<boolean> {
  const files: FileHandle[] = [];
  try {
    for (const path of [plain, compressed]) files.push(await open(path, 'r'));
    await files[1]!.sync();
    const hashes = [createHash('sha256'), createHash('sha256')] as const;
    await pipeline(chunksOf(files[0]!), hashes[0]);
    await pipeline(chunksOf(files[1]!), createGunzip(), hashes[1]);
    return hashes[0].digest('hex') === hashes[1].digest('hex');
  } catch {
    return false;
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
