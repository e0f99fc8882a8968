import { relative } from 'node:path';
import { types } from 'node:util';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';

/** An error about a file, in one line. */
export function describeError(error: unknown, filePath: string): string {
  if (!types.isNativeError(error)) return `${filePath}: ${String(error)}`;
  if (error instanceof CorruptJournalError) return describeDamage(error);
  const { code, path = filePath } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR') return `${fromHere(path)}: it is a directory; name a journal in it`;
  // `ENOENT: no such file or directory, open 'talk.ndjson'`
  const system = code === undefined ? undefined : /^[A-Z]\w+: (.*?)(?:, \w+(?: '.*)?)?$/s.exec(error.message)?.[1];
  return system === undefined ? error.message : `${fromHere(path)}: ${system}`;
}

/** Where and why a journal is damaged, and what to do about it. */
export function describeDamage({
  filePath,
  line,
  byteOffset,
  reason,
}: Pick<CorruptJournalError, 'filePath' | 'line' | 'byteOffset' | 'reason'>): string {
  // The library's advice is replaced by what this tool can do.
  const [what, remedy] = reason.split('; readJournal(');
  const advice =
    remedy === undefined
      ? adviceOn(filePath, line, reason)
      : '; `rx-scrivener import OLD NEW` makes one journal of them';
  return `${fromHere(filePath)}, line ${line} (byte ${byteOffset}): ${what}${advice}`;
}

/** What to do about a file that is not a journal, or continues others. */
function adviceOn(filePath: string, line: number, reason: string): string {
  if (line > 1) return '';
  if (/^its position is \d+ where 1 is next$/.test(reason))
    return '; put the closed segments that come before it beside it, or `rx-scrivener repair` keeps what is here';
  if (reason.startsWith('its schemaVersion is not'))
    return '; if it holds other JSON, one value a line, `rx-scrivener import OLD NEW` makes a journal of it';
  const isNamedCompressed = reason === 'it is not JSON' && filePath.endsWith('.gz');
  return isNamedCompressed ? '; its name ends with .gz, but it is not compressed with gzip' : '';
}

/** A path as a user would write it: relative to the working directory, if it is inside it. */
export function fromHere(path: string): string {
  const way = relative(process.cwd(), path);
  return way === '' || way.startsWith('..') ? path : way;
}
