import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { JsonEntrySerializer } from 'rx-scrivener';
import { openFileReader, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { BesidePages } from '../../../lib/file/follow/beside-pages';
import { journalText, positioned } from '../support/journal-text';
import { outcomeOf, until } from '../support/outcome';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { useTempDir } from '../support/temp-dir';

/** A closed segment of several members, and an active file: in a journal that keeps one entry in memory. */
const LAST = 12_000;
const TEXT = 'x'.repeat(80);
const path = useTempDir();
const filePath = () => path('journal.ndjson');
const segment = () => path('journal.ndjson.0000000000000001.gz');
const opened = () => openFileScrivener<string>({ filePath: filePath(), retain: 1 });
const entry = (position: number) => `${TEXT}${position}`;

beforeEach(async () => {
  const rotation = { maxBytes: 1_000_000, compress: 'gzip' } as const;
  const scrivener = await openFileScrivener<string>({ filePath: filePath(), retain: 1, rotation });
  for (let position = 1; position <= LAST; position++) scrivener.append(entry(position));
  await scrivener.flush();
  await scrivener.write(entry(LAST + 1));
  await until(() => {
    try {
      return readFileSync(segment()).length > 0;
    } catch {
      return false;
    }
  });
  await scrivener.close();
});

const recordsFrom = async (stream: AsyncIterable<{ position: number; entry: string }>, count: number) => {
  const records = [];
  for await (const record of stream) if (records.push(record) === count) break;
  return records;
};
const expected = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ position: from + index, entry: entry(from + index) }));

const AFTER = [0, 1, 2_000, 2_500, 5_000, 11_990, LAST - 1, LAST];

test.each(['scrivener', 'reader'] as const)('a %s reads from any position, forward and backward', async (kind) => {
  const scrivener = kind === 'scrivener' ? await opened() : await openFileReader<string>({ filePath: filePath() });
  for (const after of AFTER) {
    const records = await recordsFrom(scrivener.tail(after), LAST + 1 - after);
    expect(records).toEqual(expected(after + 1, LAST + 1));
    if (after === 0) continue;
    const backward = await recordsFrom(scrivener.readBackward(after + 1), after);
    expect(backward.reverse()).toEqual(expected(1, after));
  }
  await scrivener.close();
});

test('`readJournal` reads after any position', async () => {
  for (const after of AFTER) {
    const { values, error } = await outcomeOf(readJournal<string>(filePath(), { after }));
    expect([error, values]).toEqual([undefined, expected(after + 1, LAST + 1)]);
  }
});

describe('with damage at its beginning', () => {
  beforeEach(() => {
    const file = openSync(segment(), 'r+');
    writeSync(file, Buffer.alloc(200, 0x55), 0, 200, 100);
    closeSync(file);
  });

  test('what lies far after it is read all the same, for nothing before it is decompressed', async () => {
    const scrivener = await opened();
    expect(await recordsFrom(scrivener.tail(11_000), 500)).toEqual(expected(11_001, 11_500));
    expect((await recordsFrom(scrivener.readBackward(11_500), 500)).reverse()).toEqual(expected(11_000, 11_499));
    const damage = { code: 'ERR_CORRUPT_JOURNAL', filePath: segment() };
    expect((await outcomeOf(scrivener.tail(0))).error).toMatchObject(damage);
    await scrivener.close();
    const reader = await openFileReader<string>({ filePath: filePath() });
    expect(await recordsFrom(reader.tail(11_000), 500)).toEqual(expected(11_001, 11_500));
    expect((await recordsFrom(reader.readBackward(11_500), 500)).reverse()).toEqual(expected(11_000, 11_499));
    expect((await outcomeOf(reader.tail(0))).error).toMatchObject(damage);
    await reader.close();
    const { values } = await outcomeOf(readJournal<string>(filePath(), { after: 11_000 }));
    expect(values).toEqual(expected(11_001, LAST + 1));
    expect((await outcomeOf(readJournal<string>(filePath()))).error).toMatchObject(damage);
  });
});

test('a segment that another program has compressed again is read as well', async () => {
  writeFileSync(path('other.gz'), gzipSync(gunzipSync(readFileSync(segment()))));
  renameSync(path('other.gz'), segment());
  const scrivener = await opened();
  for (const after of [0, 5_000, LAST - 1])
    expect(await recordsFrom(scrivener.tail(after), LAST + 1 - after)).toEqual(expected(after + 1, LAST + 1));
  expect((await recordsFrom(scrivener.readBackward(9_000), 8_999)).reverse()).toEqual(expected(1, 8_999));
  await scrivener.close();
});

test('a segment whose last member is missing is damaged, for every reader', async () => {
  const bytes = readFileSync(segment());
  const last = bytes.lastIndexOf(Buffer.from([0x1f, 0x8b, 8, 4]));
  expect(last).toBeGreaterThan(0);
  writeFileSync(segment(), bytes.subarray(0, last));
  const code = 'ERR_CORRUPT_JOURNAL';
  await expect(opened().then((scrivener) => recordsFrom(scrivener.tail(0), LAST + 1))).rejects.toMatchObject({ code });
  expect((await outcomeOf(readJournal<string>(filePath(), { after: 5_000 }))).error).toMatchObject({ code });
});

