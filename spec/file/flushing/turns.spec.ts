import { statSync } from 'node:fs';
import { openFileScrivener } from 'rx-scrivener/file';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

/** A line of about 1 kB. */
const TEXT = 'x'.repeat(1_000);

async function open() {
  return openFileScrivener<string>({ filePath: path('talk.ndjson'), flushThreshold: 100, flushIntervalMs: Infinity });
}

test('what a loop of awaited writes writes is in the file before it ends', async () => {
  const scrivener = await open();
  for (let n = 1; n <= 40_000; n++) if ((await scrivener.write(TEXT)) !== n) throw new Error(`Expected ${n}`);
  expect(scrivener.flushed).toBeGreaterThan(0);
  expect(statSync(path('talk.ndjson')).size).toBeGreaterThan(TEXT.length);
  await scrivener.close();
});

test('groups, too', async () => {
  const scrivener = await open();
  for (let n = 0; n < 10_000; n++) {
    const [first] = await scrivener.writeAll([TEXT, TEXT, TEXT]);
    if (first !== 3 * n + 1) throw new Error(`Expected ${3 * n + 1}`);
  }
  expect(scrivener.flushed).toBeGreaterThan(0);
  await scrivener.close();
});

test('a write that is followed by little waits for nothing', async () => {
  const scrivener = await open();
  let turned = false;
  setImmediate(() => (turned = true));
  for (let n = 0; n < 100; n++) await scrivener.write(TEXT);
  expect(turned).toBe(false);
  await scrivener.close();
});

test('a writer whose flusher has failed lets others have a turn, too', async () => {
  const scrivener = await openFileScrivener<string>({
    filePath: path('talk.ndjson'),
    sink: { append: async () => Promise.reject(new Error('full')) },
    flushThreshold: 1,
  });
  await scrivener.write(TEXT);
  await scrivener.flusher.waitForFailure();
  let turned = false;
  setImmediate(() => (turned = true));
  for (let n = 0; n < 1_100; n++) await scrivener.write(TEXT);
  expect(turned).toBe(true);
  await expect(scrivener.close()).rejects.toThrow('full');
});
