import { mkdir, mkdtemp, readdir, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { lastEntries, type Flushing, type GroupWriter, type Scrivener } from 'rx-scrivener';
import { forkJournal, openFileScrivener, openJournalFolder, type JournalFolderConfig } from 'rx-scrivener/file';
import { folderName, journalName } from '../../../lib/file/folder/folder-name';
import { OpenJournals } from '../../../lib/file/folder/open-journals';
import { JournalNotFoundError } from '../../../lib/errors/journal-not-found-error';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scrivener-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));

const held = async <T>(scrivener: Scrivener<T>) => (await lastEntries(scrivener, 1000)).map(({ entry }) => entry);
const settled = () => new Promise((resolve) => void setImmediate(resolve));

/** The journals of the folder that this process has open. */
async function openFiles(): Promise<string[]> {
  const found: string[] = [];
  for (const fd of await readdir('/proc/self/fd')) {
    const path = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (path.startsWith(folder) && path.endsWith('/journal.ndjson')) found.push(path.split('/').at(-2)!);
  }
  return [...new Set(found)].sort();
}

describe('a journal that somebody else has open', () => {
  test('what waits for it ends with its signal and its timeout', async () => {
    await using holder = await openJournalFolder<string>({ folder });
    await holder.journal('a').write('1');
    const holding = holder.journal('a').tail().subscribe();
    await using journals = await openJournalFolder<string>({ folder, lockTimeoutMs: Infinity });
    const journal = journals.journal('a') as Scrivener<string> & GroupWriter<string> & Flushing;
    const controller = new AbortController();
    const boom = new Error('boom');
    const { signal } = controller;
    const waits = [
      journal.write('2', { signal }),
      journal.writeAll(['3'], { signal }),
      journal.whenFlushed(1, { signal }),
      firstValueFrom(journal.tail(0, { signal })),
      journal.tail(0, { signal })[Symbol.asyncIterator]().next(),
    ];
    controller.abort(boom);
    expect(await Promise.allSettled(waits)).toEqual(waits.map(() => ({ status: 'rejected', reason: boom })));
    await expect(journal.whenFlushed(1, { timeout: 1 })).rejects.toThrow('Waited 1 ms for position 1 to be flushed');
    const writing = journal.write('2');
    holding.unsubscribe();
    await holder.close();
    expect([await writing, await held(journal)]).toEqual([2, ['1', '2']]);
  });
});

describe('names of folders', () => {
  test.each([
    ['ann/2026-11-26', 'ann%2f2026-11-26'],
    ['Ann', '^ann'],
    ['CON', '^c^o^n'],
    ['con', '%63on'],
    ['nul.txt', '%6eul.txt'],
    ['console', 'console'],
    ['..', '%2e%2e'],
    ['a.b', 'a.b'],
    ['a.', 'a%2e'],
    ['a ', 'a%20'],
    ['\0', '%00'],
    ['ä', '%c3%a4'],
    ['\ud800', '%ud800'],
    ['ud800', 'ud800'],
  ])('%j', (name, expected) => {
    expect(folderName(name)).toEqual({ folder: expected, isShortened: false });
    expect(journalName(expected)).toBe(name);
  });

  test('are at most 255 bytes of plain characters, differ in more than case, and are read back', () => {
    const names = new Set<string>();
    for (let code = 0; code < 0x3000; code++) {
      for (const name of [
        String.fromCharCode(code),
        `a${String.fromCharCode(code)}`,
        String.fromCharCode(code).repeat(300),
      ]) {
        const { folder, isShortened } = folderName(name);
        expect(folder).toMatch(/^[a-z0-9_^%+-][a-z0-9_^%+.-]{0,250}$/);
        expect(folder).not.toMatch(/\.$/);
        names.add(folder.toLowerCase());
        if (!isShortened) expect(journalName(folder)).toBe(name);
      }
    }
    expect(names.size).toBe(3 * 0x3000);
  });

  test('what others have named is no journal', () => {
    for (const other of ['Ann', '%41', '^ANN', 'con', '.new-1', 'a.', '%2F', '%', 'lost+found']) {
      expect(journalName(other)).toBeUndefined();
    }
  });
});

