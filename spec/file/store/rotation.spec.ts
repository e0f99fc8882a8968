import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { project, type Projection } from 'rx-scrivener';
import {
  FileCheckpointStore,
  openFileScrivener,
  readJournal,
  type FileScrivener,
  type Rotation,
} from 'rx-scrivener/file';
import { SegmentRotation } from '../../../lib/file/store/segment-rotation';
import { Segments } from '../../../lib/file/store/segments';
import { journalText, positioned, textOf } from '../support/journal-text';
import { openDescriptors } from '../support/open-descriptors';
import { outcomeOf, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const segment = (first: number) => path(`journal.ndjson.${String(first).padStart(16, '0')}`);
const files = () =>
  readdirSync(path())
    .filter((name) => !name.endsWith('.lock'))
    .sort();
const manifest = () => JSON.parse(textOf(path('journal.ndjson.segments'))) as unknown;

const open = (rotation: Rotation, retain?: number) =>
  openFileScrivener<number>({ filePath: filePath(), rotation, ...(retain === undefined ? {} : { retain }) });

/** Writes the numbers from one to another, each a batch of its own. */
async function fill(scrivener: FileScrivener<number>, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    await scrivener.write(n);
    await scrivener.flush();
  }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const all = (scrivener: FileScrivener<number>, from: number, to: number) =>
  firstValueFrom(scrivener.tail(from - 1).pipe(take(to - from + 1), toArray()));

/** So many bytes have two entries. */
const TWO = journalText([1, 2]).length;

test('a file that is full is closed before the next batch, under the name of its first position', async () => {
  const scrivener = await open({ maxBytes: TWO });
  await fill(scrivener, 1, 5);
  expect(files()).toEqual([
    'journal.ndjson',
    'journal.ndjson.0000000000000001',
    'journal.ndjson.0000000000000003',
    'journal.ndjson.segments',
  ]);
  expect(textOf(segment(1))).toBe(journalText([1, 2]));
  expect(textOf(segment(3))).toBe(journalText([3, 4], 3));
  expect(textOf(filePath())).toBe(journalText([5], 5));
  expect(manifest()).toEqual({
    schemaVersion: '1',
    id: expect.stringMatching(/^[-0-9a-f]{36}$/) as string,
    first: 1,
    active: 5,
    begunMs: expect.any(Number) as number,
    last: 4,
    closed: 2,
  });
  await scrivener.close();

  const again = await open({ maxBytes: TWO });
  expect(again.recovered).toEqual({ entries: 5, lastPosition: 5, truncatedBytes: 0 });
  expect(await all(again, 1, 5)).toEqual(positioned(numbers(1, 5)));
  await fill(again, 6, 7);
  await again.close();
  expect(textOf(filePath())).toBe(journalText([7], 7));
});

test('a file that is old enough is closed, and an empty one is not', async () => {
  const scrivener = await open({ maxAgeMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await fill(scrivener, 1, 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await fill(scrivener, 2, 2);
  await scrivener.close();
  expect(textOf(segment(1))).toBe(journalText([1]));
  expect(textOf(filePath())).toBe(journalText([2], 2));
});

describe('a checkpoint that retention waits for', () => {
  const at = (position: unknown) => ({ load: async () => ({ position: position as number, state: 0 }) });
  test.each<[name: string, keep: Rotation['keep'], first: number]>([
    ['none', { checkpoint: { load: async () => undefined } }, 1],
    ['one that cannot be loaded', { checkpoint: { load: () => Promise.reject(new Error('boom')) } }, 1],
    ['in the first segment', { checkpoint: at(1) }, 1],
    ['at the end of the first', { checkpoint: at(2) }, 3],
    ['in the third', { checkpoint: at(5) }, 5],
    ['at the end of the last', { checkpoint: at(6) }, 7],
    ['past the journal’s end', { checkpoint: at(100) }, 1],
    ['that has no position', { checkpoint: at(undefined) }, 1],
    ['beside a limit that keeps more', { checkpoint: at(6), segments: 2 }, 3],
    ['beside a limit that keeps less', { checkpoint: at(3), segments: 0 }, 3],
  ])('%s', async (_, keep, first) => {
    const scrivener = await open({ maxBytes: TWO });
    await fill(scrivener, 1, 6);
    await scrivener.close();
    const keeping = await open({ maxBytes: TWO, keep: keep! }, 1);
    await fill(keeping, 7, 7);
    expect(keeping.first).toBe(first);
    expect(await all(keeping, first, 7)).toEqual(positioned(numbers(first, 7), first));
    await keeping.close();
  });

  test('the state continues after what was retired', async () => {
    const sum: Projection<number, number> = { initial: () => 0, evolve: (sum, n) => sum + n };
    const checkpoints = new FileCheckpointStore<number>(path('sum.json'));
    let scrivener = await open({ maxBytes: TWO, keep: { checkpoint: checkpoints } });
    const done = lastValueFrom(project(scrivener, sum, { checkpoints, every: 1 }));
    await fill(scrivener, 1, 20);
    await scrivener.close();
    expect(await done).toEqual({ position: 20, state: 210 });

    scrivener = await open({ maxBytes: TWO, keep: { checkpoint: checkpoints } }, 1);
    await fill(scrivener, 21, 22);
    expect(scrivener.first).toBeGreaterThan(10);
    expect(await firstValueFrom(project(scrivener, sum, { checkpoints }))).toEqual({ position: 22, state: 253 });
    await scrivener.close();
  });
});

test.each<[name: string, keep: Rotation['keep'], first: number]>([
  ['segments', { segments: 1 }, 5],
  ['no segment', { segments: 0 }, 7],
  ['bytes', { bytes: 2 * TWO }, 3],
  ['what is young enough', { ageMs: 60_000 }, 5],
  ['the strictest', { segments: 2, bytes: 0 }, 7],
])('retention keeps %s', async (_, keep, first) => {
  const scrivener = await open({ maxBytes: TWO }, 1);
  await fill(scrivener, 1, 6);
  await scrivener.close();
  const longAgo = new Date(Date.now() - 120_000);
  for (const n of [1, 3]) utimesSync(segment(n), longAgo, longAgo);

  const keeping = await open({ maxBytes: TWO, keep: keep! }, 1);
  await fill(keeping, 7, 7);
  expect(files().filter((name) => /\d{16}/.test(name))).toHaveLength((7 - first) / 2);
  expect(manifest()).toMatchObject({ first });
  const trimmed = { code: 'ERR_POSITION_TRIMMED', requested: 1, first };
  if (first > 1) expect((await outcomeOf(keeping.tail())).error).toMatchObject(trimmed);
  expect(await all(keeping, first, 7)).toEqual(positioned(numbers(first, 7), first));
  const backward = await outcomeOf(keeping.readBackward());
  expect(backward.values).toEqual(positioned(numbers(first, 7), first).reverse());
  expect(backward.error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: first - 1, first });
  await keeping.close();

  const reopened = await open({});
  expect(reopened.recovered).toMatchObject({ entries: 7 - first + 1, lastPosition: 7 });
  expect(await reopened.write(8)).toBe(8);
  await reopened.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(numbers(first, 8), first));
  expect((await outcomeOf(readJournal(filePath(), { after: 0 }))).error).toMatchObject(trimmed);
  expect((await outcomeOf(readJournal(filePath(), { after: first }))).values).toHaveLength(8 - first);
});

test('what is retired is dropped from memory, too', async () => {
  const scrivener = await open({ maxBytes: TWO, keep: { segments: 0 } });
  await fill(scrivener, 1, 5);
  expect((await outcomeOf(scrivener.tail())).error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', first: 5 });
  await scrivener.close();
});

test('closed segments are compressed, for any tool to read, and read as before', async () => {
  const scrivener = await open({ maxBytes: TWO, compress: 'gzip' }, 1);
  await fill(scrivener, 1, 6);
  await scrivener.close();
  expect(files()).toContain('journal.ndjson.0000000000000003.gz');
  expect(gunzipSync(readFileSync(`${segment(1)}.gz`)).toString()).toBe(journalText([1, 2]));
  expect(existsSync(segment(1))).toBe(false);

  const again = await open({}, 1);
  expect(await all(again, 1, 6)).toEqual(positioned(numbers(1, 6)));
  expect(await lastValueFrom(again.readBackward().pipe(toArray()))).toEqual(positioned(numbers(1, 6)).reverse());
  await again.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(numbers(1, 6)));
});

test('segments that are retired while they are compressed leave nothing behind', async () => {
  const scrivener = await open({ maxBytes: TWO, compress: 'gzip', keep: { segments: 1 } }, 1);
  await fill(scrivener, 1, 61);
  await scrivener.close();
  expect(files()).toEqual(['journal.ndjson', 'journal.ndjson.0000000000000059.gz', 'journal.ndjson.segments']);
  if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
});

test('a segment that is gone when its turn to be compressed comes leaves nothing behind', async () => {
  const found = { ino: 0n, bytes: TWO, bytesOnDisk: TWO, mtimeMs: 0, compressed: false, index: undefined };
  const gone = { ...found, filePath: segment(1), first: 1, last: 2 };
  const active = { ...found, filePath: filePath(), first: 3, last: 2 };
  const onRecord = { id: undefined, first: 1, active: 3, begunMs: 0, last: 2, closed: 1 };
  const rotation = new SegmentRotation(filePath(), { compress: 'gzip' }, new Segments([gone], active), onRecord);
  await rotation.tidy();
  await rotation.stop();
  expect(files()).toEqual([]);
  if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
});

test('what a crash leaves of compressing and retiring is removed', async () => {
  const scrivener = await open({ maxBytes: TWO });
  await fill(scrivener, 1, 5);
  await scrivener.close();
  writeFileSync(`${segment(1)}.gz`, gzipSync(readFileSync(segment(1)))); // the plain one was about to be removed
  writeFileSync(`${segment(3)}.gz.tmp`, 'half');
  writeFileSync(path('journal.ndjson.segments.0a1b.tmp'), 'half');
  const again = await open({ maxBytes: TWO });
  expect(await all(again, 1, 5)).toEqual(positioned(numbers(1, 5)));
  await again.close();
  expect(files()).toEqual([
    'journal.ndjson',
    'journal.ndjson.0000000000000001.gz',
    'journal.ndjson.0000000000000003',
    'journal.ndjson.segments',
  ]);
});

test('a crash between closing a segment and beginning the next file leaves it whole', async () => {
  const scrivener = await open({ maxBytes: TWO });
  await fill(scrivener, 1, 5);
  await scrivener.close();
  copyFileSync(filePath(), segment(5));
  rmSync(filePath());
  const again = await open({ maxBytes: TWO });
  expect(again.recovered).toMatchObject({ entries: 5, lastPosition: 5 });
  expect(await again.write(6)).toBe(6);
  await again.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(numbers(1, 6)));
});

test.each([1, 3])('a segment that is missing is no retired one (%i)', async (first) => {
  const scrivener = await open({ maxBytes: TWO });
  await fill(scrivener, 1, 5);
  await scrivener.close();
  rmSync(segment(first));
  await expect(open({})).rejects.toMatchObject({
    code: 'ERR_CORRUPT_JOURNAL',
    reason: expect.stringContaining(`position ${first} is missing`) as string,
  });
  expect((await outcomeOf(readJournal(filePath()))).error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
});

test('a follower continues from file to file', async () => {
  const scrivener = await open({ maxBytes: TWO, compress: 'gzip' });
  await fill(scrivener, 1, 3);
  const values: number[] = [];
  const following = readJournal<number>(filePath(), { follow: true }).subscribe(({ entry }) => values.push(entry));
  await until(() => values.length === 3);
  await fill(scrivener, 4, 20);
  await until(() => values.length === 20);
  expect(values).toEqual(numbers(1, 20));
  following.unsubscribe();
  await scrivener.close();
});

test('a reader is not disturbed by a rotation', async () => {
  const scrivener = await open({ maxBytes: 10 * TWO, compress: 'gzip' }, 1);
  await fill(scrivener, 1, 15);
  const seen: number[] = [];
  for await (const { entry } of scrivener.tail()) {
    seen.push(entry);
    if (entry === 1) await fill(scrivener, 16, 50);
    if (entry === 50) break;
  }
  expect(seen).toEqual(numbers(1, 50));
  await scrivener.close();
});

test('groups stay together', async () => {
  const scrivener = await open({ maxBytes: 1 });
  await scrivener.writeAll([1, 2, 3]);
  await scrivener.flush();
  await scrivener.writeAll([4, 5, 6]);
  await scrivener.close();
  expect(textOf(segment(1)).split('\n')).toHaveLength(4);
  expect(statSync(filePath()).size).toBe(statSync(segment(1)).size);
});

test.each<[Rotation, RegExp]>([
  [{ maxBytes: 0 }, /rotation\.maxBytes/],
  [{ maxAgeMs: 1.5 }, /rotation\.maxAgeMs/],
  [{ keep: { checkpoint: {} as never } }, /rotation\.keep\.checkpoint/],
  [{ keep: { segments: -1 } }, /rotation\.keep\.segments/],
  [{ keep: { bytes: NaN } }, /rotation\.keep\.bytes/],
  [{ keep: { ageMs: -1 } }, /rotation\.keep\.ageMs/],
  [{ compress: 'zip' as 'gzip' }, /rotation\.compress/],
])('%j is no rotation', async (rotation, message) => {
  await expect(open(rotation)).rejects.toThrow(message);
});
