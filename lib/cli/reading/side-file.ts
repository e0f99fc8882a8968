import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';

/** What a journal's file has beside it, by the end of its name, and whether it holds what such a file does. */
const KINDS: readonly (readonly [end: RegExp, what: string, isOne: (text: string) => boolean])[] = [
  [/\.lock$/, 'the lock of', (text) => text === ''],
  [/\.segments$/, 'the record of the segments of', (text) => /^\{"schemaVersion":"1",(?!"position")/.test(text)],
  [/\.(?:\d{16}\.gz|segments\.[-0-9a-f]+)\.tmp$/, 'what a crash has left beside', () => true],
];
/** None of those whose content is looked at is longer. */
const MAX_BYTES = 1024 * 1024;

/** Says of a file that stands beside a journal what it is; `undefined` for all others. */
export async function describeSideFile(filePath: string): Promise<string | undefined> {
  const kind = KINDS.find(([end]) => end.test(filePath));
  if (kind === undefined) return undefined;
  const [end, what, isOne] = kind;
  const found = await stat(filePath).catch(() => undefined);
  if (found?.isFile() !== true || found.size > MAX_BYTES) return undefined;
  const text = await readFile(filePath, 'latin1').catch(() => undefined);
  if (text === undefined || !isOne(text)) return undefined;
  return `${filePath} is no journal, but ${what} ${basename(filePath).replace(end, '')}`;
}
