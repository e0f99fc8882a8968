import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { openRemoteScrivener } from 'rx-scrivener/http';
import { compare, perStep } from '../compare.mjs';
import { servedJournal } from '../served-journal.mjs';

const COUNT = 200_000;
const server = await servedJournal(COUNT);
const remote = await openRemoteScrivener({ url: `${server.url}/journal` });

export const what = '`for await` over `tail(0)` of a remote journal of 200k entries, in another process';
export const against = '`fetch` of its file as NDJSON, readline + JSON.parse';
export const atMost = 1.25;
export const unit = 'ns an entry';

let characters;
function check(last, sum) {
  characters ??= sum;
  if (last !== COUNT || sum !== characters)
    throw new Error(`Expected ${COUNT} entries, ${characters} characters, got ${last}, ${sum}`);
}

async function read(records) {
  let last = 0;
  let sum = 0;
  const figure = await perStep(COUNT, async () => {
    for await (const { position, entry } of records()) {
      if (position !== last + 1) throw new Error(`Expected position ${last + 1}, got ${position}`);
      last = position;
      sum += entry.text.length;
      if (last === COUNT) break;
    }
  });
  check(last, sum);
  return figure;
}

async function* parsed() {
  const { body } = await fetch(`${server.url}/lines`);
  const lines = createInterface({ input: Readable.fromWeb(body), crlfDelay: Infinity });
  for await (const line of lines) yield JSON.parse(line);
}

export const run = async () => {
  const figures = await compare({
    rounds: 5,
    warmUps: 1,
    ours: () => read(() => remote.tail(0)),
    theirs: () => read(parsed),
  });
  await remote.close();
  server.stop();
  return figures;
};
