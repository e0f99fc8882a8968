import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { PositionTrimmedError } from 'rx-scrivener';
import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, line, positioned, textOf } from '../support/journal-text';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const renamed = () => path('journal.ndjson.1');
type Config = Partial<FileScrivenerConfig<string>>;
const opened = (config: Config = {}) =>
  openFileScrivener<string>({ filePath: filePath(), flushIntervalMs: Infinity, ...config });

let prototype: FileHandle;
beforeEach(async () => {
  prototype = await fileHandlePrototype(path('probe'));
});
afterEach(() => jest.restoreAllMocks());

async function flushed(scrivener: FileScrivener<string>, ...entries: string[]) {
  for (const entry of entries) await scrivener.write(entry);
  await scrivener.flush();
}

async function readAll(scrivener: FileScrivener<string>, after = 0) {
  const read: { position: number; entry: string }[] = [];
  for await (const record of scrivener.tail(after)) {
    read.push(record);
    if (record.position === scrivener.head) break;
  }
  return read;
}

async function readBack(scrivener: FileScrivener<string>) {
  const { values, error } = await outcomeOf(scrivener.readBackward());
  if (error !== undefined) throw error;
  return values.reverse();
}

const THREE = ['eins', 'zwei', 'drei'];
const SIX = [...THREE, 'vier', 'fünf', 'sechs'];

describe.each<[name: string, config: Config]>([
  ['all in memory', {}],
  ['one entry in memory', { retain: 1 }],
  ['one entry in memory, synced, with checksums', { retain: 1, durability: 'disk', checksum: 'crc32' }],
  ['one entry in memory, rotated', { retain: 1, rotation: { maxBytes: 10 } }],
])('the active file is renamed by somebody else (%s)', (_, config) => {
  test('it continues in a new one; in this process nothing is missing', async () => {
    const scrivener = await opened(config);
    await flushed(scrivener, ...THREE);
    await scrivener.write('vier'); // on neither
    renameSync(filePath(), renamed());
    const before = textOf(renamed());
    await flushed(scrivener, 'fünf', 'sechs');
    expect(scrivener.flushed).toBe(6);
    expect(textOf(renamed())).toBe(before);
    expect(await readAll(scrivener)).toEqual(positioned(SIX));
    expect(await readBack(scrivener)).toEqual(positioned(SIX));
    expect(await readAll(scrivener, 2)).toEqual(positioned(SIX.slice(2), 3));
    await scrivener.close();
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test('the next run begins after it, and positions continue', async () => {
    const scrivener = await opened(config);
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    await flushed(scrivener, ...SIX.slice(3));
    await scrivener.close();
    const again = await opened(config);
    expect(again.recovered).toEqual({ entries: 3, lastPosition: 6, truncatedBytes: 0 });
    expect(await rejectionOf(readAll(again))).toBeInstanceOf(PositionTrimmedError);
    expect(await rejectionOf(readAll(again))).toMatchObject({ requested: 1, first: 4 });
    expect(await readAll(again, 3)).toEqual(positioned(SIX.slice(3), 4));
    expect(await again.write('sieben')).toBe(7);
    await again.close();
  });

  test('again and again', async () => {
    const scrivener = await opened(config);
    for (const [index, entry] of SIX.entries()) {
      await flushed(scrivener, entry);
      renameSync(filePath(), path(`old.${index}`));
    }
    await flushed(scrivener, 'sieben');
    expect(await readAll(scrivener)).toEqual(positioned([...SIX, 'sieben']));
    await scrivener.close();
    const again = await opened(config);
    expect([again.recovered.entries, again.head]).toEqual([1, 7]);
    await again.close();
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test('and an empty one put in its place, as logrotate does', async () => {
    const scrivener = await opened(config);
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    writeFileSync(filePath(), '');
    await flushed(scrivener, ...SIX.slice(3));
    expect(await readAll(scrivener)).toEqual(positioned(SIX));
    await scrivener.close();
    const again = await opened(config);
    expect([again.recovered.entries, again.head]).toEqual([3, 6]);
    await again.close();
  });

  test('or deleted: what was in it is gone with this process, the rest continues', async () => {
    const scrivener = await opened(config);
    await flushed(scrivener, ...THREE);
    rmSync(filePath());
    await flushed(scrivener, ...SIX.slice(3));
    expect(await readAll(scrivener)).toEqual(positioned(SIX));
    await scrivener.close();
    const again = await opened(config);
    expect([again.recovered.entries, again.head]).toEqual([3, 6]);
    await again.close();
  });

  test('and moved back before anything was written: nothing has happened', async () => {
    const scrivener = await opened(config);
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    renameSync(renamed(), filePath());
    await flushed(scrivener, ...SIX.slice(3));
    await scrivener.close();
    const again = await opened(config);
    expect(await readAll(again)).toEqual(positioned(SIX));
    await again.close();
  });

  test.each([
    ['text', "somebody else's"],
    ['a journal', journalText(['other', 'another'])],
    ['a journal that fits', line(4, 'other')],
  ])('and another one put in its place (%s): that is not touched, and the flusher fails', async (_, text) => {
    const scrivener = await opened(config);
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    writeFileSync(filePath(), text);
    await scrivener.write('vier');
    const failure = await rejectionOf(scrivener.flush());
    expect(failure).toBeInstanceOf(Error);
    expect([textOf(filePath()), scrivener.flusher.status, scrivener.flushed]).toEqual([text, 'Failed', 3]);
    expect(await rejectionOf(scrivener.reopen())).toBeInstanceOf(Error);
    expect(textOf(filePath())).toBe(text);
    await scrivener.close().catch(() => undefined);
    expect(textOf(filePath())).toBe(text);
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });
});

describe('the active file is renamed, and something fails', () => {
  const failure = (code: string) => Object.assign(new Error(`${code}: injected`), { code });

  test('the list of segments, for a moment: the next run knows where it begins', async () => {
    const scrivener = await opened({ retry: { count: 3 } });
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    jest.spyOn(prototype, 'sync').mockRejectedValueOnce(failure('ENOSPC'));
    await flushed(scrivener, 'vier');
    await scrivener.close();
    const again = await opened();
    expect([again.recovered.entries, again.head]).toEqual([1, 4]);
    await again.close();
  });

  test('the list of segments: it continues with reopening', async () => {
    const scrivener = await opened();
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    jest.spyOn(prototype, 'sync').mockRejectedValueOnce(failure('EIO'));
    await scrivener.write('vier');
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'EIO' });
    await scrivener.reopen();
    await flushed(scrivener, 'fünf');
    await scrivener.close();
    const again = await opened();
    expect(await readAll(again, 3)).toEqual(positioned(['vier', 'fünf'], 4));
    await again.close();
  });

  test('the flusher before: it continues with reopening', async () => {
    const scrivener = await opened();
    await flushed(scrivener, ...THREE);
    jest.spyOn(prototype, 'write').mockRejectedValueOnce(failure('EIO'));
    await scrivener.write('vier');
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'EIO' });
    renameSync(filePath(), renamed());
    await scrivener.reopen();
    await flushed(scrivener, 'fünf');
    expect(await readAll(scrivener)).toEqual(positioned([...THREE, 'vier', 'fünf']));
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['vier', 'fünf'], 4));
  });

  onLinux('a later batch: after reopening all that was in memory still is, and nothing is held', async () => {
    const scrivener = await opened();
    await flushed(scrivener, ...THREE);
    renameSync(filePath(), renamed());
    await flushed(scrivener, 'vier');
    jest.spyOn(prototype, 'write').mockRejectedValueOnce(failure('EIO'));
    await scrivener.write('fünf');
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'EIO' });
    await scrivener.reopen();
    await flushed(scrivener, 'sechs');
    expect(await readAll(scrivener)).toEqual(positioned(SIX));
    await scrivener.close();
    expect(openDescriptors(path())).toEqual([]);
  });
});

