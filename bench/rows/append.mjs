import { open, rm, stat } from 'node:fs/promises';
import { openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { howOf, openPeer } from '../peers.mjs';
import { temporaryFile } from '../temporary-file.mjs';

const COUNT = 200_000;
const entries = Array.from({ length: COUNT }, (_, n) => entry(n));

export const what = 'append, default options, `await write` each, until all is in the file, 200-byte entries';
export const against = 'bare loop: JSON.stringify, join 1,000 lines, one FileHandle.write';
export const atMost = 1.25;
export const unit = 'ns an entry';

async function ours() {
  const filePath = temporaryFile();
  const scrivener = await openFileScrivener({ filePath, durability: 'os' });
  const figure = await perStep(COUNT, async () => {
    for (const entry of entries) await scrivener.write(entry);
    await scrivener.flush();
  });
  await scrivener.close();
  await finish(filePath);
  return figure;
}

async function theirs() {
  const filePath = temporaryFile();
  const file = await open(filePath, 'a');
  const figure = await perStep(COUNT, async () => {
    let lines = [];
    for (let n = 0; n < COUNT; n++) {
      lines.push(JSON.stringify({ schemaVersion: '1', position: n + 1, entry: entries[n] }));
      if (lines.length < 1_000) continue;
      await file.write(lines.join('\n') + '\n');
      lines = [];
    }
  });
  await file.close();
  await finish(filePath);
  return figure;
}

let bytes;
async function finish(filePath) {
  const { size } = await stat(filePath);
  bytes ??= size;
  if (size !== bytes) throw new Error(`Expected both files to have the same size, got ${bytes} and ${size}`);
  await rm(filePath);
}

export const run = () => compare({ ours, theirs });

/** The same against a peer. */
export async function peerRow(peer) {
  async function theirs() {
    const path = temporaryFile();
    const store = await openPeer(peer, path);
    const figure = await perStep(COUNT, () => store.append(entries));
    const count = await store.count();
    if (count !== COUNT) throw new Error(`Expected ${COUNT} entries in ${peer}, got ${count}`);
    await store.close();
    await rm(path, { recursive: true });
    return figure;
  }
  return {
    what,
    against: `${peer}: ${await howOf(peer)}`,
    atMost: 1,
    unit,
    run: () => compare({ ours, theirs }),
  };
}
