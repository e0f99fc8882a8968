import { take } from 'rxjs';
import { END, InMemoryScrivener, PositionTrimmedError, type Positioned } from 'rx-scrivener';

/** What a tail gives synchronously, and how it ends. */
function read(
  scrivener: InMemoryScrivener<number>,
  after: number,
): { positions: number[]; entries: number[]; error: unknown } {
  const positions: number[] = [];
  const entries: number[] = [];
  let error: unknown;
  const subscription = scrivener.tail(after).subscribe({
    next: (record) => {
      positions.push(record.position);
      entries.push(record.entry);
    },
    error: (e: unknown) => (error = e),
  });
  subscription.unsubscribe();
  return { positions, entries, error };
}

const span = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);

test.each([0, -1, 1.5, NaN, '3' as unknown as number, null as unknown as number])(
  'retain %p is a RangeError',
  (retain) => {
    expect(() => new InMemoryScrivener({ retain })).toThrow(RangeError);
    expect(() => new InMemoryScrivener({ retain })).toThrow(/retain/);
  },
);

test.each([undefined, Infinity])('retain %p keeps everything', (retain) => {
  const scrivener = new InMemoryScrivener<number>({ retain });
  for (let n = 1; n <= 5000; n++) scrivener.append(n * 10);
  expect(read(scrivener, 0).entries).toEqual(span(1, 5000).map((n) => n * 10));
});

describe.each([1, 2, 1023, 1024, 1025, 2048, 2049])('retain %d', (retain) => {
  // Everywhere around the boundaries of chunks of 1024, and far behind them.
  const lengths = [1, 2, 1022, 1023, 1024, 1025, 1026, 2047, 2048, 2049, 3072, 3073, 5000];

  test('keeps exactly the newest, at any length', () => {
    const scrivener = new InMemoryScrivener<number>({ retain });
    for (let n = 1; n <= 5000; n++) {
      expect(scrivener.append(n * 10)).toBe(n);
      if (!lengths.includes(n)) continue;
      const first = Math.max(1, n - retain + 1);
      expect(read(scrivener, first - 1)).toEqual({
        positions: span(first, n),
        entries: span(first, n).map((m) => m * 10),
        error: undefined,
      });
      expect(read(scrivener, n)).toEqual({ positions: [], entries: [], error: undefined });
      expect(read(scrivener, n - 1).entries).toEqual([n * 10]);
      if (first > 1) {
        const trimmed = read(scrivener, first - 2);
        expect(trimmed.positions).toEqual([]);
        expect(trimmed.error).toBeInstanceOf(PositionTrimmedError);
        expect(trimmed.error).toMatchObject({ requested: first - 1, first, code: 'ERR_POSITION_TRIMMED' });
        expect(read(scrivener, 0).error).toMatchObject({ requested: 1, first });
      }
    }
  });

  test('never disturbs a live subscriber', () => {
    const scrivener = new InMemoryScrivener<number>({ retain });
    const seen: number[] = [];
    scrivener
      .tail()
      .subscribe({ next: ({ entry }) => seen.push(entry), error: (error: unknown) => seen.push(error as number) });
    for (let n = 1; n <= 5000; n++) scrivener.append(n);
    expect(seen).toEqual(span(1, 5000));
  });

  test('reads backward what is kept, then errors when read on', () => {
    const scrivener = new InMemoryScrivener<number>({ retain });
    for (let n = 1; n <= 3000; n++) scrivener.append(n);
    const first = Math.max(1, 3000 - retain + 1);
    const kept = 3000 - first + 1;
    const whole: unknown[] = [];
    scrivener.readBackward().subscribe({
      next: ({ position }) => whole.push(position),
      error: (error: unknown) => {
        const { code, requested, first: kept } = error as PositionTrimmedError;
        whole.push(code, requested, kept);
      },
      complete: () => whole.push('complete'),
    });
    expect(whole).toEqual([
      ...span(first, 3000).reverse(),
      ...(first > 1 ? ['ERR_POSITION_TRIMMED', first - 1, first] : ['complete']),
    ]);
    const some: unknown[] = [];
    scrivener
      .readBackward()
      .pipe(take(kept))
      .subscribe({
        next: ({ position }) => some.push(position),
        error: (e: unknown) => some.push(e),
        complete: () => some.push('complete'),
      });
    expect(some).toEqual([...span(first, 3000).reverse(), 'complete']);
  });
});

test('releases what it drops', () => {
  // What is still referenced cannot be collected: without emptied slots all 400 MiB would be held.
  const scrivener = new InMemoryScrivener<Uint8Array>({ retain: 1 });
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 400; n++) scrivener.append(new Uint8Array(1 << 20));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(250 * (1 << 20));
  expect(scrivener.head).toBe(400);
});

