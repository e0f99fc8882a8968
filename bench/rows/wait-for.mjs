import { InMemoryScrivener } from 'rx-scrivener';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';

const WAITS = 20_000;

export const what = '`waitFor` near the head of 1M entries';
export const against = 'the same on 1,000 entries';
export const atMost = 2;
export const unit = 'ns a wait';

function filled(count) {
  const scrivener = new InMemoryScrivener();
  for (let n = 1; n <= count; n++) scrivener.append(entry(n));
  return scrivener;
}

const large = filled(1_000_000);
const small = filled(1_000);

function wait(scrivener) {
  const after = scrivener.head - 10;
  return perStep(WAITS, async () => {
    for (let n = 0; n < WAITS; n++) await scrivener.waitFor(after, ({ type }) => type === 'Said');
  });
}

export const run = () => compare({ ours: () => wait(large), theirs: () => wait(small) });
