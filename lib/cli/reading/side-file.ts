import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';

/** The kinds of files beside a journal's file: the end of the name, a description, and a check of the content. */
const KINDS: readonly (readonly [end: RegExp, what: string, isOne: (text: string) => boolean])[] = [
  [/\.lock$/, 'the lock of', (text) => text === ''],
  [/\.segments$/, 'the record of the segments of', (text) => /^\{"schemaVersion":"1",(?!"position")/.test(text)],
  [/\.(?:\d{16}\.gz|segments\.[-0-9a-f]+)\.tmp$/, 'what a crash has left beside', () => true],
];
/** No file whose content is checked is longer. */
const MAX_BYTES = 1024 * 1024;

/** Describes a file that belongs to a journal beside it; `undefined` for all others. */
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
