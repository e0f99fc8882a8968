import { rm } from 'node:fs/promises';
import { openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { countLines } from '../lines.mjs';
import { openPeer } from '../peers.mjs';
import { temporaryFile } from '../temporary-file.mjs';

const WRITERS = 64;
const COUNT = WRITERS * 32;
const entries = Array.from({ length: COUNT }, (_, n) => entry(n));

async function ours() {
  const filePath = temporaryFile();
  const scrivener = await openFileScrivener({ filePath, durability: 'disk', flushThreshold: 1 });
  async function write(writer) {
    for (let n = writer; n < COUNT; n += WRITERS) await scrivener.whenFlushed(await scrivener.write(entries[n]));
  }
  const figure = await perStep(COUNT, () => Promise.all(Array.from({ length: WRITERS }, (_, n) => write(n))));
  check(scrivener.flushed);
  check(await countLines(filePath));
  await scrivener.close();
  await rm(filePath);
  return figure;
}

async function theirs(peer) {
  const path = temporaryFile();
  const store = await openPeer(peer, path, { synchronous: 'FULL', transaction: 1 });
  const figure = await perStep(COUNT, () => store.append(entries));
  check(store.count());
  store.close();
  await rm(path);
  return figure;
}

function check(count) {
  if (count !== COUNT) throw new Error(`Expected ${COUNT} entries, got ${count}`);
}

export const rowOf = (peer) => ({
  what: "`durability: 'disk'`, `flushThreshold: 1`, 64 writers, each waits for `whenFlushed` of its own",
  against: `${peer}: WAL, \`synchronous = FULL\`, a transaction each`,
  atMost: 0.15,
  unit: 'ns an entry',
  run: () => compare({ ours, theirs: () => theirs(peer) }),
});