test('readBackward from before the oldest kept errors at once, from 1 and 0 it completes', () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 3 });
  for (let n = 1; n <= 10; n++) scrivener.append(n);
  const run = (before: number) => {
    const log: unknown[] = [];
    scrivener.readBackward(before).subscribe({
      next: ({ position }) => log.push(position),
      error: (error: unknown) => {
        const { requested, first } = error as PositionTrimmedError;
        log.push({ requested, first });
      },
      complete: () => log.push('complete'),
    });
    return log;
  };
  expect(run(END)).toEqual([10, 9, 8, { requested: 7, first: 8 }]);
  expect(run(10)).toEqual([9, 8, { requested: 7, first: 8 }]);
  expect(run(8)).toEqual([{ requested: 7, first: 8 }]);
  expect(run(5)).toEqual([{ requested: 4, first: 8 }]);
  expect(run(2)).toEqual([{ requested: 1, first: 8 }]);
  expect(run(1)).toEqual(['complete']);
  expect(run(0)).toEqual(['complete']);
});

test('a slow iterator errors with PositionTrimmedError once, then is done', async () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 2 });
  scrivener.append(1);
  const iterator = scrivener.tail()[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toEqual({ position: 1, entry: 1 });
  scrivener.append(2);
  scrivener.append(3);
  expect((await iterator.next()).value).toEqual({ position: 2, entry: 2 });
  scrivener.append(4);
  scrivener.append(5);
  await expect(iterator.next()).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 3, first: 4 });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(scrivener.observed).toBe(false);
});

test('a waiting iterator never misses the entry it waits for', async () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 1 });
  const iterator = scrivener.tail()[Symbol.asyncIterator]();
  const calls = [iterator.next(), iterator.next(), iterator.next()];
  for (let n = 1; n <= 3; n++) scrivener.append(n);
  expect((await Promise.all(calls)).map(({ value }) => (value as Positioned<number>).entry)).toEqual([1, 2, 3]);
});

test('live subscribers that write more than is retained miss nothing', () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 1 });
  const a: number[] = [];
  const b: number[] = [];
  scrivener.tail().subscribe(({ entry }) => {
    a.push(entry);
    if (entry === 1) for (let n = 2; n <= 3000; n++) scrivener.append(n);
  });
  scrivener
    .tail()
    .subscribe({ next: ({ entry }) => b.push(entry), error: (error: unknown) => b.push(error as number) });
  scrivener.append(1);
  expect(a).toEqual(span(1, 3000));
  expect(b).toEqual(span(1, 3000));
  expect(read(scrivener, 2998).error).toMatchObject({ requested: 2999, first: 3000 });
});

test('waitFor rejects with PositionTrimmedError when what it would read was dropped', async () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 2 });
  for (let n = 1; n <= 5; n++) scrivener.append(n);
  await expect(scrivener.waitFor(2, () => true)).rejects.toMatchObject({
    code: 'ERR_POSITION_TRIMMED',
    requested: 3,
    first: 4,
  });
  await expect(scrivener.waitFor(3, () => true)).resolves.toEqual({ position: 4, entry: 4 });
});

describe('a subscriber that writes while it replays', () => {
  test('misses nothing, however little is kept', () => {
    const scrivener = new InMemoryScrivener<string>({ retain: 3 });
    for (const question of ['q1', 'q2', 'q3']) scrivener.append(question);
    const seen: string[] = [];
    const error = jest.fn();
    scrivener.tail().subscribe({
      next: ({ entry }) => {
        seen.push(entry);
        if (entry.startsWith('q')) for (const part of ['a', 'b']) scrivener.append(part + entry);
      },
      error,
    });
    expect(seen).toEqual(['q1', 'q2', 'q3', 'aq1', 'bq1', 'aq2', 'bq2', 'aq3', 'bq3']);
    expect(error).not.toHaveBeenCalled();
    expect(scrivener.first).toBe(7);
  });

  test('misses no position of head$', () => {
    const scrivener = new InMemoryScrivener<number>({ retain: 1 });
    const seen: unknown[] = [];
    scrivener.head$.subscribe({
      next: (head) => {
        seen.push(head);
        if (head === 0) for (const n of [1, 2, 3]) scrivener.append(n);
      },
      error: (error: unknown) => seen.push(error),
    });
    scrivener.append(4);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});

test('`first` is the oldest position kept, one past the head when there is none', () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 2 });
  expect(scrivener.first).toBe(1);
  for (let n = 1; n <= 5; n++) scrivener.append(n);
  expect(scrivener.first).toBe(4);
});