test('renamed while a reader is on its way through it', async () => {
  const scrivener = await opened({ retain: 1 });
  await flushed(scrivener, ...THREE);
  const read: string[] = [];
  for await (const { position, entry } of scrivener.tail()) {
    read.push(entry);
    if (position === 1) {
      await flushed(scrivener, 'vier');
      renameSync(filePath(), renamed());
      await flushed(scrivener, 'fünf');
      await flushed(scrivener, 'sechs');
    }
    if (position === 6) break;
  }
  expect(read).toEqual(SIX);
  await scrivener.close();
});

test('renamed while closed: an empty journal', async () => {
  const scrivener = await opened();
  await flushed(scrivener, ...THREE);
  await scrivener.close();
  renameSync(filePath(), renamed());
  const again = await opened();
  expect(again.recovered).toEqual({ entries: 0, lastPosition: 0, truncatedBytes: 0 });
  await again.close();
  expect(existsSync(renamed())).toBe(true);
});

test("closed segments before the renamed file are kept as files, but are the journal's no more", async () => {
  const scrivener = await opened({ rotation: { maxBytes: 10 } });
  for (const entry of THREE) await flushed(scrivener, entry);
  renameSync(filePath(), renamed());
  await flushed(scrivener, 'vier');
  await scrivener.close();
  const again = await opened({ rotation: { maxBytes: 10 } });
  expect(again.recovered).toEqual({ entries: 1, lastPosition: 4, truncatedBytes: 0 });
  await again.close();
  expect(readdirSync(path()).filter((name) => /\d{16}$/.test(name)).length).toBe(2);
});

test("somebody else's line after the last one is damage at the next opening", async () => {
  const scrivener = await opened();
  await flushed(scrivener, ...THREE);
  await scrivener.close();
  appendFileSync(filePath(), 'x\n');
  expect(await rejectionOf(opened())).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 4 });
});
