import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import promises from 'node:fs/promises';
import { CorruptJournalError, openFileScrivener, readJournal, type FileScrivenerConfig } from 'rx-scrivener/file';
import { fileHandlePrototype } from '../support/file-handle';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

/** Writes entries, each a segment of its own, and closes. */
async function write(count: number, config: Partial<FileScrivenerConfig<number>> = {}): Promise<void> {
  const scrivener = await openFileScrivener<number>({
    filePath: filePath(),
    flushThreshold: 1,
    rotation: { maxBytes: 1 },
    ...config,
  });
  for (let n = 1; n <= count; n++) {
    const position = await scrivener.write(scrivener.head + 1);
    await scrivener.whenFlushed(position);
  }
  await scrivener.close();
}

const keep = (segments: number) => ({ rotation: { maxBytes: 1, keep: { segments } } });
const positionsOf = async (options: Parameters<typeof readJournal>[1] = {}, file = filePath()) =>
  (await outcomeOf(readJournal(file, options))).values.map(({ position }) => position);

describe('a follower whose place was retired', () => {
  test.each([0, 1, 2])('gets an error, or the entries: %d segments are kept', async (segments) => {
    await write(1, keep(segments));
    const follower = readJournal<number>(filePath(), { follow: true })[Symbol.asyncIterator]();
    expect((await follower.next()).value).toEqual({ position: 1, entry: 1 });
    await write(9, keep(segments));
    const error = await rejectionOf(Promise.resolve(follower.next()));
    expect(error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 2 });
    await follower.return?.();
  });

  test('by two renames of another tool gets an error that says so', async () => {
    await write(1, { rotation: undefined as never });
    const follower = readJournal<number>(filePath(), { follow: true })[Symbol.asyncIterator]();
    await follower.next();
    for (const name of ['one', 'two']) {
      await write(2, { rotation: undefined as never });
      const scrivener = await openFileScrivener<number>({ filePath: filePath(), flushThreshold: 1 });
      renameSync(filePath(), path(name));
      await scrivener.whenFlushed(await scrivener.write(0));
      await scrivener.close();
    }
    const seen: unknown[] = [];
    for (;;) {
      const next = await Promise.resolve(follower.next()).catch((error: unknown) => error);
      seen.push(next);
      if (next instanceof Error) break;
      if ((next as { value: { position: number } }).value.position >= 6) break;
    }
    const last = seen.at(-1);
    const ending = last instanceof Error ? (last as Error & { code?: string }).code : 'entries';
    expect(ending).toMatch(/^(ERR_POSITION_TRIMMED|entries)$/);
    await follower.return?.();
  });

  test('on an active file that was empty continues with the next one', async () => {
    const scrivener = await openFileScrivener<number>({ filePath: filePath(), flushThreshold: 1 });
    const follower = readJournal<number>(filePath(), { follow: true })[Symbol.asyncIterator]();
    const next = follower.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    renameSync(filePath(), path('taken'));
    await scrivener.whenFlushed(await scrivener.write(7));
    expect((await next).value).toEqual({ position: 1, entry: 7 });
    await follower.return?.();
    await scrivener.close();
  });
});

