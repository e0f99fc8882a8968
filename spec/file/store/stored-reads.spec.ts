import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { PageReader } from '../../../lib/file/store/page-reader';
import { line } from '../support/journal-text';
import { outcomeOf, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const opened = (config: Partial<FileScrivenerConfig<string>> = {}) =>
  openFileScrivener<string>({ filePath: filePath(), flushIntervalMs: Infinity, retain: 1, ...config });

/** What every way to read it gives: from each position on, and backward from the end. */
async function expectRead(scrivener: FileScrivener<string>, entries: readonly string[]) {
  for (const after of [0, 1, 2, 3, entries.length - 2]) {
    const read: string[] = [];
    for await (const { position, entry } of scrivener.tail(after)) {
      read.push(entry);
      if (position === entries.length) break;
    }
    expect(read).toEqual(entries.slice(after));
  }
  const { values, error } = await outcomeOf(scrivener.readBackward());
  expect([error, values.map(({ entry }) => entry).reverse()]).toEqual([undefined, entries]);
}

const LONG = ['a', 'b', 'c'].map((letter) => letter.repeat(70_000));
const continued = (text: string) => text.replace(/\}\n$/, ' }\n');

test('of a torn group nothing is left to read by', async () => {
  const torn = LONG.map((entry, index) => continued(line(index + 1, entry))).join('') + line(4, 'd').slice(0, 20);
  writeFileSync(filePath(), torn);
  const scrivener = await opened();
  expect(scrivener.recovered).toEqual({ entries: 0, lastPosition: 0, truncatedBytes: Buffer.byteLength(torn) });
  const entries = Array.from({ length: 2000 }, (_, index) => `entry ${index}`);
  for (const entry of entries) await scrivener.write(entry);
  await scrivener.flush();
  await expectRead(scrivener, entries);
  await scrivener.close();
});

test.each([undefined, 'crc32'] as const)(
  'groups longer than a stretch of the file are read from either end (checksum %p)',
  async (checksum) => {
    const entries = ['first', ...LONG, 'last'];
    let scrivener = await opened({ checksum });
    await scrivener.write('first');
    await scrivener.writeAll(LONG);
    await scrivener.write('last');
    await scrivener.flush();
    await expectRead(scrivener, entries);
    await scrivener.close();
    scrivener = await opened({ checksum });
    await expectRead(scrivener, entries);
    await scrivener.close();
  },
);

test.each([undefined, 'gzip'] as const)('many groups of many lines, in segments (compress %p)', async (compress) => {
  const rotation = { maxBytes: 200_000, ...(compress && { compress }) };
  const entries = Array.from({ length: 3000 }, (_, index) => `${index} ${'ü'.repeat(index % 300)}`);
  let scrivener = await opened({ rotation, flushThreshold: 150 });
  for (let from = 0; from < entries.length; from += 30) {
    await scrivener.writeAll(entries.slice(from, from + 30));
    await scrivener.flush();
  }
  await expectRead(scrivener, entries);
  await scrivener.close();
  scrivener = await opened({ rotation });
  await expectRead(scrivener, entries);
  await scrivener.close();
});

test.each([undefined, 'gzip'] as const)(
  'a reader that is slow while the file grows and is closed misses nothing (compress %p)',
  async (compress) => {
    const scrivener = await opened({ rotation: { maxBytes: 300, ...(compress && { compress }) } });
    const write = async (...entries: string[]) => {
      for (const entry of entries) await scrivener.write(entry);
      await scrivener.flush();
    };
    await write('1', '2', '3');
    const read: string[] = [];
    for await (const { position, entry } of scrivener.tail()) {
      read.push(entry);
      if (position === 1) {
        await write('4', '5');
        await write('x'.repeat(300));
        await write('7');
      }
      if (position === 7) break;
    }
    expect(read).toEqual(['1', '2', '3', '4', '5', 'x'.repeat(300), '7']);
    await scrivener.close();
  },
);

test('compressing is done before the journal is closed, and leaves the time of the last entry', async () => {
  const scrivener = await opened({ rotation: { maxBytes: 10 } });
  for (const entry of ['eins', 'zwei']) {
    await scrivener.write(entry);
    await scrivener.flush();
  }
  await scrivener.close();
  const segment = `${filePath()}.0000000000000001`;
  utimesSync(segment, 1e9, 1e9);
  const again = await opened({ rotation: { maxBytes: 10, compress: 'gzip' } });
  await again.close();
  await until(() => existsSync(`${segment}.gz`) && !existsSync(segment));
  expect(statSync(`${segment}.gz`).mtimeMs).toBe(1e12);
});

test('a page of a compressed segment is bounded by bytes, too: long entries do not fill the memory', async () => {
  const MB = 1024 * 1024;
  const text = lines(120, MB);
  writeFileSync(`${filePath()}.0000000000000001.gz`, gzipSync(text, { level: 1 }));
  writeFileSync(filePath(), line(121, 'last'));
  const scrivener = await opened({ rotation: { maxBytes: 200 * MB } });
  const pages = jest.spyOn(PageReader.prototype, 'after');
  let position = 0;
  for await (const record of scrivener.tail()) {
    expect(record.position).toBe(++position);
    if (position === 121) break;
  }
  const sizes = await Promise.all(
    pages.mock.results.map(async ({ value }) => (await (value as Promise<unknown[]>)).length),
  );
  expect(Math.max(...sizes)).toBeLessThanOrEqual(34);
  await scrivener.close();
});

function lines(count: number, length: number): string {
  return Array.from({ length: count }, (_, index) => line(index + 1, 'x'.repeat(length))).join('');
}
