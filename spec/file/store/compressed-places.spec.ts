import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openFileReader, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { outcomeOf, until } from '../support/outcome';
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

test('a segment that another program has compressed anew is read as well', async () => {
  writeFileSync(path('other.gz'), gzipSync(gunzipSync(readFileSync(segment()))));
  renameSync(path('other.gz'), segment());
  const scrivener = await opened();
  for (const after of [0, 5_000, LAST - 1])
    expect(await recordsFrom(scrivener.tail(after), LAST + 1 - after)).toEqual(expected(after + 1, LAST + 1));
  expect((await recordsFrom(scrivener.readBackward(9_000), 8_999)).reverse()).toEqual(expected(1, 8_999));
  await scrivener.close();
});

test('a segment whose last member is missing is damaged, whoever reads it', async () => {
  const bytes = readFileSync(segment());
  const last = bytes.lastIndexOf(Buffer.from([0x1f, 0x8b, 8, 4]));
  expect(last).toBeGreaterThan(0);
  writeFileSync(segment(), bytes.subarray(0, last));
  const code = 'ERR_CORRUPT_JOURNAL';
  await expect(opened().then((scrivener) => recordsFrom(scrivener.tail(0), LAST + 1))).rejects.toMatchObject({ code });
  expect((await outcomeOf(readJournal<string>(filePath(), { after: 5_000 }))).error).toMatchObject({ code });
});
