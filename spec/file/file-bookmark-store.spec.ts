import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
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

describe('a save that fails, further', () => {
  const eio = Object.assign(new Error('EIO'), { code: 'EIO' });
  const eacces = Object.assign(new Error('EACCES'), { code: 'EACCES' });

  test.each(['mkdir', 'open', 'rename'] as const)(
    'at %s leaves the old bookmark, and the next succeeds',
    async (call) => {
      const bookmarks = store();
      await bookmarks.save(1);
      jest.spyOn(promises, call).mockRejectedValueOnce(eio);
      expect(await rejectionOf(bookmarks.save(2))).toBe(eio);
      expect(await store().load()).toBe(1);
      expect(readdirSync(path())).toEqual(['bookmark.json']);
      await bookmarks.save(3);
      expect(await store().load()).toBe(3);
    },
  );

  test('tells all who asked for it, and those who ask then get the next', async () => {
    const bookmarks = store();
    // 1 is under way; 2 and 3 wait together behind it.
    let writes = 0;
    const prototype = await fileHandlePrototype(path('probe'));
    const sync = prototype.sync;
    jest.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      if ((await this.stat()).isFile() && ++writes === 2) throw eio;
      await sync.call(this);
    });
    const [first, second, third] = [bookmarks.save(1), bookmarks.save(2), bookmarks.save(3)];
    const errors = Promise.all([rejectionOf(second), rejectionOf(third)]);
    await first;
    expect(await errors).toEqual([eio, eio]);
    expect(await store().load()).toBe(1);
    await bookmarks.save(4);
    expect(await store().load()).toBe(4);
    expect(readdirSync(path())).toEqual(['bookmark.json']);
  });

  test('says why it failed, also when what it left cannot be removed', async () => {
    jest.spyOn(promises, 'rename').mockRejectedValueOnce(eio);
    jest.spyOn(promises, 'rm').mockRejectedValueOnce(eacces);
    expect(await rejectionOf(store().save(1))).toBe(eio);
  });
});

test('a save of the same position again is no error', async () => {
  const bookmarks = store();
  await Promise.all([bookmarks.save(3), bookmarks.save(3)]);
  await bookmarks.save(3);
  expect(await bookmarks.load()).toBe(3);
});

test('saves that are asked for while one is running are one write', async () => {
  const bookmarks = store();
  const rename = jest.spyOn(promises, 'rename');
  await Promise.all(Array.from({ length: 100 }, (_, n) => bookmarks.save(n)));
  expect(rename.mock.calls.length).toBe(2);
  expect(await store().load()).toBe(99);
});

test('a load while it is being saved gives the old one or the new one, never an error', async () => {
  const bookmarks = store();
  await bookmarks.save(1);
  const saves = (async () => {
    for (let n = 2; n <= 30; n++) await bookmarks.save(n);
    return 'done';
  })();
  let last = 1;
  for (let done = false; !done;) {
    const loaded = await store().load();
    expect(loaded).toBeGreaterThanOrEqual(last);
    last = loaded;
    done = (await Promise.race([saves, Promise.resolve('not yet')])) === 'done';
  }
  expect(await store().load()).toBe(30);
});

test('what a crashed process with the same id left is in nobody’s way: in a container, ids come again', async () => {
  // What it is called is its own affair: take the names from it.
  const names: string[] = [];
  const open = promises.open;
  const spy = jest.spyOn(promises, 'open').mockImplementation(async (file, flags, mode) => {
    names.push(String(file));
    return open(file, flags, mode);
  });
  await store().save(1);
  spy.mockRestore();
  const [name] = names;
  const number = /(\d+)(?=\D*$)/.exec(name!);
  if (number) {
    for (let n = Number(number[0]) + 1; n < Number(number[0]) + 10; n++) {
      writeFileSync(name!.slice(0, number.index) + n + name!.slice(number.index + number[0].length), 'torn');
    }
  }
  for (const position of [2, 3]) {
    await store().save(position);
    expect(await store().load()).toBe(position);
  }
});