describe.each(['scrivener', 'reader'] as const)('a %s in the middle of it', (kind) => {
  const open = () => (kind === 'scrivener' ? opened() : openFileReader<string>({ filePath: filePath() }));
  const held = () => openDescriptors(segment());

  onLinux('holds nothing once its readers have left', async () => {
    const scrivener = await open();
    await recordsFrom(scrivener.tail(5_000), 10);
    await recordsFrom(scrivener.readBackward(9_000), 10);
    const seen: number[] = [];
    await new Promise<void>((resolve) => {
      const subscription = scrivener.tail(3_000).subscribe(({ position }) => {
        if (seen.push(position) < 10) return;
        subscription.unsubscribe();
        resolve();
      });
    });
    await until(() => held().length === 0);
    expect(seen).toEqual(expected(3_001, 3_010).map(({ position }) => position));
    await scrivener.close();
  });

  onLinux('is aborted: the reason, and nothing is held', async () => {
    const scrivener = await open();
    const reason = new Error('enough');
    for (const direction of ['tail', 'readBackward'] as const) {
      const controller = new AbortController();
      const options = { signal: controller.signal };
      let count = 0;
      const read = async () => {
        const stream = direction === 'tail' ? scrivener.tail(4_000, options) : scrivener.readBackward(8_000, options);
        for await (const { position } of stream) if (position > 0 && ++count === 10) controller.abort(reason);
      };
      await expect(read()).rejects.toBe(reason);
      expect(count).toBe(10);
    }
    await until(() => held().length === 0);
    await scrivener.close();
  });

  test('and another one beside it read at the same time, each all of it', async () => {
    const scrivener = await open();
    const reads = [0, 6_000, 11_000].map((after) => recordsFrom(scrivener.tail(after), LAST + 1 - after));
    const [all, half, end] = await Promise.all(reads);
    expect(all).toEqual(expected(1, LAST + 1));
    expect(half).toEqual(expected(6_001, LAST + 1));
    expect(end).toEqual(expected(11_001, LAST + 1));
    await scrivener.close();
  });
});

test('closed in the middle of reading: what was read is right, and it ends', async () => {
  const scrivener = await opened();
  const read: { position: number; entry: string }[] = [];
  let error: unknown;
  try {
    for await (const record of scrivener.tail(0)) {
      if (read.push(record) === 10) await scrivener.close();
    }
  } catch (caught) {
    error = caught;
  }
  expect(read).toEqual(expected(1, read.length));
  expect(error === undefined ? read.length : error).toEqual(error === undefined ? LAST + 1 : expect.any(Error));
});

test('compressed while it is read: nothing is missing, nothing comes twice', async () => {
  const other = path('other.ndjson');
  const plain = await openFileScrivener<string>({ filePath: other, retain: 1 });
  for (let position = 1; position <= LAST; position++) plain.append(entry(position));
  await plain.close();
  const rotation = { maxBytes: 1_000_000, compress: 'gzip' } as const;
  const scrivener = await openFileScrivener<string>({ filePath: other, retain: 1, rotation });
  const read = scrivener.tail(0)[Symbol.asyncIterator]();
  const records = [(await read.next()).value];
  await scrivener.write(entry(LAST + 1));
  await scrivener.flush();
  await until(() => existsSync(`${other}.0000000000000001.gz`) && !existsSync(`${other}.0000000000000001`));
  while (records.length <= LAST) records.push((await read.next()).value);
  expect(records).toEqual(expected(1, LAST + 1));
  await read.return?.();
  await scrivener.close();
});

test('a reader does not take a new compressed segment for a retired one whose inode it has', async () => {
  const other = path('other.ndjson');
  const name = (first: number, end = '') => `${other}.${String(first).padStart(16, '0')}${end}`;
  const record = (first: number) =>
    writeFileSync(
      `${other}.segments`,
      JSON.stringify({
        schemaVersion: '1',
        id: 'one',
        first,
        active: 5,
        begunMs: 1,
        last: 4,
        closed: 3 - (first + 1) / 2,
      }),
    );
  writeFileSync(name(1, '.gz'), gzipSync(journalText(['a', 'b'])));
  writeFileSync(name(3), journalText(['c', 'd'], 3));
  writeFileSync(other, journalText(['e'], 5));
  record(1);
  const reader = await openFileReader<string>({ filePath: other, retain: 1 });
  expect((await outcomeOf(reader.readBackward())).values).toEqual(positioned(['a', 'b', 'c', 'd', 'e']).reverse());
  record(3);
  renameSync(name(1, '.gz'), name(3, '.gz'));
  writeFileSync(name(3, '.gz'), gzipSync(journalText(['c', 'd'], 3))); // the same inode
  rmSync(name(3));
  expect(await recordsFrom(reader.readBackward(5), 2)).toEqual([
    { position: 4, entry: 'd' },
    { position: 3, entry: 'c' },
  ]);
  await reader.close();
});

test.each([true, false])('a page of long entries is bounded by bytes (forward: %p)', async (isForward) => {
  const other = path('long.ndjson');
  const entries = Array.from({ length: 100 }, (_, n) => `${n} ${randomBytes(75_000).toString('base64')}`);
  const rotation = { maxBytes: 1_000_000, compress: 'gzip' } as const;
  const scrivener = await openFileScrivener<string>({ filePath: other, retain: 1, rotation });
  for (const text of entries) scrivener.append(text);
  await scrivener.flush();
  await scrivener.write('last');
  await until(() => existsSync(`${other}.0000000000000001.gz`) && !existsSync(`${other}.0000000000000001`));
  await scrivener.close();
  const format = { filePath: other, serializer: new JsonEntrySerializer<string>() };
  const pages = new BesidePages<string>(format, 1, () => 101);
  const page = isForward ? await pages.readAfter(50) : await pages.readBefore(51);
  expect(page.length).toBeLessThan(20);
  expect(page.at(isForward ? 0 : -1)).toEqual({ position: isForward ? 51 : 50, entry: entries[isForward ? 50 : 49] });
});
