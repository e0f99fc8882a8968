import { open, stat } from 'node:fs/promises';

const NEWLINE = 10;

/** How many bytes a journal takes. */
export async function journalSize(filePath: string): Promise<number> {
  return (await stat(filePath)).size;
}

/** How many of a journal's bytes stand behind its lines, which take `bytes` when each has its newline. */
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
