import { stat } from 'node:fs/promises';
import { located } from '../file/follow/files-reader';
import { findSegments, loadManifest } from '../file/store/manifest';
import { STANDARD_INPUT } from './source';

/** How many bytes a journal's active file takes; 0 where that is not known. */
export async function journalSize(name: string): Promise<number> {
  if (name === STANDARD_INPUT) return 0;
  const filePath = await located(name);
  try {
    return (await stat(filePath)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // A rotation, or a crash between its two steps, leaves closed segments alone, and they may be retired by now.
    if ((await findSegments(filePath)).length > 0 || (await loadManifest(filePath)).id !== undefined) return 0;
    throw error;
  }
}
