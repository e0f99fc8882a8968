import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { lastValueFrom, take, toArray } from 'rxjs';
import { openFileReader, openFileScrivener, readJournal, type FileScrivenerConfig } from 'rx-scrivener/file';
import { journalFiles } from '../../../lib/cli/reading/journal-files';
import { line, positioned } from '../support/journal-text';
import { useTempDir } from '../support/temp-dir';

jest.mock('node:fs/promises', () => {
  const actual = jest.requireActual<typeof promises>('node:fs/promises');
  const counted = ['readdir', 'stat', 'lstat', 'open', 'readFile', 'rename', 'rm'] as const;
  const spied = counted.map((name) => [name, jest.fn(actual[name] as () => unknown)]);
  return { ...actual, ...Object.fromEntries(spied) } as typeof promises;
});
const listings = () => jest.mocked(promises.readdir).mock.calls.length;
const calls = () =>
  Object.values(promises).reduce<number>(
    (sum, value) => sum + (jest.isMockFunction(value) ? value.mock.calls.length : 0),
    0,
  );

const path = useTempDir();
const filePath = () => path('j');
const segment = (first: number) => path(`j.${String(first).padStart(16, '0')}`);
const numbers = (length: number) => Array.from({ length }, (_, index) => index + 1);
/** So many closed segments of one entry each, and an active one. */
function fill(closed: number): void {
  for (const n of numbers(closed)) writeFileSync(segment(n), line(n, n));
  writeFileSync(filePath(), line(closed + 1, closed + 1));
}
beforeEach(() => jest.clearAllMocks());

const reads: [name: string, read: () => Promise<unknown[]>][] = [
  ['readJournal', async () => lastValueFrom(readJournal<number>(filePath()).pipe(toArray()))],
  [
    'a reader beside the writer, forward',
    async () => {
      await using reader = await openFileReader<number>({ filePath: filePath() });
      return await lastValueFrom(reader.tail().pipe(take(reader.head), toArray()));
    },
  ],
  [
    'and backward',
    async () => {
      await using reader = await openFileReader<number>({ filePath: filePath() });
      return (await lastValueFrom(reader.readBackward().pipe(toArray()))).reverse();
    },
  ],
  [
    'the command',
    async () => {
      const found: unknown[] = [];
      for await (const { filePath: path } of journalFiles(filePath(), 1)) {
        const { position, entry } = JSON.parse(readFileSync(path, 'utf8')) as { position: number; entry: number };
        found.push({ position, entry });
      }
      return found;
    },
  ],
];

test.each(reads)('however many closed segments there are, %s lists the folder as often', async (_, read) => {
  const listed: number[] = [];
  for (const closed of [3, 60]) {
    fill(closed);
    jest.clearAllMocks();
    expect(await read()).toEqual(positioned(numbers(closed + 1)));
    listed.push(listings());
  }
  expect(listed[1]).toBe(listed[0]);
});

test('a rotation costs as much, and what is on record is as long', async () => {
  const costs: number[] = [];
  const open = (config: Partial<FileScrivenerConfig<number>>) =>
    openFileScrivener<number>({ filePath: filePath(), ...config });
  for (const closed of [3, 60]) {
    fill(closed);
    const scrivener = await open({ retain: 1, rotation: { maxBytes: 1 } });
    await scrivener.write(0);
    await scrivener.flush();
    jest.clearAllMocks();
    await scrivener.write(0);
    await scrivener.flush();
    costs.push(calls());
    await scrivener.close();
    expect(statSync(path('j.segments')).size).toBeLessThan(200);
    rmSync(path('j.segments'));
  }
  expect(costs[0]).toBeGreaterThan(0);
  expect(costs[1]).toBe(costs[0]);
});

/** Another process does so at any time. */
function compress(from: number, to: number): void {
  for (let first = from; first <= to; first++) {
    writeFileSync(`${segment(first)}.gz`, gzipSync(readFileSync(segment(first))));
    rmSync(segment(first));
  }
}

test('what is compressed after it was listed is read all the same', async () => {
  fill(5);
  const found: unknown[] = [];
  for await (const record of readJournal<number>(filePath())) {
    found.push(record);
    if (record.position === 1) compress(2, 4);
  }
  expect(found).toEqual(positioned(numbers(6)));
});

test('by a reader beside the writer, too, and what is closed after that', async () => {
  fill(5);
  await using reader = await openFileReader<number>({ filePath: filePath(), retain: 1 });
  const forward = () => lastValueFrom(reader.tail().pipe(take(8), toArray()));
  const backward = async () => (await lastValueFrom(reader.readBackward().pipe(toArray()))).reverse();
  const close = async (first: number) => {
    writeFileSync(`${segment(first)}.gz`, gzipSync(readFileSync(filePath())));
    await promises.rename(filePath(), segment(first));
    rmSync(segment(first));
    writeFileSync(filePath(), line(first + 1, first + 1));
  };
  expect(await backward()).toEqual(positioned(numbers(6)));
  compress(1, 5);
  expect(await backward()).toEqual(positioned(numbers(6)));
  await close(6);
  await reader.waitFor(6, () => true);
  expect(await backward()).toEqual(positioned(numbers(7)));
  await close(7);
  await reader.waitFor(7, () => true);
  expect(await forward()).toEqual(positioned(numbers(8)));
});

test('by the command', async () => {
  fill(5);
  const found: string[] = [];
  for await (const { filePath: path } of journalFiles(filePath(), 1)) {
    found.push(path);
    if (found.length === 1) compress(2, 4);
  }
  expect(found).toEqual([segment(1), ...[2, 3, 4].map((first) => `${segment(first)}.gz`), segment(5), filePath()]);
});

test.each([1, 2, 3, 6])(
  'a listing that misses a segment, since it is renamed meanwhile, makes no damage (%i times)',
  async (times) => {
    const rotation = { maxBytes: line(1, 1).length };
    const scrivener = await openFileScrivener<number>({ filePath: filePath(), rotation });
    for (const n of numbers(4)) {
      await scrivener.write(n);
      await scrivener.flush();
    }
    await scrivener.close();
    const { readdir } = jest.requireActual<typeof promises>('node:fs/promises');
    const found = (await readdir(path())).filter((name) => !name.endsWith('3'));
    for (let n = 0; n < times; n++) jest.mocked(promises.readdir).mockResolvedValueOnce(found as never);
    expect(await lastValueFrom(readJournal<number>(filePath()).pipe(toArray()))).toEqual(positioned(numbers(4)));
  },
);

test('a segment that is missing for good is damage', async () => {
  fill(3);
  rmSync(segment(3));
  const read = lastValueFrom(readJournal<number>(filePath()).pipe(toArray()));
  await expect(read).rejects.toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
});
