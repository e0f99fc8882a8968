import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { HEAD } from '../flush/json-entry-serializer';
import { importLines, type ImportLinesOptions } from './import-lines';
import { importRuns } from './import-runs';
import { parseLine } from './reading/journal-line';
import { openSource, sourceError, sourceOf, type Source } from './reading/source';
import type { Terminal } from './terminal/terminal';

const MAX_LOOK_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** Makes a journal from a file of the reference implementation, or from any lines of JSON. */
export async function importJournal(
  filePath: string,
  output: string,
  options: ImportLinesOptions,
  terminal: Terminal,
): Promise<void> {
  const opened = await openSource(filePath, terminal.stdin);
  const isFile = (await stat(filePath).catch(() => undefined))?.isFile() === true;
  const source = opened ?? (isFile ? sourceOf(filePath, createReadStream(filePath)) : undefined);
  if (source === undefined) return importRuns(filePath, undefined, output, terminal);
  try {
    const { begin, whole } = await peeked(source);
    if (!isJournal(begin)) await importLines(whole, output, options, terminal);
    else if (options.type !== undefined) terminal.fail(`${source.name} is a journal: its entries keep their types`);
    else await importRuns(filePath, opened && whole, output, terminal);
  } finally {
    source.close();
  }
}

/** The first line of a source, or as much of it as there is; and the whole source. */
async function peeked(source: Source): Promise<{ readonly begin: Buffer; readonly whole: Source }> {
  const chunks = source.bytes[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let length = 0;
  let isDone = false;
  try {
    while (!isDone && length < MAX_LOOK_BYTES && held.at(-1)?.includes(NEWLINE) !== true) {
      const next = await chunks.next();
      isDone = next.done === true;
      if (next.done === true) continue;
      held.push(next.value);
      length += next.value.length;
    }
  } catch (error) {
    throw sourceError(source, 1, error);
  }
  async function* all(): AsyncGenerator<Buffer, void> {
    yield* held.splice(0);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  }
  return { begin: Buffer.concat(held), whole: { ...source, bytes: all() } };
}

function isJournal(begin: Buffer): boolean {
  const newline = begin.indexOf(NEWLINE);
  const text = begin.toString('utf8', 0, newline < 0 ? begin.length : newline);
  if (newline < 0 && (text.startsWith(HEAD) || HEAD.startsWith(text))) return true;
  try {
    parseLine(text);
    return true;
  } catch {
    return false;
  }
}
