import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lastValueFrom, take } from 'rxjs';
import { consume, InMemoryScrivener, ScrivenerError } from 'rx-scrivener';
import { CorruptBookmarkError, FileBookmarkStore } from 'rx-scrivener/file';
import { useChildren } from './support/child';
import { fileHandlePrototype } from './support/file-handle';
import { textOf } from './support/journal-text';
import { onLinux, openDescriptors } from './support/open-descriptors';
import { rejectionOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const child = useChildren();
const filePath = () => path('bookmark.json');
const store = () => new FileBookmarkStore(filePath());
afterEach(() => jest.restoreAllMocks());

test('where nothing was saved it is START, and no file comes of it', async () => {
  expect(await store().load()).toBe(0);
  expect(await new FileBookmarkStore(path('a', 'b')).load()).toBe(0);
  expect(readdirSync(path())).toEqual([]);
});

test.each([0, 1, 7, Number.MAX_SAFE_INTEGER])('%i is loaded as it was saved, by another, too', async (position) => {
  const bookmarks = store();
  await bookmarks.save(position);
  expect(await bookmarks.load()).toBe(position);
  expect(await store().load()).toBe(position);
  expect(JSON.parse(textOf(filePath()))).toEqual({ position });
  expect(readdirSync(path())).toEqual(['bookmark.json']);
});

test('the newest counts, also when it is an earlier position', async () => {
  const bookmarks = store();
  for (const position of [1, 5, 3]) await bookmarks.save(position);
  expect(await store().load()).toBe(3);
});

test('directories are created', async () => {
  await new FileBookmarkStore(path('a', 'b', 'c')).save(1);
  expect(await new FileBookmarkStore(path('a', 'b', 'c')).load()).toBe(1);
});

test('saves at the same time end with the last of them, each when what it asked for is there', async () => {
  const bookmarks = store();
  const saves = Array.from({ length: 100 }, (_, n) =>
    bookmarks.save(n).then(async () => expect(await store().load()).toBeGreaterThanOrEqual(n)),
  );
  await Promise.all(saves);
  expect(await store().load()).toBe(99);
  await bookmarks.save(5);
  expect(await store().load()).toBe(5);
  expect(readdirSync(path())).toEqual(['bookmark.json']);
});

test('several stores of one file do not get into each other', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, n) => store().save(n + 1)));
  expect(await store().load()).toBeGreaterThan(0);
  expect(readdirSync(path())).toEqual(['bookmark.json']);
});

test.each([-1, 0.5, NaN, Infinity, '1', null, undefined, 2 ** 53])(
  'to save %p is a RangeError, nothing is written',
  async (position) => {
    const bookmarks = store();
    await bookmarks.save(4);
    expect(await rejectionOf(bookmarks.save(position as number))).toBeInstanceOf(RangeError);
    expect(await bookmarks.load()).toBe(4);
  },
);

test.each([
  '',
  '{',
  'null',
  '7',
  '[]',
  '{}',
  '{"position":-1}',
  '{"position":"1"}',
  '{"position":1.5}',
  '{"position":1}x',
  '\0\0\0',
])('a file that holds %j is no bookmark: an error, not a beginning from START', async (text) => {
  writeFileSync(filePath(), text);
  const error = await rejectionOf(store().load());
  expect(error).toBeInstanceOf(CorruptBookmarkError);
  expect(error).toBeInstanceOf(ScrivenerError);
  expect(error).toMatchObject({ code: 'ERR_CORRUPT_BOOKMARK', filePath: filePath() });
  expect(textOf(filePath())).toBe(text);
  await store().save(2);
  expect(await store().load()).toBe(2);
});

test("a file that cannot be read or replaced: the system's error, and nothing left behind", async () => {
  mkdirSync(path('dir', 'full'), { recursive: true });
  expect(await rejectionOf(new FileBookmarkStore(path('dir')).load())).toMatchObject({ code: 'EISDIR' });
  const code = (await rejectionOf(new FileBookmarkStore(path('dir')).save(1))) as NodeJS.ErrnoException;
  expect(['EISDIR', 'ENOTEMPTY', 'EEXIST', 'EPERM']).toContain(code.code);
  expect(readdirSync(path())).toEqual(['dir']);
  writeFileSync(path('file'), '');
  expect(await rejectionOf(new FileBookmarkStore(path('file', 'x')).load())).toMatchObject({ code: 'ENOTDIR' });
});

describe('a save that fails', () => {
  const error = Object.assign(new Error('EIO'), { code: 'EIO' });
  let prototype: FileHandle;
  beforeEach(async () => {
    prototype = await fileHandlePrototype(path('probe'));
  });

  test.each(['writeFile', 'sync'] as const)(
    'at %s leaves the old bookmark, no file of its own, and the next succeeds',
    async (method) => {
      const bookmarks = store();
      await bookmarks.save(1);
      jest.spyOn(prototype, method).mockRejectedValueOnce(error);
      const failing = rejectionOf(bookmarks.save(2));
      const behind = bookmarks.save(3);
      expect(await failing).toBe(error);
      await behind;
      expect(await store().load()).toBe(3);
      jest.spyOn(prototype, method).mockRejectedValueOnce(error);
      expect(await rejectionOf(bookmarks.save(4))).toBe(error);
      expect(await store().load()).toBe(3);
      expect(readdirSync(path())).toEqual(['bookmark.json']);
      if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
    },
  );

  test("it is synced before it takes the old one's place", async () => {
    const bookmarks = store();
    await bookmarks.save(1);
    const original = prototype.sync;
    const seen: string[] = [];
    jest.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      seen.push(textOf(filePath()));
      await original.call(this);
    });
    await bookmarks.save(2);
    expect(seen.map((text) => JSON.parse(text) as unknown)).toEqual([{ position: 1 }]);
    expect(await store().load()).toBe(2);
  });
});

test("a crash leaves the old bookmark or the new one, and what it left beside them is in nobody's way", async () => {
  let before = 0;
  for (let round = 0; round < 8; round++) {
    const saver = child(['bookmark', filePath()]);
    for (let i = 0; i < 3 + round; i++) await saver.says();
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    await saver.crash();
    const saved = Number(saver.said.at(-1));
    const loaded = await store().load();
    expect([saved, saved + 1]).toContain(loaded);
    expect(loaded).toBeGreaterThan(before);
    before = loaded;
  }
  await store().save(before + 1);
  expect(await store().load()).toBe(before + 1);
}, 30_000);

onLinux('no handle stays open', async () => {
  await store().save(1);
  await store().load();
  expect(openDescriptors(path())).toEqual([]);
});

test('consume goes on where it was', async () => {
  const scrivener = new InMemoryScrivener<string>();
  for (const entry of ['a', 'b', 'c', 'd']) scrivener.append(entry);
  const handled: string[] = [];
  const two = () => consume(scrivener, store(), ({ entry }) => void handled.push(entry)).pipe(take(2));
  expect(await lastValueFrom(two())).toBe(2);
  expect(await lastValueFrom(two())).toBe(4);
  expect(handled.slice(0, 2)).toEqual(['a', 'b']);
  expect(new Set(handled)).toEqual(new Set(['a', 'b', 'c', 'd']));
  expect(existsSync(filePath())).toBe(true);
});
