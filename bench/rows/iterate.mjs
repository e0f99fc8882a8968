import { InMemoryScrivener } from 'rx-scrivener';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';

const COUNT = 300_000;
const entries = Array.from({ length: COUNT }, (_, n) => entry(n));
const records = entries.map((entry, index) => ({ position: index + 1, entry }));
const scrivener = new InMemoryScrivener();
for (const entry of entries) scrivener.append(entry);
scrivener.complete();

export const what = '`for await` over a tail';
export const against = 'hand-made iterator over the same records';
export const atMost = 1.15;
export const unit = 'ns an entry';

/** Nothing but what a loop asks for. */
const handMade = {
  [Symbol.asyncIterator]() {
    let index = 0;
    return {
      next: async () => {
        const value = records[index++];
        return { value, done: value === undefined };
      },
    };
  },
};

async function iterate(iterable) {
  let sum = 0;
  const figure = await perStep(COUNT, async () => {
    for await (const { position } of iterable) sum += position;
  });
  if (sum !== (COUNT * (COUNT + 1)) / 2) throw new Error(`Expected every entry once, got ${sum}`);
  return figure;
}

export const run = () => compare({ ours: () => iterate(scrivener.tail()), theirs: () => iterate(handMade) });
