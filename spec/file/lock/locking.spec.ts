import { tryLock } from 'fs-native-extensions';
import { copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open as openFile, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { relative } from 'node:path';
import { JsonEntrySerializer, ScrivenerError } from 'rx-scrivener';
import { FileAppendSink, JournalLockedError, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { useChildren } from '../support/child';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, line, positioned, textOf } from '../support/journal-text';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { outcomeOf, rejectionOf, turns } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const child = useChildren();
const filePath = () => path('journal.ndjson');
const open = (file = filePath()) => openFileScrivener<unknown>({ filePath: file });

async function expectLocked(file = filePath()) {
  const error = await rejectionOf(open(file));
  expect(error).toBeInstanceOf(JournalLockedError);
  expect(error).toBeInstanceOf(ScrivenerError);
  expect(error).toMatchObject({ name: 'JournalLockedError', code: 'ERR_JOURNAL_LOCKED', filePath: file });
  expect((error as Error).message).toContain(file);
}

describe('a second open is refused', () => {
  test('in this process, however often; the first writes on', async () => {
    const first = await open();
    await first.write(1);
    for (let i = 0; i < 5; i++) await expectLocked();
    await first.write(2);
    await first.close();
    expect(textOf(filePath())).toBe(journalText([1, 2]));
  });

  test('in another process; and this one is, while that holds it', async () => {
    const holder = child(['hold', filePath()]);
    expect(await holder.says()).toBe('open');
    await expectLocked();
    expect(await child(['open', filePath()]).says()).toBe('ERR_JOURNAL_LOCKED');
    await expectLocked();
    holder.tell('close');
    expect(await holder.says()).toBe('closed');
    const scrivener = await open();
    expect(scrivener.recovered.entries).toBe(1);
    const refused = child(['open', filePath()]);
    expect(await refused.says()).toBe('ERR_JOURNAL_LOCKED');
    await scrivener.close();
    const next = child(['open', filePath()]);
    expect(await next.says()).toBe('open 1');
  });

  test('also after refused ones in this process, which let nobody else in', async () => {
    // Locks of POSIX would go with the first descriptor of the file that is closed.
    const first = await open();
    await expectLocked();
    linkSync(filePath(), path('other.ndjson'));
    await expectLocked(path('other.ndjson'));
    await outcomeOf(readJournal(filePath()));
    expect(await child(['open', filePath()]).says()).toBe('ERR_JOURNAL_LOCKED');
    expect(await child(['open', path('other.ndjson')]).says()).toBe('ERR_JOURNAL_LOCKED');
    await first.close();
  });

  test('by another path', async () => {
    mkdirSync(path('a'));
    const first = await open();
    await expectLocked(`${path('a')}/../journal.ndjson`);
    await expectLocked(relative(process.cwd(), filePath()));
    await first.close();
  });

  test('by a symbolic link, of the file and of its directory', async () => {
    mkdirSync(path('a'));
    symlinkSync(path('a'), path('b'));
    symlinkSync(path('a', 'journal.ndjson'), path('link.ndjson'));
    for (const [one, other] of [
      [path('a', 'journal.ndjson'), path('link.ndjson')],
      [path('link.ndjson'), path('a', 'journal.ndjson')],
      [path('b', 'journal.ndjson'), path('a', 'journal.ndjson')],
      [path('link.ndjson'), path('b', 'journal.ndjson')],
    ] as const) {
      const first = await open(one);
      await expectLocked(other);
      expect(existsSync(path('a', 'journal.ndjson.lock'))).toBe(true);
      await first.close();
      await (await open(other)).close();
    }
    expect(await outcomeOf(readJournal(path('link.ndjson')))).toEqual({ values: [] });
  });

  test('by a hard link, here and in another process', async () => {
    writeFileSync(filePath(), line(1, 'x'));
    linkSync(filePath(), path('other.ndjson'));
    const first = await open();
    await expectLocked(path('other.ndjson'));
    expect(await child(['open', path('other.ndjson')]).says()).toBe('ERR_JOURNAL_LOCKED');
    await first.close();
    const second = await open(path('other.ndjson'));
    await expectLocked();
    await second.close();
  });

  test('after the file was renamed; what is written goes to a new one of its name', async () => {
    const first = await open();
    await first.write(1);
    await first.flush();
    renameSync(filePath(), path('renamed.ndjson'));
    await expectLocked(path('renamed.ndjson'));
    expect(await child(['open', path('renamed.ndjson')]).says()).toBe('ERR_JOURNAL_LOCKED');
    await first.write(2);
    await first.close();
    expect(textOf(path('renamed.ndjson'))).toBe(journalText([1]));
    expect(textOf(path('journal.ndjson'))).toBe(journalText([2], 2));
    await (await open(path('renamed.ndjson'))).close();
  });

  test('while its writer rotates: the journal has no name then, and nothing is created', async () => {
    const first = await open();
    await first.write(1);
    await first.flush();
    renameSync(filePath(), path('renamed.ndjson'));
    await expectLocked();
    expect(existsSync(filePath())).toBe(false);
    await first.close();
  });

  test('by the path of a file that was renamed or removed: the lock stands beside it', async () => {
    const first = await open();
    await first.write(1);
    await first.flush();
    renameSync(filePath(), path('renamed.ndjson'));
    await expectLocked();
    rmSync(filePath(), { force: true });
    await expectLocked();
    await first.close();
    expect(textOf(path('renamed.ndjson'))).toBe(journalText([1]));
    const second = await open();
    expect(second.head).toBe(1); // it goes on after what was taken away
    await second.close();
  });

  test('while anyone holds the lock beside the file', async () => {
    const lock = await openFile(`${filePath()}.lock`, 'a');
    expect(tryLock(lock.fd)).toBe(true);
    await expectLocked();
    await lock.close();
    await (await open()).close();
  });

  test('when the file is renamed while it is locked: what is locked is not what the path names', async () => {
    writeFileSync(filePath(), journalText([1]));
    const prototype = await fileHandlePrototype(path('probe'));
    const stat = prototype.stat as (this: FileHandle, ...args: unknown[]) => Promise<never>;
    jest.spyOn(prototype, 'stat').mockImplementationOnce(function (this: FileHandle, ...args: unknown[]) {
      renameSync(filePath(), path('renamed.ndjson'));
      writeFileSync(filePath(), '');
      return stat.apply(this, args);
    });
    try {
      await expectLocked();
    } finally {
      jest.restoreAllMocks();
    }
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
    await (await open(path('renamed.ndjson'))).close();
  });

  test('of ten at once one wins', async () => {
    for (let round = 0; round < 5; round++) {
      const opens = await Promise.allSettled(Array.from({ length: 10 }, () => open()));
      const winners = opens.filter((result) => result.status === 'fulfilled');
      const losers = opens.filter((result) => result.status === 'rejected');
      expect(winners.length).toBe(1);
      for (const { reason } of losers) expect(reason).toBeInstanceOf(JournalLockedError);
      await winners[0]!.value.write(round);
      await winners[0]!.value.close();
    }
    expect(textOf(filePath())).toBe(journalText([0, 1, 2, 3, 4]));
  });

  test('of two at once by hard links one wins', async () => {
    writeFileSync(filePath(), '');
    linkSync(filePath(), path('other.ndjson'));
    const opens = await Promise.allSettled([open(), open(path('other.ndjson'))]);
    expect(opens.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    for (const result of opens) if (result.status === 'fulfilled') await result.value.close();
  });

  test('of several processes at once one wins', async () => {
    const contenders = Array.from({ length: 4 }, () => child(['open', filePath()]));
    const said = await Promise.all(contenders.map((contender) => contender.says()));
    expect(said.sort()).toEqual(['ERR_JOURNAL_LOCKED', 'ERR_JOURNAL_LOCKED', 'ERR_JOURNAL_LOCKED', 'open 0']);
  });
});

describe('the lock dies with its process', () => {
  test('after a crash the next open succeeds at once, its file left behind or not', async () => {
    for (let round = 1; round <= 3; round++) {
      const holder = child(['hold', filePath()]);
      expect(await holder.says()).toBe('open');
      await expectLocked();
      await holder.crash();
      expect(existsSync(`${filePath()}.lock`)).toBe(true);
      const scrivener = await open();
      expect(scrivener.head).toBe(round);
      await scrivener.close();
    }
  });

  test.each(['', 'pid 1\n', 'x'.repeat(5000), '{"pid":1}'])(
    'a lock file means nothing on its own, and what others put there stays',
    async (text) => {
      writeFileSync(`${filePath()}.lock`, text);
      const scrivener = await open();
      await expectLocked();
      await scrivener.close();
      expect(textOf(`${filePath()}.lock`)).toBe(text);
    },
  );
});

describe('who holds it', () => {
  const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown;

  test('is reported: this process, or which one', async () => {
    const first = await open();
    const error = await rejectionOf(open());
    expect(error).toMatchObject({ holder: { pid: process.pid, host: hostname(), since, isThisProcess: true } });
    expect((error as Error).message).toMatch(/ is open for writing elsewhere \(by this process, since 2/);
    await first.close();

    const holder = child(['hold', filePath()]);
    expect(await holder.says()).toBe('open');
    const other = await rejectionOf(open());
    const { pid } = holder.process;
    expect(other).toMatchObject({ holder: { pid, host: hostname(), since, isThisProcess: false } });
    expect((other as Error).message).toContain(`(by process ${pid} on ${hostname()}, since 2`);
  });

  test.each([
    ['nothing', ''],
    ['no record', '{"pid":"1","host":"h","since":"2026-01-01T00:00:00.000Z"}'],
    ['a name that could steer a terminal', '{"pid":1,"host":"\\u001b[2J","since":"2026-01-01T00:00:00.000Z"}'],
    ['null', 'null'],
  ])('is not known where the file says %s', async (_, text) => {
    writeFileSync(`${filePath()}.lock`, text);
    const other = await openFile(`${filePath()}.lock`, 'a');
    expect(tryLock(other.fd, 0, 0)).toBe(true);
    expect(await rejectionOf(open())).toMatchObject({ code: 'ERR_JOURNAL_LOCKED', holder: undefined });
    await other.close();
  });

  test('is not known where the file names a process of this machine that is gone', async () => {
    const gone = child(['hold', filePath()]);
    expect(await gone.says()).toBe('open');
    await gone.crash();
    const other = await openFile(`${filePath()}.lock`, 'a');
    expect(tryLock(other.fd, 0, 0)).toBe(true);
    expect(await rejectionOf(open())).toMatchObject({ code: 'ERR_JOURNAL_LOCKED', holder: undefined });
    await other.close();
  });
});

describe('lockTimeoutMs', () => {
  const waiting = (options: { lockTimeoutMs?: number; signal?: AbortSignal }) =>
    openFileScrivener<unknown>({ filePath: filePath(), ...options });

  test('waits for the holder of the file, in this process or another', async () => {
    const first = await open();
    const next = waiting({ lockTimeoutMs: 60_000 });
    await first.write(1);
    await turns();
    await first.close();
    const second = await next;
    expect(second.head).toBe(1);
    await second.close();

    const holder = child(['hold', filePath()]);
    expect(await holder.says()).toBe('open');
    const third = waiting({ lockTimeoutMs: Infinity });
    await holder.crash();
    await (await third).close();
  });

  test('ends with JournalLockedError, and leaves the file to its holder', async () => {
    const first = await open();
    const start = performance.now();
    expect(await rejectionOf(waiting({ lockTimeoutMs: 120 }))).toMatchObject({ code: 'ERR_JOURNAL_LOCKED' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(119);
    expect(await first.write(1)).toBe(1);
    await first.close();
  });

  test.each([{}, { compress: 'gzip', keep: { segments: 2 } }] as const)(
    'waits while the holder rotates with each batch (%j), and continues after its last entry',
    async (options) => {
      const rotation = { maxBytes: 1, ...options };
      const first = await openFileScrivener<unknown>({ filePath: filePath(), rotation });
      const next = openFileScrivener<unknown>({ filePath: filePath(), rotation, lockTimeoutMs: 60_000 });
      let failure: unknown;
      next.catch((error: unknown) => (failure = error));
      for (let n = 1; n <= 60; n++) {
        await first.write(n);
        await first.flush();
      }
      expect(failure).toBeUndefined();
      await first.close();
      const second = await next;
      expect([second.head, second.recovered.lastPosition, second.recovered.truncatedBytes]).toEqual([60, 60, 0]);
      expect(await second.write(61)).toBe(61);
      await second.close();
      const { values, error } = await outcomeOf(readJournal(filePath()));
      expect(error).toBeUndefined();
      expect(values.at(-1)).toEqual({ position: 61, entry: 61 });
    },
  );

  test('of many that wait each has its turn', async () => {
    const all = Array.from({ length: 5 }, async () => {
      const scrivener = await waiting({ lockTimeoutMs: 60_000 });
      const position = await scrivener.write('mine');
      await scrivener.close();
      return position;
    });
    expect((await Promise.all(all)).sort()).toEqual([1, 2, 3, 4, 5]);
  });

  test('does not wait for anything but the lock', async () => {
    writeFileSync(filePath(), 'no journal');
    const error = await rejectionOf(waiting({ lockTimeoutMs: Infinity }));
    expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
  });

  test.each([-1, NaN, 2 ** 31, '5'])('refuses %p', async (lockTimeoutMs) => {
    const error = await rejectionOf(waiting({ lockTimeoutMs: lockTimeoutMs as number }));
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toContain('lockTimeoutMs');
    expect(existsSync(filePath())).toBe(false);
  });

  test('is ended by the signal: before, and while waiting', async () => {
    const reason = new Error('enough');
    expect(await rejectionOf(waiting({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(existsSync(filePath())).toBe(false);
    const first = await open();
    const controller = new AbortController();
    const next = rejectionOf(waiting({ lockTimeoutMs: Infinity, signal: controller.signal }));
    await turns();
    controller.abort(reason);
    expect(await next).toBe(reason);
    await first.close();
  });
});

describe('a signal that ends a long recovery', () => {
  const reason = new Error('enough');

  test.each([
    ['all in memory', undefined],
    ['retained', 1000],
  ])('leaves the file as it was, and free (%s)', async (_, retain) => {
    const text = journalText(Array.from({ length: 20_000 }, (_, index) => `entry ${index} ${'.'.repeat(100)}`));
    writeFileSync(filePath(), text);
    const controller = new AbortController();
    const opening = openFileScrivener({
      filePath: filePath(),
      retain: retain ?? Infinity,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    expect(await rejectionOf(opening)).toBe(reason);
    expect(textOf(filePath())).toBe(text);
    const scrivener = await openFileScrivener({ filePath: filePath(), signal: new AbortController().signal });
    expect(scrivener.head).toBe(20_000);
    await scrivener.close();
  });

  test('from a sink that never gives its next entry', async () => {
    const controller = new AbortController();
    const close = jest.fn(async () => undefined);
    const sink = {
      append: async () => undefined,
      close,
      async *recover() {
        yield { position: 1, entry: 'a' };
        await new Promise(() => undefined);
      },
    };
    const opening = rejectionOf(openFileScrivener({ filePath: filePath(), sink, signal: controller.signal }));
    await turns();
    controller.abort(reason);
    expect(await opening).toBe(reason);
    await (await open()).close();
  });

  test('is without effect once it is open', async () => {
    const controller = new AbortController();
    const scrivener = await openFileScrivener({ filePath: filePath(), signal: controller.signal });
    controller.abort(reason);
    expect(await scrivener.write(1)).toBe(1);
    await scrivener.close();
    expect(textOf(filePath())).toBe(line(1, 1));
  });
});

describe('the lock is given back', () => {
  test('by close', async () => {
    for (let i = 1; i <= 3; i++) {
      const scrivener = await open();
      await scrivener.write(i);
      await scrivener.close();
    }
    expect(textOf(filePath())).toBe(journalText([1, 2, 3]));
  });

  test('by an open that failed', async () => {
    writeFileSync(filePath(), 'no journal');
    for (let i = 0; i < 3; i++) expect(await rejectionOf(open())).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
    expect(await child(['open', filePath()]).says()).toBe('ERR_CORRUPT_JOURNAL');
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
    writeFileSync(filePath(), '');
    await (await open()).close();
  });

  onLinux('by an open that was refused: it holds nothing of the file', async () => {
    const first = await open();
    const before = openDescriptors(path()).sort();
    await expectLocked();
    linkSync(filePath(), path('other.ndjson'));
    await expectLocked(path('other.ndjson'));
    expect(openDescriptors(path()).sort()).toEqual(before);
    await first.close();
    expect(openDescriptors(path())).toEqual([]);
  });
});

describe('what is not locked', () => {
  test('other journals, copies among them', async () => {
    const first = await open();
    await first.write(1);
    await first.flush();
    copyFileSync(filePath(), path('copy.ndjson'));
    const second = await open(path('copy.ndjson'));
    expect(second.head).toBe(1);
    await second.close();
    await first.close();
  });

  test('reading, and sinks alone', async () => {
    const first = await open();
    await first.write(1);
    await first.flush();
    expect(await outcomeOf(readJournal(filePath()))).toEqual({ values: positioned([1]) });
    const sink = new FileAppendSink({ filePath: filePath(), serializer: new JsonEntrySerializer() });
    await sink.append([]);
    await sink.close();
    await first.write(2);
    await first.close();
    expect(textOf(filePath())).toBe(journalText([1, 2]));
  });
});
