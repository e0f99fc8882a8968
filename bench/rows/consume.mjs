import { rm } from 'node:fs/promises';
import { lastValueFrom, takeWhile } from 'rxjs';
import { consume } from 'rx-scrivener';
import { FileBookmarkStore, openFileScrivener } from 'rx-scrivener/file';
import { compare, perStep } from '../compare.mjs';
import { largeJournal } from '../large-journal.mjs';
import { temporaryFile } from '../temporary-file.mjs';

const COUNT = 200_000;
const scrivener = await openFileScrivener({ filePath: await largeJournal(COUNT) });

export const what = '`consume` of a journal with a `FileBookmarkStore`, to the last bookmark on the disk';
export const against = 'the handler alone, in a `for await` over the tail';
export const atMost = 5_000;
export const unit = 'ns an entry';
/** Nanoseconds more, not times as many. */
export const difference = true;

let handled = 0;
const handle = async ({ entry }) => {
  if (entry.type === 'Said') handled++;
};
const check = () => {
  if (handled !== COUNT) throw new Error(`Expected ${COUNT} entries to be handled, got ${handled}`);
  handled = 0;
};

async function ours() {
  const path = temporaryFile();
  const bookmarks = new FileBookmarkStore(path);
  const figure = await perStep(COUNT, () =>
    lastValueFrom(consume(scrivener, bookmarks, handle).pipe(takeWhile((position) => position < COUNT, true))),
  );
  check();
  const saved = await new FileBookmarkStore(path).load();
  if (saved !== COUNT) throw new Error(`Expected the bookmark at ${COUNT}, got ${saved}`);
  await rm(path);
  return figure;
}

async function theirs() {
  const figure = await perStep(COUNT, async () => {
    for await (const record of scrivener.tail(0)) {
      await handle(record);
      if (record.position === COUNT) break;
    }
  });
  check();
  return figure;
}

export const run = async () => {
  const figures = await compare({ rounds: 5, warmUps: 1, difference, ours, theirs });
  await scrivener.close();
  return figures;
};
