import { lastValueFrom, take, toArray } from 'rxjs';
import { InMemoryScrivener, TappedScrivener, type ReadOptions, type Scrivener, type TailOptions } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import { useTempDir } from '../file/support/temp-dir';

const path = useTempDir();
const numbers = [1, 2, 3, 4, 5, 6];
const isEven = (entry: number) => entry % 2 === 0;

type Closable = Scrivener<number> & { close?: () => Promise<void> };
const backends: [string, () => Closable | Promise<Closable>][] = [
  ['in memory', () => new InMemoryScrivener<number>()],
  ['tapped', () => new TappedScrivener(new InMemoryScrivener<number>(), (entry, inner) => inner.write(entry))],
  ['in a file, one entry in memory', () => openFileScrivener<number>({ filePath: path('journal.ndjson'), retain: 1 })],
  [
    'over HTTP',
    () => {
      const handle = journalHandler(new InMemoryScrivener<number>(), { authorize: 'public' });
      return openRemoteScrivener<number>({
        url: 'http://localhost/journal',
        fetch: (input, init) => handle(new Request(input, init)),
      });
    },
  ],
];

describe.each(backends)('`match`, %s', (_, open) => {
  let journal: Closable;
  beforeEach(async () => {
    journal = await open();
    for (const n of numbers) await journal.write(n);
  });
  afterEach(() => journal.close?.());
  const tail = (options: TailOptions<number>) =>
    lastValueFrom(journal.tail(1, options).pipe(take(3), toArray())).then((all) => all.map(({ entry }) => entry));
  const backward = (options: ReadOptions<number>) =>
    lastValueFrom(journal.readBackward(6, options).pipe(toArray())).then((all) => all.map(({ entry }) => entry));

  test('leaves out what does not match, subscribed', async () => {
    expect(await tail({ match: isEven })).toEqual([2, 4, 6]);
    expect(await backward({ match: isEven })).toEqual([4, 2]);
  });

  test('and iterated, with their positions', async () => {
    const read: unknown[] = [];
    for await (const record of journal.tail(0, { match: isEven })) if (read.push(record) === 3) break;
    for await (const { position } of journal.readBackward(undefined, { match: isEven })) read.push(position);
    expect(read).toEqual([...[2, 4, 6].map((n) => ({ position: n, entry: n })), 6, 4, 2]);
  });

  test('is caught up past the last entry, whether that matches or not', async () => {
    let isCaughtUp = () => {};
    const caughtUp = jest.fn(() => isCaughtUp());
    const told = new Promise<void>((resolve) => (isCaughtUp = resolve));
    const iterator = journal.tail(0, { match: (entry) => entry < 3, caughtUp })[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    const third = iterator.next();
    await told;
    await journal.write(7);
    await journal.write(0);
    expect((await third).value).toEqual({ position: 8, entry: 0 });
    expect(caughtUp).toHaveBeenCalledTimes(1);
    await iterator.return?.();
  });

  test('that throws is the error of the stream', async () => {
    const boom = new Error('match');
    const match = () => {
      throw boom;
    };
    await expect(tail({ match })).rejects.toBe(boom);
    await expect(backward({ match })).rejects.toBe(boom);
    await expect(journal.tail(0, { match })[Symbol.asyncIterator]().next()).rejects.toBe(boom);
  });
});

test('a slow loop asks `match` about no more than it takes', async () => {
  const journal = new InMemoryScrivener<number>();
  for (const n of numbers) journal.append(n);
  const match = jest.fn(isEven);
  const iterator = journal.tail(0, { match })[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toMatchObject({ position: 2 });
  await new Promise((resolve) => setTimeout(resolve));
  expect(match).toHaveBeenCalledTimes(2);
  await iterator.return?.();
  expect(journal.observed).toBe(false);
});
