import { openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { largeJournal } from '../large-journal.mjs';
import { linesOf } from '../lines.mjs';

const COUNT = 1_000_000;
const NS_PER_MS = 1_000_000;
const filePath = await largeJournal(COUNT);

export const what = 'opening 1M entries, 200 MB, `retain: 10_000`';
export const against = 'readline + JSON.parse of all of them';
export const atMost = 0.12;
export const unit = 'ms';

async function ours() {
  let scrivener;
  const figure = await perStep(NS_PER_MS, async () => {
    scrivener = await openFileScrivener({ filePath, retain: 10_000 });
  });
  check(scrivener.head);
  check(scrivener.recovered.lastPosition);
  for await (const { position } of scrivener.readBackward()) {
    check(position);
    break;
  }
  for await (const { position } of scrivener.tail(0)) {
    if (position !== 1) throw new Error(`Expected the first entry to be there still, got ${position}`);
    break;
  }
  await scrivener.close();
  return figure;
}

async function theirs() {
  let last;
  const figure = await perStep(NS_PER_MS, async () => {
    for await (const line of linesOf(filePath)) last = JSON.parse(line);
  });
  check(last.position);
  return figure;
}

function check(position) {
  if (position !== COUNT) throw new Error(`Expected the last position to be ${COUNT}, got ${position}`);
}

export const run = () => compare({ rounds: 5, warmUps: 1, ours, theirs });
