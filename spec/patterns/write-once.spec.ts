import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  InMemoryScrivener,
  lastEntries,
  TappedScrivener,
  writeOnce,
  type Position,
  type Scrivener,
  type WriteOptions,
} from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { PurgedScrivener } from '../journal/purged-scrivener';
import { backends } from './backends';
import { SpiedScrivener } from './reads';

interface Order {
  readonly id: string;
  readonly from?: number;
}
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const path = useTempDir();
const boom = new Error('boom');
const order = (id: string, from?: number): Order => ({ id, ...(from === undefined ? {} : { from }) });
const once = (scrivener: Scrivener<Order>, entry: Order) => writeOnce(scrivener, entry, ({ id }) => id === entry.id);
const all = (scrivener: Scrivener<Order>) => lastEntries(scrivener, Number.MAX_SAFE_INTEGER);

test('of callers at once, each with other entries, none writes for nothing', async () => {
  const inner = new InMemoryScrivener<Order>();
  let writes = 0;
  const scrivener = new TappedScrivener<Order>(inner, (entry, to, options) => {
    writes++;
    return to.write(entry, options);
  });
  await Promise.all(Array.from({ length: 50 }, (_, n) => once(scrivener, order(`id ${n}`))));
  expect([inner.head, writes]).toEqual([50, 50]);
});

test('what earlier callers were given is not kept', async () => {
  const scrivener = new InMemoryScrivener<Order>();
  const given = async (id: string) => new WeakRef(await once(scrivener, order(id)));
  const outcome = await given('a');
  for (const id of ['b', 'c']) await once(scrivener, order(id));
  await new Promise(setImmediate);
  collectGarbage();
  expect([outcome.deref(), scrivener.head]).toEqual([undefined, 3]);
});

test('a caller whose write fails leaves the next its turn', async () => {
  let failing = true;
  const scrivener = new TappedScrivener<Order>(new InMemoryScrivener<Order>(), (entry, to, options) => {
    if (!failing) return to.write(entry, options);
    failing = false;
    throw boom;
  });
  const outcomes = await Promise.allSettled([once(scrivener, order('a')), once(scrivener, order('a'))]);
  expect(outcomes).toEqual([
    { status: 'rejected', reason: boom },
    { status: 'fulfilled', value: { position: 1, written: true } },
  ]);
});

describe.each(backends<Order>())('on a journal %s', (_, open) => {
  test('writes what is not there, once', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    expect(await once(scrivener, order('a'))).toEqual({ position: 1, written: true });
    expect(await once(scrivener, order('b'))).toEqual({ position: 2, written: true });
    expect(await once(scrivener, order('a', 2))).toEqual({ position: 1, written: false });
    expect(await all(scrivener)).toEqual([
      { position: 1, entry: order('a') },
      { position: 2, entry: order('b') },
    ]);
    await close();
  });

  test('of callers at once, with the same entry and with others, each entry is written once', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    const ids = Array.from({ length: 24 }, (_, n) => `id ${n % 4}`);
    const results = await Promise.all(ids.map((id, n) => once(scrivener, order(id, n))));
    expect(results.filter(({ written }) => written)).toHaveLength(4);
    const records = await all(scrivener);
    expect(records.map(({ entry }) => entry.id).sort()).toEqual(['id 0', 'id 1', 'id 2', 'id 3']);
    // Everyone is told the same position for the same entry.
    results.forEach(({ position }, n) => expect(records[position - 1]!.entry.id).toBe(ids[n]));
    await close();
  });
});

test('of 1,000 callers at once exactly one writes, and all learn where', async () => {
  const journal = new InMemoryScrivener<Order>();
  for (let n = 0; n < 10; n++) journal.append(order(`old ${n}`));
  const results = await Promise.all(Array.from({ length: 1_000 }, (_, n) => once(journal, order('new', n))));
  expect(results.filter(({ written }) => written)).toEqual([{ position: 11, written: true }]);
  expect(new Set(results.map(({ position }) => position))).toEqual(new Set([11]));
  expect(journal.head).toBe(11);
});

test('of 100 callers with an entry each, all write', async () => {
  const journal = new InMemoryScrivener<Order>();
  const results = await Promise.all(Array.from({ length: 100 }, (_, n) => once(journal, order(String(n)))));
  expect(results.every(({ written }) => written)).toBe(true);
  expect(new Set(results.map(({ position }) => position)).size).toBe(100);
  expect(journal.head).toBe(100);
});

