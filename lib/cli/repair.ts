import { located } from '../file/follow/files-reader';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { loadManifest } from '../file/store/manifest';
import type { Position } from '../journal/position';
import { counted, printable } from './terminal/wording';
import type { RepairedJournal } from './writing/counted-journal';
import { describeDamage } from './terminal/describe-error';
import { journalFiles, sourceFile } from './reading/journal-files';
import { KeptLines } from './damage/kept-lines';
import { NewJournals } from './writing/new-journals';
import { modeOfSource } from './reading/source';
import { salvageFiles } from './damage/salvage-files';
import type { Terminal } from './terminal/terminal';

/** How a journal is repaired. */
export interface RepairOptions {
  /** The new file. @default the old one's name and `.repaired` */
  readonly output?: string;
  /** Make one journal of all that can be read, under new positions after a gap. @default false */
  readonly renumber?: boolean;
  /** Only say what would be kept and left out. @default false */
  readonly dryRun?: boolean;
}

/**
 * Writes everything that can be read from a journal's files, whatever is damaged, into a new journal.
 *
 * Lines that are not entries are left out. Since a journal has no gaps, what follows a gap goes into another journal and keeps its positions, or, with
 * `renumber`, gets new positions in the same journal. Groups are kept whole, or not at all.
 */
export async function repair(
  filePath: string,
  { output = `${filePath}.repaired`, renumber = false, dryRun = false }: RepairOptions,
  terminal: Terminal,
): Promise<void> {
  const source = await sourceFile(filePath, terminal.stdin);
  const found = source ? source.file.filePath : await located(filePath);
  const oldest = source ? (source.first ?? 1) : await oldestOf(found, terminal);
  const journals = new NewJournals(output, await modeOfSource(found), dryRun);
  const kept = new KeptLines(found, journals, oldest, renumber);
  try {
    await salvageFiles(source ? [source.file] : journalFiles(found, oldest), kept, 'Repairing', terminal);
    for (const line of kept.losses()) terminal.fail(line);
    if (journals.all.length === 0) {
      if (!kept.isWhole) {
        terminal.fail(`${filePath} holds nothing that can be kept: ${output} is not written`);
        return;
      }
      await journals.begin(oldest);
    }
    if (journals.all.length > 1) {
      terminal.fail('a journal has no gaps, so there is one for each stretch; --renumber makes one of all');
    }
    for (const note of kept.notes()) terminal.note(note);
    await journals.commit();
    if (dryRun) terminal.note('a dry run: nothing is written; there would be');
    for (const journal of journals.all) await terminal.out.write(printable(describe(journal)));
  } finally {
    await source?.close();
    await journals.close();
  }
}

function describe({ filePath, first, last }: RepairedJournal): string {
  const entries = counted(last - first + 1, 'entry');
  if (last < first) return `${filePath}: ${entries}`;
  return `${filePath}: ${entries}, ${first === last ? `position ${first}` : `positions ${first} to ${last}`}`;
}

/** Where the journal begins, according to its record of segments; 1 if that cannot be read. */
async function oldestOf(filePath: string, terminal: Terminal): Promise<Position> {
  try {
    return (await loadManifest(filePath)).first;
  } catch (error) {
    if (!(error instanceof CorruptJournalError)) throw error;
    terminal.fail(describeDamage(error));
    return 1;
  }
}
