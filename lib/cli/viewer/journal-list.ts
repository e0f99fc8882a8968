import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeSideFile } from '../side-file';
import { segmentFirst } from '../source';
import { lineFrom } from './line';

/** A journal of a folder. */
export interface ListedJournal {
  readonly name: string;
  /** The last position, where its end tells. */
  readonly last: number | undefined;
  readonly sizeBytes: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly changedMs: number;
}

const END_BYTES = 64 * 1024;
const NAME = /\.(?:ndjson|jsonl|log)$/;

/** The journals of a folder, the one that changed last first. */
export async function listJournals(folder: string): Promise<ListedJournal[]> {
  const listed: ListedJournal[] = [];
  for (const name of await readdir(folder)) {
    const filePath = join(folder, name);
    if (!NAME.test(name) || segmentFirst(filePath) !== undefined) continue;
    const found = await stat(filePath).catch(() => undefined);
    if (found?.isFile() !== true || (await describeSideFile(filePath)) !== undefined) continue;
    const last = await lastPosition(filePath, found.size).catch(() => undefined);
    listed.push({ name, last, sizeBytes: found.size, changedMs: found.mtimeMs });
  }
  return listed.sort((a, b) => b.changedMs - a.changedMs);
}

async function lastPosition(filePath: string, size: number): Promise<number | undefined> {
  const file = await open(filePath, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(size, END_BYTES));
    await file.read(bytes, 0, bytes.length, size - bytes.length);
    const lines = bytes.toString().split('\n').reverse();
    for (const text of lines) {
      const { position } = lineFrom({ n: 1, text, bytes: 0, byteOffset: 0 }, true);
      if (position !== undefined) return position;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
