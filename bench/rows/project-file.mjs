import { firstValueFrom } from 'rxjs';
import { project } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { characters, handWritten } from '../characters.mjs';
import { compare, perStep } from '../compare.mjs';
import { largeJournal } from '../large-journal.mjs';

const COUNT = 1_000_000;
const scrivener = await openFileScrivener({ filePath: await largeJournal(COUNT), retain: 1_000 });

export const what = '`project`: first state of 1M entries in the file, `retain: 1_000`';
export const against = 'a loop in `tail().subscribe`';
export const atMost = 1.15;
export const unit = 'ns an entry';

const ours = () =>
  perStep(COUNT, async () => {
    const { position } = await firstValueFrom(project(scrivener, characters));
    if (position !== COUNT) throw new Error(`Expected the state of ${COUNT} entries, got that of ${position}`);
  });

export const run = async () => {
  const figures = await compare({
    rounds: 5,
    warmUps: 1,
    ours,
    theirs: () => perStep(COUNT, () => handWritten(scrivener, COUNT)),
  });
  await scrivener.close();
  return figures;
};
