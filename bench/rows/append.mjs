import { open, rm, stat } from 'node:fs/promises';
import { openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { howOf, openPeer } from '../peers.mjs';
import { SHAPES } from '../shapes.mjs';
import { temporaryFile } from '../temporary-file.mjs';

const COUNT = 200_000;
const WHAT = 'append, default options, `await write` each, until all is in the file';
const unit = 'ns an entry';

/** @returns {Promise<{ figure: number, bytes: number }>} */
async function append(entries) {
  const filePath = temporaryFile();
  const scrivener = await openFileScrivener({ filePath, durability: 'os' });
  const figure = await perStep(entries.length, async () => {
    for (const entry of entries) await scrivener.write(entry);
    await scrivener.flush();
  });
  await scrivener.close();
  return { figure, bytes: await removed(filePath) };
}

/** What is the least that has to be done: nothing is joined that need not be, no object is made, and no key is sorted. */
async function appendBare(entries) {
  const filePath = temporaryFile();
  const file = await open(filePath, 'a');
  const figure = await perStep(entries.length, async () => {
    for (let n = 0; n < entries.length;) {
      let text = '';
      for (const end = n + 1_000; n < end; n++)
        text += '{"schemaVersion":"1","position":' + (n + 1) + ',"entry":' + JSON.stringify(entries[n]) + '}\n';
      await file.write(Buffer.from(text));
    }
  });
  await file.close();
  return { figure, bytes: await removed(filePath) };
}

async function removed(filePath) {
  const { size } = await stat(filePath);
  await rm(filePath);
  return size;
}

function shapeRow(shape) {
  const { what, entry } = SHAPES[shape];
  const entries = Array.from({ length: shape === 'message' ? COUNT / 10 : COUNT }, (_, n) => entry(n));
  let expected;
  const figureOf = ({ figure, bytes }) => {
    expected ??= bytes;
    if (bytes !== expected) throw new Error(`Expected both files to have the same size, got ${expected} and ${bytes}`);
    return figure;
  };
  return {
    what: `${WHAT}: ${what}`,
    against: 'bare loop: JSON.stringify, 1,000 lines as one text, one FileHandle.write',
    atMost: 1.25,
    unit,
    run: () =>
      compare({
        ours: async () => figureOf(await append(entries)),
        theirs: async () => figureOf(await appendBare(entries)),
      }),
  };
}

async function peerRow(peer) {
  const entries = Array.from({ length: COUNT }, (_, n) => entry(n));
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
    what: `${WHAT}: three texts, 200 bytes a line`,
    against: `${peer}: ${await howOf(peer)}`,
    atMost: 0.8,
    unit,
    run: () => compare({ ours: async () => (await append(entries)).figure, theirs }),
  };
}

/** Against a bare loop, by the shape of the entries, or against a peer. */
export const rowOf = (variant) => (variant in SHAPES ? shapeRow(variant) : peerRow(variant));
