import { openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { largeJournal } from '../large-journal.mjs';
import { linesOf } from '../lines.mjs';

const COUNT = 1_000_000;
const MB = 1e6;
const filePath = await largeJournal(COUNT);

const before = used();
const scrivener = await openFileScrivener({ filePath, retain: 1_000 });
const held = used() - before;
if (held > 50 * MB) throw new Error(`Expected 1,000 entries in memory, and no more, got ${(held / MB).toFixed(0)} MB`);

export const what = '`for await` over `tail(0)` of 1M entries in the file, `retain: 1_000`';
export const against = 'readline + JSON.parse';
export const atMost = 0.75;
export const unit = 'ns an entry';

function used() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function ours() {
  const sum = sumOf();
  const figure = await perStep(COUNT, async () => {
    for await (const record of scrivener.tail(0)) {
      sum.add(record);
      if (record.position === COUNT) break;
    }
  });
  sum.check();
  return figure;
}

async function theirs() {
  const sum = sumOf();
  const figure = await perStep(COUNT, async () => {
    for await (const line of linesOf(filePath)) sum.add(JSON.parse(line));
  });
  sum.check();
  return figure;
}

let expected;
/** Looks at each entry: positions without a gap, and as many characters on both sides. */
function sumOf() {
  let last = 0;
  let characters = 0;
  return {
    add({ position, entry }) {
      if (position !== ++last) throw new Error(`Expected position ${last}, got ${position}`);
      characters += entry.text.length;
    },
    check() {
      expected ??= characters;
      if (last === COUNT && characters === expected) return;
      throw new Error(`Expected ${COUNT} entries, ${expected} characters, got ${last}, ${characters}`);
    },
  };
}

export const run = async () => {
  const figures = await compare({ rounds: 5, warmUps: 1, ours, theirs });
  await scrivener.close();
  return figures;
};
