import { firstValueFrom } from 'rxjs';
import { InMemoryScrivener, project } from 'rx-scrivener';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { characters, handWritten } from '../characters.mjs';

const COUNT = 1_000_000;
const scrivener = new InMemoryScrivener();
for (let n = 0; n < COUNT; n++) scrivener.append(entry(n));

export const what = '`project`: first state of 1M entries in memory';
export const against = 'a loop in `tail().subscribe`';
export const atMost = 1.15;
export const unit = 'ns an entry';

const ours = () =>
  perStep(COUNT, async () => {
    const { position } = await firstValueFrom(project(scrivener, characters));
    if (position !== COUNT) throw new Error(`Expected the state of ${COUNT} entries, got that of ${position}`);
  });

export const run = () => compare({ ours, theirs: () => perStep(COUNT, () => handWritten(scrivener, COUNT)) });