describe('a reader', () => {
  test('through a link finds all segments', async () => {
    await write(5);
    mkdirSync(path('links'));
    symlinkSync(filePath(), path('links/journal.ndjson'));
    expect(await positionsOf({}, path('links/journal.ndjson'))).toEqual([1, 2, 3, 4, 5]);
  });

  test('reads all where a crash has left no active file', async () => {
    await write(5);
    rmSync(filePath());
    expect(await positionsOf()).toEqual([1, 2, 3, 4]);
  });

  test('without `after` begins with the oldest kept, with `after` demands it', async () => {
    await write(9, keep(2));
    const all = await positionsOf();
    expect(all.at(-1)).toBe(9);
    expect(all).toEqual(Array.from({ length: all.length }, (_, index) => 10 - all.length + index));
    expect((await outcomeOf(readJournal(filePath(), { after: 1 }))).error).toMatchObject({
      code: 'ERR_POSITION_TRIMMED',
      requested: 2,
    });
  });

  test('of an empty closed segment gets the damage at once', async () => {
    await write(5);
    truncateSync(filePath() + '.0000000000000003', 0);
    const { values, error } = await outcomeOf(readJournal(filePath()));
    expect(values.map(({ position }) => position)).toEqual([1, 2]);
    expect(error).toBeInstanceOf(CorruptJournalError);
    // Opening says so as well; lines are counted from 1.
    await expect(openFileScrivener({ filePath: filePath() })).rejects.toMatchObject({
      code: 'ERR_CORRUPT_JOURNAL',
      filePath: filePath() + '.0000000000000003',
      line: 1,
    });
  });

  test('of a closed segment that is a link to nowhere gets an error at once', async () => {
    await write(5);
    const segment = filePath() + '.0000000000000003';
    rmSync(segment);
    symlinkSync(path('unmounted'), segment);
    const { values, error } = await outcomeOf(readJournal(filePath()));
    expect(values.map(({ position }) => position)).toEqual([1, 2]);
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(path()).length).toBeGreaterThan(4);
  });

  test('that follows stays with its journal when the working directory changes', async () => {
    await write(3);
    const before = process.cwd();
    process.chdir(path());
    try {
      const reader = readJournal<number>('journal.ndjson', { follow: true })[Symbol.asyncIterator]();
      expect((await reader.next()).value).toEqual({ position: 1, entry: 1 });
      process.chdir('/');
      expect((await reader.next()).value).toEqual({ position: 2, entry: 2 });
      expect((await reader.next()).value).toEqual({ position: 3, entry: 3 });
      await reader.return?.();
    } finally {
      process.chdir(before);
    }
  });
});

test.each(['tail', 'readBackward', 'waitFor'] as const)(
  '%s of a segment that is retired before it can be opened reports that, not a missing file',
  async (method) => {
    const scrivener = await openFileScrivener<number>({
      filePath: filePath(),
      retain: 1,
      flushThreshold: 1,
      rotation: { maxBytes: 1, keep: { segments: 3 } },
    });
    const writeOn = async (count: number) => {
      for (let n = 1; n <= count; n++) await scrivener.whenFlushed(await scrivener.write(scrivener.head + 1));
    };
    await writeOn(8);
    const open = promises.open;
    let isWaiting = true;
    jest.spyOn(promises, 'open').mockImplementation(async (...args) => {
      if (/\.0{15}[5-7]$/.test(String(args[0])) && isWaiting) {
        isWaiting = false;
        await writeOn(5);
      }
      return open(...args);
    });
    const reads = {
      tail: () => outcomeOf(scrivener.tail(4)).then(({ error }) => error),
      readBackward: () => outcomeOf(scrivener.readBackward(6)).then(({ error }) => error),
      waitFor: () => rejectionOf(scrivener.waitFor(4, (n) => n > 100)),
    };
    expect(await reads[method]()).toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
    expect(isWaiting).toBe(false);
    jest.restoreAllMocks();
    await scrivener.close();
  },
);

test.each([1, 2, 3, 4, 5, 6])(
  'a file that is closed and retired while it is read is read to its end (read %i)',
  async (turn) => {
    await write(1, keep(0));
    const prototype = await fileHandlePrototype(path('probe'));
    const read = prototype.read as (...args: unknown[]) => Promise<unknown>;
    let reads = 0;
    const spy = jest.spyOn(prototype as unknown as { read: typeof read }, 'read').mockImplementation(async function (
      this: unknown,
      ...args: unknown[]
    ) {
      const result = await read.apply(this, args);
      if (++reads === turn) {
        spy.mockRestore();
        await write(3, keep(0));
      }
      return result;
    });
    const { values, error } = await outcomeOf(readJournal<number>(filePath()));
    spy.mockRestore();
    const positions = values.map(({ position }) => position);
    // What came after it may be retired before it is reached.
    if (error) expect(error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: positions.at(-1)! + 1 });
    else expect(positions.slice(0, 1)).toEqual([1]);
  },
);
