import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { openFileScrivener, type Rotation } from 'rx-scrivener/file';
import { journalText, line } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';

const command = useCommand();
const path = useTempDir();
const run = (...args: string[]) => command.run(args, path());

/** A journal of ten entries, two a file. */
async function rotated(rotation: Rotation = {}): Promise<void> {
  const scrivener = await openFileScrivener<number>({
    filePath: path('j.ndjson'),
    rotation: { maxBytes: journalText([1, 2]).length, ...rotation },
  });
  for (let n = 1; n <= 10; n++) {
    await scrivener.write(n);
    await scrivener.flush();
  }
  await scrivener.close();
}

test.each<[name: string, rotation: Rotation]>([
  ['closed', {}],
  ['compressed', { compress: 'gzip' }],
])('commands go over %s segments', async (_, rotation) => {
  await rotated(rotation);
  const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
  expect((await run('cat', 'j.ndjson')).stdout).toBe(journalText(numbers));
  expect((await run('cat', 'j.ndjson', '--after', '7')).stdout).toBe(journalText([8, 9, 10], 8));
  expect((await run('tail', '-n', '3', 'j.ndjson')).stdout).toBe(journalText([8, 9, 10], 8));
  expect((await run('verify', 'j.ndjson')).stdout).toBe('j.ndjson: 10 entries, last position 10\n');
  expect((await run('repair', 'j.ndjson', '--output', 'new.ndjson')).code).toBe(0);
  expect(readFileSync(path('new.ndjson'), 'utf8')).toBe(journalText(numbers));
});

test('a torn end is that of the active file', async () => {
  await rotated();
  appendFileSync(path('j.ndjson'), line(11, 11).slice(0, 9));
  expect((await run('verify', 'j.ndjson')).stdout).toBe(
    'j.ndjson: 10 entries, last position 10, then a torn end of 9 bytes\n',
  );
});

test('damage in a segment is found there, and what stands before it can be kept', async () => {
  await rotated();
  const segment = 'j.ndjson.0000000000000005';
  writeFileSync(path(segment), journalText([5, 6], 5).replace('6', 'x'));
  const { code, stdout } = await run('verify', 'j.ndjson');
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining(`${segment}, line 2`) as string });
  const repaired = await run('repair', 'j.ndjson');
  expect(repaired.code).toBe(1);
  expect(repaired.stderr).toContain('nothing behind it is kept of a journal of several files');
  expect(readFileSync(path('j.ndjson.repaired'), 'utf8')).toBe(journalText([1, 2, 3, 4, 5]));
});
