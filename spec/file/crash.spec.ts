import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { useChildren } from './support/child';
import { textOf } from './support/journal-text';
import { outcomeOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const child = useChildren();

test('what was reported as flushed survives every crash, in order and once', async () => {
  const filePath = path('journal.ndjson');
  let before = 0;
  for (let round = 1; round <= 10; round++) {
    const writer = child(['write', filePath]);
    // Killed behind a report, at a random moment up to some milliseconds later.
    const reports = 2 + Math.floor(Math.random() * 20);
    for (let i = 0; i < reports; i++) await writer.says();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    await writer.crash();
    const reported = Math.max(...writer.said.map((text) => Number(/^flushed (\d+)$/.exec(text)?.[1])));
    expect(reported).toBeGreaterThanOrEqual(before);

    const read = await outcomeOf(readJournal<{ n: number }>(filePath));
    expect(read.error).toBeUndefined();
    const scrivener = await openFileScrivener<{ n: number; text: string }>({ filePath });
    const { entries, lastPosition, truncatedBytes } = scrivener.recovered;
    expect(entries).toBeGreaterThanOrEqual(reported);
    expect(lastPosition).toBe(entries);
    expect(truncatedBytes).toBeGreaterThanOrEqual(0);
    let next = 1;
    scrivener.tail().subscribe(({ position, entry }) => {
      expect([position, entry.n, entry.text]).toEqual([next, next, 'ü🙂'.repeat((next * 7919) % 400)]);
      next++;
    });
    expect(next).toBe(entries + 1);
    expect(read.values.length).toBe(entries);
    await scrivener.close();
    expect(textOf(filePath).endsWith('\n')).toBe(true);
    before = entries;
  }
  expect(before).toBeGreaterThan(100);
}, 60_000);