describe('journals that are open', () => {
  const opened: string[] = [];
  const closed: string[] = [];
  let fails: unknown;
  const pool = (options: { maxOpen?: number; idleMs?: number } = {}) =>
    new OpenJournals<{ name: string }>({
      open: async (name, creates) => {
        await settled();
        if (fails !== undefined) throw fails;
        if (!creates && name.startsWith('missing')) throw new JournalNotFoundError(name);
        opened.push(name);
        return { name };
      },
      close: async ({ name }) => {
        await settled();
        closed.push(name);
      },
      ...{ maxOpen: 200, idleMs: 30_000, ...options },
    });
  type Pool = ReturnType<typeof pool>;
  const use = (journals: Pool, name: string, creates = true) =>
    new Promise<{ release(): void; isDeleted: boolean }>((use, fail) => journals.borrow(name, { creates, use, fail }));

  beforeEach(() => {
    opened.length = 0;
    closed.length = 0;
    fails = undefined;
  });

  test('are opened once, however many ask at the same time', async () => {
    const journals = pool();
    await Promise.all([use(journals, 'a'), use(journals, 'a'), use(journals, 'a', false)]);
    await use(journals, 'a');
    expect(opened).toEqual(['a']);
  });

  test('an opening that fails fails its callers, and the next call tries again', async () => {
    const journals = pool();
    fails = new Error('not now');
    const both = await Promise.allSettled([use(journals, 'a'), use(journals, 'a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = undefined;
    await use(journals, 'a');
    expect(opened).toEqual(['a']);
  });

  test('a writer that comes while a reader finds none creates it', async () => {
    const journals = pool();
    const [reader, writer] = await Promise.allSettled([use(journals, 'missing', false), use(journals, 'missing')]);
    expect([reader.status, writer.status]).toContain('fulfilled');
    expect(writer.status).toBe('fulfilled');
  });

  test('the longest idle is closed for the next one; one in use is not', async () => {
    const journals = pool({ maxOpen: 2 });
    const a = await use(journals, 'a', false);
    const b = await use(journals, 'b');
    b.release();
    await use(journals, 'c', false);
    expect(closed).toEqual(['b']);
    a.release();
    const c2 = await use(journals, 'c');
    c2.release();
    await use(journals, 'd');
    expect(closed).toEqual(['b', 'a']);
  });

  test('a write waits for room that another write makes, and not for readers', async () => {
    const journals = pool({ maxOpen: 1 });
    const a = await use(journals, 'a');
    let isOpen = false;
    const b = use(journals, 'b').then((lease) => {
      isOpen = true;
      return lease;
    });
    for (let turn = 0; turn < 10; turn++) await settled();
    expect(isOpen).toBe(false);
    a.release();
    (await b).release();
    expect(closed).toEqual(['a']);
    await use(journals, 'b', false);
    (await use(journals, 'c')).release();
    expect(opened).toEqual(['a', 'b', 'c']);
  });

  test('are closed when they were idle long enough, by one timer that keeps no process alive', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const journals = pool({ idleMs: 100 });
      const a = await use(journals, 'a');
      a.release();
      await jest.advanceTimersByTimeAsync(50);
      (await use(journals, 'b')).release();
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(60);
      for (let turn = 0; turn < 5; turn++) await settled();
      expect(closed).toEqual(['a']);
      const b = await use(journals, 'b');
      await jest.advanceTimersByTimeAsync(1000);
      expect(closed).toEqual(['a']);
      b.release();
      await jest.advanceTimersByTimeAsync(101);
      for (let turn = 0; turn < 5; turn++) await settled();
      expect(closed).toEqual(['a', 'b']);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('one that is asked for while it closes is opened again afterwards', async () => {
    const journals = pool({ maxOpen: 1 });
    (await use(journals, 'a')).release();
    const b = use(journals, 'b');
    const again = use(journals, 'a');
    (await b).release();
    await again;
    expect(opened).toEqual(['a', 'b', 'a']);
  });
});

describe('openJournalFolder', () => {
  test('closes what is idle, and no more are open than may be', async () => {
    await using journals = await openJournalFolder<string>({ folder, maxOpen: 2 });
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => journals.journal(name).write('1')));
    expect((await openFiles()).length).toBeLessThanOrEqual(2);
    const tail = journals.journal('a').tail()[Symbol.asyncIterator]();
    await tail.next();
    for (const name of ['b', 'c', 'd']) await journals.journal(name).write('2');
    expect(await openFiles()).toContain('a');
    await journals.journal('a').write('live');
    expect(await tail.next()).toEqual({ done: false, value: { position: 2, entry: 'live' } });
    await tail.return?.();
    await journals.close();
    expect(await openFiles()).toEqual([]);
  });

  test('what was written is there after `close`, in files that any reader of journals reads', async () => {
    const journals = await openJournalFolder<string>({ folder });
    await journals.journal('Ann/1').write('hello');
    await journals.close();
    await using scrivener = await openFileScrivener<string>({ filePath: join(folder, '^ann%2f1', 'journal.ndjson') });
    expect(await held(scrivener)).toEqual(['hello']);
  });

  test('an opening that fails fails its caller, and the next one tries again', async () => {
    await using journals = await openJournalFolder<string>({ folder });
    await mkdir(join(folder, 'a', 'journal.ndjson'), { recursive: true });
    await expect(journals.journal('a').write('1')).rejects.toThrow();
    await rm(join(folder, 'a', 'journal.ndjson'), { recursive: true });
    expect(await journals.journal('a').write('1')).toBe(1);
  });

  test('a journal that is open elsewhere is neither written nor deleted', async () => {
    await using journals = await openJournalFolder<string>({ folder });
    await using others = await openJournalFolder<string>({ folder });
    const locked = { code: 'ERR_JOURNAL_LOCKED' };
    await journals.journal('a').write('1');
    await expect(others.journal('a').write('2')).rejects.toMatchObject(locked);
    await expect(others.delete('a')).rejects.toMatchObject(locked);
    expect(await held(journals.journal('a'))).toEqual(['1']);
  });

  test('what a crash has left of a deletion is removed, and what another tool made is no journal', async () => {
    await mkdir(join(folder, '.deleted-1', 'x'), { recursive: true });
    await mkdir(join(folder, 'Foreign'));
    await writeFile(join(folder, 'a-file'), '');
    await using journals = await openJournalFolder<string>({ folder });
    expect(await readdir(folder)).toEqual(['Foreign', 'a-file']);
    const names: string[] = [];
    for await (const name of journals.names()) names.push(name);
    expect(names).toEqual([]);
  });

  test('names come a page at a time, each once', async () => {
    await using journals = await openJournalFolder<string>({ folder });
    const expected = Array.from({ length: 2_500 }, (_, index) => `n${index}`).sort();
    await Promise.all(expected.map((name) => mkdir(join(folder, name))));
    const names: string[] = [];
    for await (const name of journals.names()) names.push(name);
    expect(names).toEqual(expected);
  });

  test.each<[Record<string, unknown>, string]>([
    [{}, 'Expected `folder` to be a path, got undefined'],
    [{ folder: 'x', maxOpen: 0 }, 'Expected `maxOpen` to be an integer >= 1 or Infinity, got 0'],
    [{ folder: 'x', idleMs: -1 }, 'Expected `idleMs` to be 0 to'],
    [{ folder: 'x', filePath: 'y' }, 'Expected no option `filePath` of `openJournalFolder`'],
    [{ folder: 'x', flushThreshold: 0 }, 'Expected `flushThreshold` to be an integer >= 1'],
  ])('names what is wrong with %j', async (config, message) => {
    await expect(openJournalFolder(config as unknown as JournalFolderConfig<string>)).rejects.toThrow(message);
  });
});

describe('forkJournal', () => {
  const path = (name: string) => join(folder, name);
  const rotating = { maxBytes: 200, keep: { segments: 3 } };

  test('links closed segments, and the fork is opened, written and rotated on its own', async () => {
    const original = await openFileScrivener<string>({ filePath: path('a'), rotation: { maxBytes: 200 } });
    for (let n = 1; n <= 40; n++) {
      await original.write(`entry ${n}`);
      await original.flush();
    }
    for (const through of [0, 1, 3, 4, 5, 17, 39, 40]) {
      await forkJournal(path('a'), path(`b${through}`), { through });
      await using fork = await openFileScrivener<string>({
        filePath: path(`b${through}`),
        rotation: { maxBytes: 200 },
      });
      expect(await held(fork)).toEqual(Array.from({ length: through }, (_, index) => `entry ${index + 1}`));
      expect(await fork.write('mine')).toBe(through + 1);
    }
    const [first] = (await readdir(folder)).filter((file) => file.startsWith('a.0000'));
    expect((await stat(path(first!))).nlink).toBeGreaterThan(1);
    await original.close();
    await using again = await openFileScrivener<string>({ filePath: path('a') });
    expect(again.head).toBe(40);
  });

  test('a group that the fork ends in ends there', async () => {
    const original = await openFileScrivener<string>({ filePath: path('a'), checksum: 'crc32' });
    await original.writeAll(['1', '2', '3']);
    await original.flush();
    await forkJournal(path('a'), path('b'), { through: 2 });
    await original.close();
    await using fork = await openFileScrivener<string>({ filePath: path('b'), checksum: 'crc32' });
    expect(await held(fork)).toEqual(['1', '2']);
    expect(fork.recovered.truncatedBytes).toBe(0);
  });

  test('refuses what is not kept, not there yet, taken, or no journal', async () => {
    const original = await openFileScrivener<string>({ filePath: path('a'), rotation: rotating });
    for (let n = 1; n <= 40; n++) {
      await original.write(`entry ${n}`);
      await original.flush();
    }
    const before = await readdir(folder);
    const { first } = original;
    expect(first).toBeGreaterThan(2);
    const trimmed = { code: 'ERR_POSITION_TRIMMED', first };
    await expect(forkJournal(path('a'), path('b'), { through: 1 })).rejects.toMatchObject(trimmed);
    await expect(forkJournal(path('a'), path('b'), { through: 41 })).rejects.toThrow('a position up to 40, got 41');
    await expect(forkJournal(path('none'), path('b'), { through: 0 })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(forkJournal(path('a'), path('a'), { through: 40 })).rejects.toMatchObject({
      code: 'ERR_JOURNAL_EXISTS',
    });
    expect(await readdir(folder)).toEqual(before);
    await forkJournal(path('a'), path('b'), { through: 40 });
    await using fork = await openFileScrivener<string>({ filePath: path('b') });
    expect([fork.first, fork.head]).toEqual([first, 40]);
    await original.close();
  });

  test('a crash in the middle leaves no half fork', async () => {
    const half = { schemaVersion: '1', id: 'x', first: 1, active: 11, begunMs: 1, last: 10, closed: 2, isHalf: true };
    const original = await openFileScrivener<string>({ filePath: path('a') });
    await original.write('1');
    await original.flush();
    for (const name of ['b', 'c']) {
      await writeFile(path(`${name}.segments`), JSON.stringify(half));
      await writeFile(path(`${name}.0000000000000001`), '{"schemaVersion":"1","position":1,"entry":"half"}\n');
    }
    await forkJournal(path('a'), path('b'), { through: 1 });
    await original.close();
    await using fork = await openFileScrivener<string>({ filePath: path('b') });
    expect(await held(fork)).toEqual(['1']);
    await using fresh = await openFileScrivener<string>({ filePath: path('c') });
    expect(fresh.head).toBe(0);
    expect((await readdir(folder)).filter((file) => file.includes('0001'))).toEqual([]);
  });

  test('takes a journal between the two steps of a rotation: a crash leaves it there, a slow disk for a while', async () => {
    const original = await openFileScrivener<string>({ filePath: path('a') });
    for (const entry of ['1', '2', '3']) await original.write(entry);
    await original.close();
    await rename(path('a'), path('a.0000000000000001'));
    for (const through of [0, 2, 3]) {
      await forkJournal(path('a'), path(`b${through}`), { through });
      await using fork = await openFileScrivener<string>({ filePath: path(`b${through}`) });
      expect(await held(fork)).toEqual(['1', '2', '3'].slice(0, through));
    }
    const forking = forkJournal(path('a'), path('c'), { through: 4 });
    await setTimeout(300);
    await writeFile(path('a'), '{"schemaVersion":"1","position":4,"entry":"4"}\n');
    await forking;
    await using fork = await openFileScrivener<string>({ filePath: path('c') });
    expect(await held(fork)).toEqual(['1', '2', '3', '4']);
  });

  test('takes a journal that another process may rotate meanwhile', async () => {
    await using original = await openFileScrivener<number>({ filePath: path('a'), rotation: { maxBytes: 60 } });
    await original.write(1);
    await original.flush();
    let isOver = false as boolean;
    const writing = (async () => {
      while (!isOver) {
        await original.write(original.head + 1);
        await original.flush();
      }
    })();
    try {
      for (let n = 0; n < 20; n++) {
        const through = original.flushed;
        await forkJournal(path('a'), path(`b${n}`), { through });
        await using fork = await openFileScrivener<number>({ filePath: path(`b${n}`) });
        expect(fork.head).toBe(through);
      }
    } finally {
      isOver = true;
      await writing;
    }
  });
});
