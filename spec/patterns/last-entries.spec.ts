import { InMemoryScrivener, isType, lastEntries } from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { backends } from './backends';
import { SpiedScrivener } from './reads';

const path = useTempDir();

describe.each(backends<string>())('on a journal %s', (_, open) => {
  test.each([
    [0, ''],
    [1, 'e'],
    [3, 'cde'],
    [5, 'abcde'],
    [6, 'abcde'],
    [Number.MAX_SAFE_INTEGER, 'abcde'],
  ])('the last %i, oldest first', async (count, expected) => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    for (const text of 'abcde') await scrivener.write(text);
    const last = await lastEntries(scrivener, count);
    expect(last.map(({ entry }) => entry).join('')).toBe(expected);
    expect(last.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5].slice(5 - expected.length));
    await close();
  });

  test('of an empty one there are none', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    expect(await lastEntries(scrivener, 3)).toEqual([]);
    await close();
  });
});

test.each([-1, 0.5, NaN, Infinity, '3', undefined, null, 2 ** 53])('%p is no count', async (count) => {
  const journal = new InMemoryScrivener<string>();
  let rejected: Promise<unknown> | undefined;
  expect(() => (rejected = lastEntries(journal, count as number))).not.toThrow();
  await expect(rejected).rejects.toThrow(RangeError);
});

test('reads no more than it gives', async () => {
  const journal = new SpiedScrivener<number>();
  for (let n = 1; n <= 10_000; n++) journal.append(n);
  await lastEntries(journal, 3);
  expect(journal.reads).toEqual([10_000, 9_999, 9_998]);
  await lastEntries(journal, 0);
  expect(journal.reads).toHaveLength(3);
});

test('of a journal that dropped its oldest entries it gives what is kept', async () => {
  const journal = new InMemoryScrivener<string>({ retain: 3 });
  for (const text of 'abcde') journal.append(text);
  const texts = async (count: number) => (await lastEntries(journal, count)).map(({ entry }) => entry).join('');
  expect([await texts(2), await texts(3), await texts(4), await texts(100)]).toEqual(['de', 'cde', 'cde', 'cde']);
});

test('of a journal that has ended it gives what it holds', async () => {
  const journal = new InMemoryScrivener<string>();
  for (const text of 'ab') journal.append(text);
  journal.complete();
  expect(await lastEntries(journal, 1)).toEqual([{ position: 2, entry: 'b' }]);
  const failed = new InMemoryScrivener<string>();
  failed.append('a');
  failed.error(new Error('boom'));
  expect(await lastEntries(failed, 1)).toEqual([{ position: 1, entry: 'a' }]);
});

test('as of the call: what is written while it is awaited is not in it', async () => {
  const journal = new InMemoryScrivener<string>();
  for (const text of 'ab') journal.append(text);
  const last = lastEntries(journal, 2);
  journal.append('c');
  expect((await last).map(({ entry }) => entry)).toEqual(['a', 'b']);
});

test('an entry that is undefined is one', async () => {
  const journal = new InMemoryScrivener<undefined>();
  journal.append(undefined);
  expect(await lastEntries(journal, 2)).toEqual([{ position: 1, entry: undefined }]);
});

test('what came is the caller’s: a change of it does not reach the journal', async () => {
  const journal = new InMemoryScrivener<string>();
  journal.append('a');
  const last = await lastEntries(journal, 1);
  last.pop();
  expect(await lastEntries(journal, 1)).toHaveLength(1);
});

test('an error of the journal other than a trimmed one comes through', async () => {
  const boom = new Error('boom');
  class Broken extends InMemoryScrivener<string> {
    override readBackward(): never {
      throw boom;
    }
  }
  await expect(lastEntries(new Broken(), 1)).rejects.toBe(boom);
});

describe('that match', () => {
  interface Entry {
    readonly type: 'Said' | 'Left';
    readonly n: number;
  }
  function journalOf(count: number, options?: { retain: number }): InMemoryScrivener<Entry> {
    const journal = new InMemoryScrivener<Entry>(options);
    for (let n = 1; n <= count; n++) journal.append({ type: n % 10 === 0 ? 'Said' : 'Left', n });
    return journal;
  }
  const positions = (records: readonly { position: number }[]) => records.map(({ position }) => position);

  test('the last so many, oldest first, however far back they are', async () => {
    const journal = journalOf(105);
    expect(positions(await lastEntries(journal, 3, isType('Said')))).toEqual([80, 90, 100]);
    expect(positions(await lastEntries(journal, 99, isType('Said')))).toHaveLength(10);
    expect(positions(await lastEntries(journal, 2, ({ n }) => n < 4))).toEqual([2, 3]);
    expect(await lastEntries(journal, 0, isType('Said'))).toEqual([]);
  });

  test('of those that are kept', async () => {
    expect(positions(await lastEntries(journalOf(105, { retain: 20 }), 9, isType('Said')))).toEqual([90, 100]);
  });

  test('what match throws', async () => {
    const boom = new Error('boom');
    const failing = lastEntries(journalOf(3), 1, () => {
      throw boom;
    });
    await expect(failing).rejects.toBe(boom);
  });
});
