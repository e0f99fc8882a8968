import type { CorruptJournalError } from '../errors/corrupt-journal-error';
import { allDamage, type AllDamage, type Place } from './damage/all-damage';
import { counted, printable } from './terminal/wording';
import { describeDamage, describeError, fromHere } from './terminal/describe-error';
import { journalPaths } from './reading/folder-journals';
import { describeSideFile } from './reading/side-file';
import { survey, type Survey } from './reading/survey';
import type { Terminal } from './terminal/terminal';

/** How the result is printed. */
export interface VerifyOptions {
  readonly json?: boolean;
}

/** Reports for each journal whether it is whole; a folder means all of its journals. */
export async function verify(
  filePaths: readonly string[],
  { json = false }: VerifyOptions,
  terminal: Terminal,
): Promise<void> {
  /** Reports a failure, so that the other journals are still checked. */
  const about = async (filePath: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      const message = describeError(error, filePath);
      terminal.fail(message);
      if (json) await terminal.out.write(JSON.stringify({ file: filePath, ok: false, error: message }));
    }
  };
  for (const given of filePaths)
    await about(given, async () => {
      for (const filePath of await journalPaths(given))
        await about(filePath, () => verifyJournal(filePath, json, terminal));
    });
}

async function verifyJournal(filePath: string, json: boolean, terminal: Terminal): Promise<void> {
  const sideFile = await describeSideFile(filePath);
  if (sideFile !== undefined) {
    terminal.note(sideFile);
    return;
  }
  const found = await survey(filePath, { doing: 'Verifying', terminal });
  if (found.damage) {
    terminal.exitCode = 1;
    const all = await allDamage(filePath, found.damage, terminal);
    if (json) await terminal.out.write(damageAsJson(filePath, found, found.damage, all));
    else for (const line of damageAsText(filePath, found, found.damage, all)) await terminal.out.write(printable(line));
  } else await terminal.out.write(json ? asJson(filePath, found) : printable(asText(filePath, found)));
}

function asText(filePath: string, { entries, lastPosition, tornBytes }: Survey): string {
  const torn =
    tornBytes > 0 ? `, then a torn end of ${counted(tornBytes, 'byte')}, which opening the journal cuts off` : '';
  return `${filePath}: ${counted(entries, 'entry')}, last position ${lastPosition}${torn}`;
}

function* damageAsText(
  filePath: string,
  { entries, lastPosition }: Survey,
  damage: CorruptJournalError,
  all: AllDamage | undefined,
): Generator<string, void> {
  const before = `; before it ${counted(entries, 'entry')}, last position ${lastPosition}`;
  const isFirst = ({ byteOffset, filePath }: Place) => filePath === damage.filePath && byteOffset === damage.byteOffset;
  for (const place of all?.places ?? [damage]) yield `${describeDamage(place)}${isFirst(place) ? before : ''}`;
  if (all === undefined) {
    yield `${filePath}: it can be read only once, so what comes after the damage was not looked at`;
    return;
  }
  const { places, more, readable, tornBytes } = all;
  if (more > 0) yield `${filePath}: ${counted(more, 'further damaged line')} not shown`;
  if (places.length + more > 1)
    yield `${filePath}: ${counted(places.length + more, 'damaged line')}; ${counted(readable, 'entry')} can be read`;
  if (tornBytes > 0) yield `${filePath}: at the end a torn line of ${counted(tornBytes, 'byte')}`;
}

function asJson(file: string, { entries, lastPosition, bytes, tornBytes }: Survey): string {
  return JSON.stringify({ file, ok: true, entries, lastPosition, bytes, tornBytes });
}

function damageAsJson(
  file: string,
  { entries, lastPosition, bytes }: Survey,
  { line, byteOffset, reason }: CorruptJournalError,
  all: AllDamage | undefined,
): string {
  const found = all && {
    damage: all.places.map(({ filePath, line, byteOffset, reason }) => ({
      file: fromHere(filePath),
      line,
      byteOffset,
      reason,
    })),
    more: all.more,
    readable: all.readable,
    tornBytes: all.tornBytes,
  };
  return JSON.stringify({ file, ok: false, entries, lastPosition, bytes, line, byteOffset, reason, ...found });
}