test('what a killed save has left is removed by the first save of the next run; nothing else is', async () => {
  const left = [
    'bookmark.json.6f6f0f4e-7d0c-4f36-9e39-58d5b8e0f3a1.tmp',
    'bookmark.json.00000000-0000-4000-8000-000000000000.tmp',
  ];
  const others = ['bookmark.json.tmp', 'bookmark.json.mine.tmp', 'other.json.6f6f0f4e-7d0c-4f36-9e39-58d5b8e0f3a1.tmp'];
  for (const name of [...left, ...others]) writeFileSync(path(name), 'torn');
  await store().save(7);
  expect(readdirSync(path()).sort()).toEqual(['bookmark.json', ...others].sort());
  expect(await store().load()).toBe(7);
});

test('a save whose file another process has taken for what a crash has left is done again', async () => {
  const rename = promises.rename;
  jest.spyOn(promises, 'rename').mockImplementationOnce(async (from, to) => {
    await promises.rm(from);
    await rename(from, to);
  });
  await store().save(7);
  expect(await store().load()).toBe(7);
  expect(readdirSync(path())).toEqual(['bookmark.json']);
});

describe.each([
  ['a file', () => writeFileSync(path('there', 'kept.json'), '{"position":1}\n')],
  ['one that is not there yet', () => undefined],
])('a link to %s', (_, make) => {
  test.each(['there/kept.json', 'other-link'])('(%s) is written through', async (target) => {
    mkdirSync(path('there'));
    make();
    symlinkSync('there/kept.json', path('other-link'));
    symlinkSync(target, filePath());
    const bookmarks = store();
    for (const position of [4, 5]) {
      await bookmarks.save(position);
      expect(JSON.parse(textOf(path('there', 'kept.json')))).toEqual({ position });
    }
    expect(await store().load()).toBe(5);
    expect(readlinkSync(filePath())).toBe(target);
    expect(readdirSync(path()).sort()).toEqual(['bookmark.json', 'other-link', 'there']);
    expect(readdirSync(path('there'))).toEqual(['kept.json']);
  });
});

test('mode and owner stay, also through a link', async () => {
  writeFileSync(path('kept.json'), '', { mode: 0o640 });
  symlinkSync('kept.json', filePath());
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(path('kept.json'), 1234, 4321);
  const { mode, uid, gid } = statSync(path('kept.json'));
  await store().save(3);
  expect(statSync(path('kept.json'))).toMatchObject({ mode, uid, gid });
  expect(await store().load()).toBe(3);
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
  expect(readdirSync(path())).toEqual(['bookmark.json']);
}, 30_000);

onLinux('no handle stays open', async () => {
  await store().save(1);
  await store().load();
  expect(openDescriptors(path())).toEqual([]);
});

test('consume continues where it was, also in another store of the same file', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const handled: string[] = [];
  const consumed = () => consume(scrivener, store(), ({ entry }) => void handled.push(entry));
  for (const entry of ['a', 'b']) scrivener.append(entry);
  expect(await lastValueFrom(consumed().pipe(take(2)))).toBe(2);
  for (const entry of ['c', 'd']) scrivener.append(entry);
  expect(await lastValueFrom(consumed().pipe(take(2)))).toBe(4);
  expect(handled).toEqual(['a', 'b', 'c', 'd']);
  expect(existsSync(filePath())).toBe(true);
});

test('stores of one file are one store: the next consumer waits until the one before has ended', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const steps: string[] = [];
  const run = (name: string) =>
    consume(scrivener, store(), async ({ entry }) => {
      steps.push(`${name} begins ${entry}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      steps.push(`${name} ends ${entry}`);
    });
  scrivener.append('a');
  const first = run('first').subscribe();
  while (steps.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  first.unsubscribe();
  scrivener.append('b');
  expect(await lastValueFrom(run('second').pipe(take(1)))).toBe(2);
  expect(steps).toEqual(['first begins a', 'first ends a', 'second begins b', 'second ends b']);
});

test('a relative path is that of the working directory in which it was given', async () => {
  const before = process.cwd();
  process.chdir(path());
  try {
    const bookmarks = new FileBookmarkStore('bookmark.json');
    process.chdir('/');
    await bookmarks.save(7);
    expect(await store().load()).toBe(7);
  } finally {
    process.chdir(before);
  }
});
