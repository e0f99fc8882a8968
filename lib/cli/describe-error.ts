import { relative } from 'node:path';
import { types } from 'node:util';
import { CorruptJournalError } from '../errors/corrupt-journal-error';

/** What went wrong with a file, in one line. */
export function describeError(error: unknown, filePath: string): string {
  if (!types.isNativeError(error)) return `${filePath}: ${String(error)}`;
  if (error instanceof CorruptJournalError) return describeDamage(error);
  const { code, path = filePath } = error as NodeJS.ErrnoException;
  // `ENOENT: no such file or directory, open 'talk.ndjson'`
  const system = code === undefined ? undefined : /^[A-Z]\w+: (.*?)(?:, \w+(?: '.*)?)?$/s.exec(error.message)?.[1];
  return system === undefined ? error.message : `${fromHere(path)}: ${system}`;
}

/** Where a journal is damaged and why, and what there is to do about it. */
export function describeDamage({ filePath, line, byteOffset, reason }: CorruptJournalError): string {
  // The remedy of the library's users is put in the words of this tool.
  const [what, remedy] = reason.split('; readJournal(');
  const advice =
    remedy === undefined ? missingBefore(line, reason) : '; `rx-scrivener import OLD NEW` makes one journal of them';
  return `${fromHere(filePath)}, line ${line} (byte ${byteOffset}): ${what}${advice}`;
}

/** What there is to do about a file that goes on from others. */
function missingBefore(line: number, reason: string): string {
  const isLater = line === 1 && /^its position is \d+ where 1 is next$/.test(reason);
  return isLater
    ? '; put the closed segments that come before it beside it, or `rx-scrivener repair` keeps what is here'
    : '';
}

/** A path as one would give it here: relative to the working directory, where it is in that. */
export function fromHere(path: string): string {
  const way = relative(process.cwd(), path);
  return way === '' || way.startsWith('..') ? path : way;
}
