import { counted, printable } from './terminal/wording';
import { describeDamage } from './terminal/describe-error';
import { NewJournal } from './writing/new-journal';
import { renumbered } from './writing/renumbered';
import { type Source, journalSize, modeOfSource } from './reading/source';
import { survey } from './reading/survey';
import type { Terminal } from './terminal/terminal';

/** Makes one journal from a file of the reference implementation, whose positions start again at 1 with each run. */
export async function importRuns(
  filePath: string,
  source: Source | undefined,
  output: string,
  terminal: Terminal,
): Promise<void> {
  if (source === undefined) await journalSize(filePath);
  const journal = await NewJournal.create(output, await modeOfSource(filePath));
  try {
    let runs = 0;
    const { entries, damage, tornBytes } = await survey(filePath, {
      doing: 'Importing',
      terminal,
      restarts: 'renumber',
      source,
      visit({ position, entry: line }) {
        if (line.position === 1) runs++;
        return journal.add(renumbered(line, position));
      },
    });
    if (damage) {
      terminal.fail(`${describeDamage(damage)}; \`rx-scrivener repair --renumber\` keeps what can be read`);
      return;
    }
    if (tornBytes > 0) terminal.note(`left out a torn end of ${counted(tornBytes, 'byte')}`);
    await journal.seal();
    await journal.commit();
    await terminal.out.write(printable(`${output}: ${counted(entries, 'entry')} of ${counted(runs, 'run')}`));
  } finally {
    await journal.close();
  }
}
