import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lastValueFrom, take, toArray } from 'rxjs';
import { entries, JournalStream, type Positioned } from 'rx-scrivener';
import { readJournal } from 'rx-scrivener/file';
import { fileHandlePrototype } from './support/file-handle';
import { journalText, line, positioned } from './support/journal-text';
import { onLinux, openDescriptors } from './support/open-descriptors';
import { outcomeOf, rejectionOf, turns, until } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
afterEach(() => jest.restoreAllMocks());

async function iterated<T>(
  stream: AsyncIterable<Positioned<T>>,
): Promise<{ values: Positioned<T>[]; error?: unknown }> {
  const values: Positioned<T>[] = [];
  try {
    for await (const value of stream) values.push(value);
    return { values };
  } catch (error) {
    return { values, error };
  }
}

const ways = [
  ['subscribed', <T>(stream: JournalStream<T>) => outcomeOf(stream)],
  ['iterated', <T>(stream: JournalStream<T>) => iterated(stream)],
] as const;

describe.each(ways)('%s', (_, outcome) => {
  test('emits what the file holds, and completes', async () => {
    writeFileSync(filePath(), journalText(['a', { b: 'ü' }, null]));
    const stream = readJournal(filePath());
    expect(stream).toBeInstanceOf(JournalStream);
    expect(await outcome(stream)).toEqual({ values: positioned(['a', { b: 'ü' }, null]) });
  });

  test('is cold, and may be read again', async () => {
    const stream = readJournal(filePath());
    writeFileSync(filePath(), journalText([1]));
    expect(await outcome(stream)).toEqual({ values: positioned([1]) });
    writeFileSync(filePath(), journalText([1, 2]));
    const two = await Promise.all([outcome(stream), outcome(stream)]);
    expect(two).toEqual([{ values: positioned([1, 2]) }, { values: positioned([1, 2]) }]);
  });

  test('after a position', async () => {
    writeFileSync(filePath(), journalText([1, 2, 3, 4]));
    for (const [after, expected] of [
      [0, [1, 2, 3, 4]],
      [1, [2, 3, 4]],
      [3, [4]],
      [4, []],
      [9, []],
      [Number.MAX_SAFE_INTEGER, []],
    ] as const) {
      const { values, error } = await outcome(readJournal<number>(filePath(), { after }));
      expect([values.map(({ position }) => position), error]).toEqual([expected, undefined]);
    }
  });

  test('after a position, the damage before it is an error all the same', async () => {
    writeFileSync(filePath(), line(1, 'a') + 'x\n' + line(3, 'c'));
    expect(await outcome(readJournal(filePath(), { after: 2 }))).toMatchObject({ values: [], error: { line: 2 } });
  });

  test('emits the entries before damage, then the error', async () => {
    writeFileSync(filePath(), journalText([1, 2]) + 'x\n' + line(3, 3));
    expect(await outcome(readJournal(filePath()))).toMatchObject({
      values: positioned([1, 2]),
      error: { code: 'ERR_CORRUPT_JOURNAL', line: 3 },
    });
    writeFileSync(filePath(), journalText([1, 2]) + 'x');
    expect(await outcome(readJournal(filePath()))).toMatchObject({
      values: positioned([1, 2]),
      error: { code: 'ERR_CORRUPT_JOURNAL', line: 3 },
    });
  });

  test.each([
    ['a missing file', () => filePath(), 'ENOENT'],
    ['a missing directory', () => path('a', 'b'), 'ENOENT'],
    ['a directory', () => (mkdirSync(path('dir')), path('dir')), 'EISDIR'],
    ['below a file', () => (writeFileSync(path('f'), ''), path('f', 'x')), 'ENOTDIR'],
  ])('%s is an error', async (name, make, code) => {
    const file = make();
    for (const follow of [false, true]) {
      if (follow && name === 'a directory') continue;
      expect(await outcome(readJournal(file, { follow }))).toMatchObject({ values: [], error: { code } });
    }
    expect(existsSync(filePath())).toBe(false);
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  onLinux('leaves no handle open, however it ends', async () => {
    writeFileSync(filePath(), journalText([1, 2]));
    await outcome(readJournal(filePath()));
    expect(openDescriptors(path())).toEqual([]);
    writeFileSync(filePath(), journalText([1, 2]) + 'x\n');
    await outcome(readJournal(filePath()));
    await until(() => openDescriptors(path()).length === 0);
    expect(existsSync(`${filePath()}.lock`)).toBe(false);
  });
});

test('operators apply', async () => {
  writeFileSync(filePath(), journalText(['a', 'b', 'c']));
  expect(await lastValueFrom(readJournal<string>(filePath()).pipe(entries(), take(2), toArray()))).toEqual(['a', 'b']);
});

test("a serializer of one's own", async () => {
  writeFileSync(filePath(), '1 a\n2 b\n3 c');
  const serializer = {
    serialize: () => '',
    deserialize: (text: string) => ({ position: Number(text[0]), entry: text.slice(2) }),
  };
  expect(await outcomeOf(readJournal(filePath(), { serializer }))).toEqual({ values: positioned(['a', 'b', 'c']) });
});

describe('a long file', () => {
  const LINES = 200_000;
  let reads: jest.SpyInstance;
  let read: (this: FileHandle, ...args: unknown[]) => unknown;
  let size = 0;
  beforeEach(async () => {
    const text = journalText(Array.from({ length: LINES }, (_, n) => ({ n })));
    size = text.length;
    writeFileSync(filePath(), text);
    const prototype = await fileHandlePrototype(path('probe'));
    read = prototype.read as typeof read;
    reads = jest.spyOn(prototype, 'read');
  });
  /** Does something when the file is read for the first time. */
  const onFirstRead = (action: () => void) =>
    reads.mockImplementationOnce(function (this: FileHandle, ...args: unknown[]) {
      action();
      return read.apply(this, args);
    });
  const bytesRead = async () => {
    let bytes = 0;
    for (const { value } of reads.mock.results) bytes += (await (value as Promise<{ bytesRead: number }>)).bytesRead;
    return bytes;
  };
  const closed = async () => {
    if (process.platform === 'linux') await until(() => openDescriptors(path()).length === 0);
    await turns();
  };

  test('is read whole, in order', async () => {
    let next = 1;
    for await (const { position, entry } of readJournal<{ n: number }>(filePath())) {
      if (position !== next || entry.n !== next - 1) throw new Error(`Got ${position} where ${next} is next`);
      next++;
    }
    expect(next).toBe(LINES + 1);
    expect(await bytesRead()).toBe(size);
  }, 20_000);

  test('is read only so far as it is iterated', async () => {
    for await (const { position } of readJournal(filePath())) if (position === 100) break;
    await closed();
    expect(await bytesRead()).toBeLessThan(size / 3);
  });

  test('is read only so far as it is subscribed', async () => {
    const { values } = await outcomeOf(readJournal(filePath()).pipe(take(100)));
    expect(values.length).toBe(100);
    await closed();
    expect(await bytesRead()).toBeLessThan(size / 3);
  });

  test('is read no further by a slow iteration than a page ahead', async () => {
    const iterator = readJournal(filePath())[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { position: 1 } });
    await turns(100);
    expect(await bytesRead()).toBeLessThan(size / 3);
    await iterator.return!();
    await closed();
    expect(await bytesRead()).toBeLessThan(size / 3);
  });

  test.each([0, LINES - 1])('is read no further once unsubscribed, before anything came (after %i)', async (after) => {
    const seen: number[] = [];
    onFirstRead(() => subscription.unsubscribe());
    const subscription = readJournal(filePath(), { after }).subscribe(({ position }) => seen.push(position));
    await until(() => subscription.closed);
    await closed();
    expect(await bytesRead()).toBeLessThan(size / 3);
    expect(seen).toEqual([]);
  });

  test.each([0, LINES - 1])('is read no further once an iteration that waits is ended (after %i)', async (after) => {
    const ended = jest.fn();
    onFirstRead(() => void iterator.return!().then(ended));
    const iterator = readJournal(filePath(), { after })[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await closed();
    expect(ended).toHaveBeenCalledTimes(1);
    expect(await bytesRead()).toBeLessThan(size / 3);
  });

  test('not at all once unsubscribed at once', async () => {
    readJournal(filePath()).subscribe().unsubscribe();
    await closed();
    expect(await bytesRead()).toBeLessThan(size / 3);
  });
});

test('several nexts at once, and nexts after the end', async () => {
  writeFileSync(filePath(), journalText([1, 2]));
  const iterator = readJournal<number>(filePath())[Symbol.asyncIterator]();
  const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
  expect(results.map(({ done, value }) => (done ? 'done' : value.position))).toEqual([1, 2, 'done', 'done']);
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

test('an error comes once, then the iteration is over', async () => {
  const iterator = readJournal<number>(filePath())[Symbol.asyncIterator]();
  expect(await rejectionOf(iterator.next())).toMatchObject({ code: 'ENOENT' });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});
