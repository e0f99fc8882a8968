import { openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { linesOf } from '../lines.mjs';
import { temporaryFile } from '../temporary-file.mjs';

const COUNT = 200_000;
const filePath = temporaryFile();

export const what = 'recovery of 200k entries';
export const against = 'readline + JSON.parse';
export const atMost = 0.6;
export const unit = 'ns an entry';

const writer = await openFileScrivener({ filePath });
for (let n = 0; n < COUNT; n++) writer.append(entry(n));
await writer.close();

async function ours() {
  let scrivener;
  const figure = await perStep(COUNT, async () => {
    scrivener = await openFileScrivener({ filePath });
  });
  if (scrivener.recovered.entries !== COUNT)
    throw new Error(`Expected ${COUNT} entries, got ${scrivener.recovered.entries}`);
  await scrivener.close();
  return figure;
}

async function theirs() {
  const entries = [];
  const figure = await perStep(COUNT, async () => {
    for await (const line of linesOf(filePath)) entries.push(JSON.parse(line).entry);
  });
  if (entries.length !== COUNT) throw new Error(`Expected ${COUNT} entries, got ${entries.length}`);
  return figure;
}

export const run = () => compare({ ours, theirs });
