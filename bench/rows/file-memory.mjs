import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { openFileScrivener } from 'rx-scrivener/file';
import { fill } from '../large-journal.mjs';
import { temporaryFile } from '../temporary-file.mjs';

// A few entries try the row, the limit is for all of them: `BENCH_ENTRIES=200000 npm run bench -- file-memory`.
const COUNT = Number(process.env.BENCH_ENTRIES ?? 10_000_000);
const BYTES_PER_ENTRY = 250;
const MB = 1e6;

export const what = `peak resident memory, ${COUNT.toLocaleString('en')} entries written, then read from 0, \`retain: 10_000\``;
export const against = 'the process before it';
export const atMost = 250;
export const unit = 'MB';
export const absolute = true;

export async function run() {
  const { bavail, bsize } = await statfs(tmpdir());
  const needed = COUNT * BYTES_PER_ENTRY;
  if (bavail * bsize < needed)
    throw new Error(`Expected ${needed / MB} MB free in ${tmpdir()}, got ${(bavail * bsize) / MB}`);

  const theirs = process.memoryUsage.rss() / MB;
  const scrivener = await openFileScrivener({ filePath: temporaryFile(), retain: 10_000 });
  await fill(scrivener, COUNT);
  let last = 0;
  for await (const { position } of scrivener.tail(0)) {
    if (position !== ++last) throw new Error(`Expected position ${last}, got ${position}`);
    if (position === COUNT) break;
  }
  if (last !== COUNT) throw new Error(`Expected ${COUNT} entries, got ${last}`);
  await scrivener.close();
  const peak = (process.resourceUsage().maxRSS * 1024) / MB;
  return { theirs, ours: peak, ratio: peak, ratios: [peak] };
}