/** A journal into which others write just before each of the first writes. */
function racing(
  journal: InMemoryScrivener<Order>,
  rivals: readonly Order[][],
): { scrivener: Scrivener<Order>; expects: (Position | undefined)[] } {
  const left = [...rivals];
  const expects: (Position | undefined)[] = [];
  const scrivener = new TappedScrivener<Order>(journal, (entry, inner, options?: WriteOptions) => {
    expects.push(options?.expect);
    for (const rival of left.shift() ?? []) journal.append(rival);
    return inner.write(entry, options);
  });
  return { scrivener, expects };
}

describe('a lost race', () => {
  test('reads only what is new', async () => {
    const journal = new SpiedScrivener<Order>();
    for (let n = 1; n <= 1_000; n++) journal.append(order(String(n)));
    const { scrivener, expects } = racing(journal, [[order('x'), order('y')], [order('z')]]);
    expect(await once(scrivener, order('new'))).toEqual({ position: 1_004, written: true });
    expect(expects).toEqual([1_000, 1_002, 1_003]);
    expect(journal.reads.slice(1_000)).toEqual([1_002, 1_001, 1_003]);
  });

  test('asks about no entry twice', async () => {
    const journal = new InMemoryScrivener<Order>();
    for (const id of 'abc') journal.append(order(id));
    const { scrivener } = racing(journal, [[order('d')], [order('e')]]);
    const asked: string[] = [];
    await writeOnce(scrivener, order('new'), ({ id }) => {
      asked.push(id);
      return false;
    });
    expect(asked.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('to a duplicate writes nothing, and says where that is', async () => {
    const journal = new InMemoryScrivener<Order>();
    const { scrivener } = racing(journal, [[order('x')], [order('new', 1), order('y')]]);
    expect(await once(scrivener, order('new', 2))).toEqual({ position: 2, written: false });
    expect(journal.head).toBe(3);
  });

  test('on an empty journal', async () => {
    const { scrivener, expects } = racing(new InMemoryScrivener<Order>(), [[order('x')]]);
    expect(await once(scrivener, order('new'))).toEqual({ position: 2, written: true });
    expect(expects).toEqual([0, 1]);
  });
});

describe('on a journal that drops its oldest entries', () => {
  test('it writes as long as none was dropped', async () => {
    const journal = new InMemoryScrivener<Order>({ retain: 3 });
    for (const id of 'abc') expect((await once(journal, order(id))).written).toBe(true);
    expect(await once(journal, order('a'))).toEqual({ position: 1, written: false });
  });

  test('it finds a duplicate among what is kept, and rejects where it may have been dropped', async () => {
    const journal = new InMemoryScrivener<Order>({ retain: 2 });
    for (const id of 'abc') journal.append(order(id));
    expect(await once(journal, order('b'))).toEqual({ position: 2, written: false });
    await expect(once(journal, order('a'))).rejects.toMatchObject({
      code: 'ERR_POSITION_TRIMMED',
      requested: 1,
      first: 2,
    });
    await expect(once(journal, order('new'))).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
    expect(journal.head).toBe(3);
  });

  test('it rejects when a lost race dropped what it has not looked at', async () => {
    const journal = new InMemoryScrivener<Order>({ retain: 2 });
    journal.append(order('a'));
    const { scrivener } = racing(journal, [[order('new', 1), order('x'), order('y')]]);
    await expect(once(scrivener, order('new', 2))).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
    expect(journal.head).toBe(4);
  });

  test('it does not reject when a lost race dropped only what it has looked at', async () => {
    const journal = new InMemoryScrivener<Order>({ retain: 2 });
    for (const id of 'ab') journal.append(order(id));
    const { scrivener } = racing(journal, [[order('x'), order('y')]]); // kept: 3 and 4
    expect(await once(scrivener, order('new'))).toEqual({ position: 5, written: true });
  });
});

describe('after a position', () => {
  test('an older duplicate does not count, and what is older is not read', async () => {
    const journal = new SpiedScrivener<Order>();
    for (const id of 'abcd') journal.append(order(id));
    const after = (id: string, position: Position) =>
      writeOnce(journal, order(id), (entry) => entry.id === id, { after: position });
    expect(await after('b', 2)).toEqual({ position: 5, written: true });
    expect(Math.min(...journal.reads)).toBe(3);
    expect(await after('b', 2)).toEqual({ position: 5, written: false });
    expect(await after('c', 2)).toEqual({ position: 3, written: false });
    expect(await after('d', 5)).toEqual({ position: 6, written: true });
  });

  test('it works on a journal that dropped what comes before', async () => {
    const journal = new InMemoryScrivener<Order>({ retain: 3 });
    for (const id of 'abcdef') journal.append(order(id)); // kept: 4, 5, 6
    const after = (position: Position) =>
      writeOnce(journal, order('new'), ({ id }) => id === 'new', { after: position });
    await expect(after(2)).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
    expect(await after(3)).toEqual({ position: 7, written: true });
    expect(await after(4)).toEqual({ position: 7, written: false });
  });

  test.each([7, 1_000])('past the end (%i) it only writes, and lost races end', async (position) => {
    const journal = new InMemoryScrivener<Order>();
    for (const id of 'ab') journal.append(order(id));
    const { scrivener, expects } = racing(journal, [[order('x')], [order('y')]]);
    const writing = writeOnce(scrivener, order('a'), ({ id }) => id === 'a', { after: position });
    expect(await writing).toEqual({ position: 5, written: true });
    expect(expects).toEqual([2, 3, 4]);
  });

  test('on a journal that keeps nothing', async () => {
    const journal = new PurgedScrivener<Order>();
    for (const id of 'abc') journal.append(order(id));
    journal.purge();
    const after = (position: Position) => writeOnce(journal, order('a'), ({ id }) => id === 'a', { after: position });
    await expect(after(2)).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
    expect(await after(3)).toEqual({ position: 4, written: true });
    expect(await after(3)).toEqual({ position: 4, written: false });
  });

  test.each([-1, 0.5, NaN])('%p is no position: nothing is written', async (position) => {
    const journal = new InMemoryScrivener<Order>();
    const writing = writeOnce(journal, order('a'), () => false, { after: position });
    await expect(writing).rejects.toThrow(RangeError);
    expect(journal.head).toBe(0);
  });
});

test('of several duplicates it names the newest', async () => {
  const journal = new InMemoryScrivener<Order>();
  for (const id of 'abab') journal.append(order(id));
  expect(await once(journal, order('a'))).toEqual({ position: 3, written: false });
});

test('looks from the newest on, and no further than the duplicate', async () => {
  const journal = new SpiedScrivener<Order>();
  for (const id of 'abcdef') journal.append(order(id));
  await once(journal, order('d'));
  expect(journal.reads).toEqual([6, 5, 4]);
});

test('what isDuplicate throws, nothing is written', async () => {
  const journal = new InMemoryScrivener<Order>();
  journal.append(order('a'));
  const writing = writeOnce(journal, order('b'), () => {
    throw boom;
  });
  await expect(writing).rejects.toBe(boom);
  expect(journal.head).toBe(1);
});

test('another error of the write comes through, and is not tried again', async () => {
  let writes = 0;
  const refusing = new TappedScrivener<Order>(new InMemoryScrivener<Order>(), async () => {
    writes++;
    throw boom;
  });
  await expect(once(refusing, order('a'))).rejects.toBe(boom);
  expect(writes).toBe(1);
});

test('a journal that has ended: what is there is found, what is not is refused', async () => {
  const journal = new InMemoryScrivener<Order>();
  journal.append(order('a'));
  journal.complete();
  expect(await once(journal, order('a'))).toEqual({ position: 1, written: false });
  await expect(once(journal, order('b'))).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
});

test('called by a subscriber that is being given an entry, it sees that entry', async () => {
  const journal = new InMemoryScrivener<Order>();
  const results: Promise<{ position: Position; written: boolean }>[] = [];
  const subscription = journal.tail().subscribe(({ entry }) => {
    if (entry.from === undefined) results.push(once(journal, order(entry.id, 1)));
  });
  journal.append(order('a'));
  expect(await Promise.all(results)).toEqual([{ position: 1, written: false }]);
  subscription.unsubscribe();
});
