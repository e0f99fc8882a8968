import { stat } from 'node:fs/promises';
import { located } from '../file/files-reader';
import { findSegments } from '../file/manifest';

/** How many bytes a journal's active file takes. */
export async function journalSize(name: string): Promise<number> {
  const filePath = await located(name);
  try {
    return (await stat(filePath)).size;
  } catch (error) {
    // A rotation, or a crash between its two steps, leaves closed segments alone.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && (await findSegments(filePath)).length > 0) return 0;
    throw error;
  }
}
