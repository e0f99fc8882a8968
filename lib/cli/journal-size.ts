import { open, stat } from 'node:fs/promises';
import { HEAD } from '../flush/json-entry-serializer';
import { findSegments } from '../file/manifest';
import type { Position } from '../journal/position';

const NEWLINE = 10;

/** How many bytes a journal takes. */
export async function journalSize(filePath: string): Promise<number> {
  try {
    return (await stat(filePath)).size;
  } catch (error) {
    // A crash between the two steps of a rotation leaves closed segments alone.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && (await isRotated(filePath))) return 0;
    throw error;
  }
}

/** The position that a journal's active file begins with: that of its first line, where closed segments come before it. */
export async function activeFirst(filePath: string): Promise<Position> {
  if (!(await isRotated(filePath))) return 1;
  if ((await journalSize(filePath)) === 0) return Infinity;
  const file = await open(filePath, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const begin = buffer.toString('latin1', 0, bytesRead);
    return begin.startsWith(HEAD) ? Number.parseInt(begin.slice(HEAD.length), 10) : Infinity;
  } finally {
    await file.close();
  }
}

/** Whether closed segments come before a journal's active file. */
export async function isRotated(filePath: string): Promise<boolean> {
  return (await findSegments(filePath)).length > 0;
}

/** How many of the active file's bytes stand behind its lines, which take `bytes` when each has its newline. */
export async function tornBytes(filePath: string, bytes: number, size: number): Promise<number> {
  if (bytes === 0) return size;
  const file = await open(filePath, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, bytes - 1);
    const lacksNewline = bytesRead === 0 || buffer[0] !== NEWLINE;
    return Math.max(0, size - (lacksNewline ? bytes - 1 : bytes));
  } finally {
    await file.close();
  }
}
