import { InMemoryScrivener } from 'rx-scrivener';
import { median } from '../compare.mjs';
import { entry } from '../entry.mjs';

const COUNT = 1_000_000;

export const what = 'retained memory per entry';
export const against = 'the entry alone';
export const atMost = 24;
export const unit = 'bytes an entry';
export const difference = true;

function used() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** The heap that a million entries take, and what the journal adds when it holds them. */
function round() {
  const before = used();
  const entries = Array.from({ length: COUNT }, (_, n) => entry(n));
  const alone = used() - before - 8 * COUNT;
  const scrivener = new InMemoryScrivener();
  for (const entry of entries) scrivener.append(entry);
  const added = used() - before - 8 * COUNT - alone;
  if (scrivener.head !== entries.length) throw new Error('Expected every entry to be kept');
  return { theirs: alone / COUNT, added: added / COUNT };
}

export async function run() {
  const rounds = Array.from({ length: 3 }, round);
  const theirs = median(rounds.map(({ theirs }) => theirs));
  const added = median(rounds.map(({ added }) => added));
  return { theirs, ours: theirs + added, ratio: added, ratios: rounds.map(({ added }) => added) };
}
