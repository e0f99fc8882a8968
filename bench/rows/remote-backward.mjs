import { openRemoteScrivener } from 'rx-scrivener/http';
import { compare, perStep } from '../compare.mjs';
import { servedJournal } from '../served-journal.mjs';

const COUNT = 50_000;
const server = await servedJournal(COUNT);
const remote = await openRemoteScrivener({ url: `${server.url}/journal` });

export const what = '`readBackward` of a remote journal, in another process, 50k entries';
export const against = '`tail(0)` of the same';
export const atMost = 3_000;
export const unit = 'ns an entry';
export const absolute = true;

async function read(records, first, step) {
  let next = first;
  const figure = await perStep(COUNT, async () => {
    for await (const { position } of records) {
      if (position !== next) throw new Error(`Expected position ${next}, got ${position}`);
      next += step;
      if (next < 1 || next > COUNT) break;
    }
  });
  if (next >= 1 && next <= COUNT) throw new Error(`Expected ${COUNT} entries, the next one is ${next}`);
  return figure;
}

export const run = async () => {
  const ours = () => read(remote.readBackward(), COUNT, -1);
  const theirs = () => read(remote.tail(0), 1, 1);
  const figures = await compare({ rounds: 7, warmUps: 1, ours, theirs });
  await remote.close();
  server.stop();
  return { ...figures, ratio: figures.ours, ratios: figures.ratios.map((ratio) => ratio * figures.theirs) };
};
