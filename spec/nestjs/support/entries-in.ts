import { readFileSync } from 'node:fs';

/** The entries in a journal's file. */
export function entriesIn(filePath: string): unknown[] {
  return readFileSync(filePath, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { entry: unknown }).entry);
}
