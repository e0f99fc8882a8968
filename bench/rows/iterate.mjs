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
export const against = 'async generator over an array';
export const atMost = 0.6;
export const unit = 'ns an entry';

async function* generate() {
  for (const record of records) yield record;
}

async function iterate(iterable) {
  let sum = 0;
  const figure = await perStep(COUNT, async () => {
    for await (const { position } of iterable) sum += position;
  });
  if (sum !== (COUNT * (COUNT + 1)) / 2) throw new Error(`Expected every entry once, got ${sum}`);
  return figure;
}

export const run = () => compare({ ours: () => iterate(scrivener.tail()), theirs: () => iterate(generate()) });
