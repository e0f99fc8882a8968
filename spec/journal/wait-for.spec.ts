import { getEventListeners } from 'node:events';
import { TimeoutError } from 'rxjs';
import { END, InMemoryScrivener, JournalClosedError, START } from 'rx-scrivener';
import { settle, track } from './settle';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function filled(count: number): InMemoryScrivener<number> {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= count; n++) scrivener.append(n * 10);
  return scrivener;
}

/** Nothing is left in the journal, on the signal or among the timers. */
function expectClean(scrivener: InMemoryScrivener<number>, signal?: AbortSignal): void {
  expect(scrivener.observed).toBe(false);
  expect(jest.getTimerCount()).toBe(0);
  if (signal) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
}

test('resolves with the first match that is held, and reads no further', async () => {
  const scrivener = filled(5);
  const { signal } = new AbortController();
  const asked: number[] = [];
  const found = scrivener.waitFor(1, (entry) => asked.push(entry) > 0 && entry > 25, { timeout: 1000, signal });
  expectClean(scrivener, signal);
  expect(await found).toEqual({ position: 3, entry: 30 });
  expect(asked).toEqual([20, 30]);
});

test('resolves with the first match that comes, not with one at or before `after`', async () => {
  const scrivener = filled(2);
  const { signal } = new AbortController();
  const found = track(scrivener.waitFor(2, (entry) => entry % 20 === 0, { timeout: 1000, signal }));
  expect(scrivener.observed).toBe(true);
  expect(jest.getTimerCount()).toBe(1);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  scrivener.append(30);
  await settle();
  expect(found.state).toBe('pending');
  scrivener.append(40);
  expectClean(scrivener, signal);
  scrivener.append(60);
  await settle();
  expect(found).toEqual({ state: 'resolved', value: { position: 4, entry: 40 } });
});

test('waits past the head', async () => {
  const scrivener = filled(1);
  const found = scrivener.waitFor(2, () => true);
  scrivener.append(20);
  scrivener.append(30);
  expect(await found).toEqual({ position: 3, entry: 30 });
});

describe('timeout', () => {
  test('rejects with the TimeoutError of RxJS, not a millisecond early', async () => {
    const scrivener = filled(1);
    const { signal } = new AbortController();
    const found = track(scrivener.waitFor(START, () => false, { timeout: 250, signal }));
    await jest.advanceTimersByTimeAsync(249);
    expect(found.state).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(found.state).toBe('rejected');
    expect(found.error).toBeInstanceOf(TimeoutError);
    expect(found.error).toHaveProperty('message', 'Waited 250 ms for an entry after position 0 that matches');
    expectClean(scrivener, signal);
  });

  test('is the time until the match, whatever else comes', async () => {
    const scrivener = filled(0);
    const found = track(scrivener.waitFor(START, () => false, { timeout: 100 }));
    await jest.advanceTimersByTimeAsync(99);
    scrivener.append(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(found.error).toBeInstanceOf(TimeoutError);
  });

  test('0 is enough for what is held, and for nothing else', async () => {
    const scrivener = filled(1);
    await expect(scrivener.waitFor(START, () => true, { timeout: 0 })).resolves.toEqual({ position: 1, entry: 10 });
    const found = track(scrivener.waitFor(1, () => true, { timeout: 0 }));
    await jest.advanceTimersByTimeAsync(0);
    expect(found.error).toBeInstanceOf(TimeoutError);
    expectClean(scrivener);
  });

  test('Infinity and none wait without a timer', async () => {
    for (const options of [{ timeout: Infinity }, { timeout: undefined }, {}, undefined]) {
      const scrivener = filled(0);
      const found = scrivener.waitFor(START, () => true, options);
      expect(jest.getTimerCount()).toBe(0);
      scrivener.append(10);
      expect((await found).position).toBe(1);
    }
  });

  test('2^31-1 waits that long', async () => {
    const scrivener = filled(0);
    const found = track(scrivener.waitFor(START, () => true, { timeout: 2 ** 31 - 1 }));
    await jest.advanceTimersByTimeAsync(2 ** 31 - 2);
    expect(found.state).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(found.error).toBeInstanceOf(TimeoutError);
  });

  test.each([-1, NaN, 2 ** 31, -Infinity, '5' as unknown as number].filter((t) => typeof t === 'number'))(
    '%p rejects with RangeError and leaves nothing',
    async (timeout) => {
      const scrivener = filled(1);
      await expect(scrivener.waitFor(START, () => false, { timeout })).rejects.toThrow(RangeError);
      expectClean(scrivener);
    },
  );
});

describe('abort', () => {
  test('rejects with the reason', async () => {
    const scrivener = filled(1);
    const controller = new AbortController();
    const found = track(scrivener.waitFor(1, () => true, { signal: controller.signal, timeout: 100 }));
    const reason = { why: 'gone' };
    controller.abort(reason);
    expectClean(scrivener, controller.signal);
    await settle();
    expect(found.state).toBe('rejected');
    expect(found.error).toBe(reason);
  });

  test('before the call rejects, without asking match', async () => {
    const scrivener = filled(1);
    const match = jest.fn(() => true);
    const signal = AbortSignal.abort('gone');
    await expect(scrivener.waitFor(START, match, { signal, timeout: 100 })).rejects.toBe('gone');
    expect(match).not.toHaveBeenCalled();
    expectClean(scrivener, signal);
  });

  test('after the match changes nothing', async () => {
    const scrivener = filled(1);
    const controller = new AbortController();
    const found = scrivener.waitFor(START, () => true, { signal: controller.signal });
    controller.abort('gone');
    await expect(found).resolves.toEqual({ position: 1, entry: 10 });
  });
});

describe('a journal that ends first', () => {
  test('rejects with JournalClosedError', async () => {
    const scrivener = filled(1);
    const { signal } = new AbortController();
    const found = track(scrivener.waitFor(START, () => false, { timeout: 100, signal }));
    scrivener.complete();
    expectClean(scrivener, signal);
    await settle();
    expect(found.error).toBeInstanceOf(JournalClosedError);
    await expect(scrivener.waitFor(START, () => false)).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    await expect(scrivener.waitFor(40, () => true)).rejects.toBeInstanceOf(JournalClosedError);
  });

  test('still resolves with what is held', async () => {
    const scrivener = filled(1);
    scrivener.complete();
    await expect(scrivener.waitFor(START, () => true)).resolves.toEqual({ position: 1, entry: 10 });
  });

  test('by an error rejects, and leaves nothing', async () => {
    const scrivener = filled(1);
    const found = track(scrivener.waitFor(1, () => true, { timeout: 100 }));
    scrivener.error(new Error('broken'));
    expectClean(scrivener);
    await settle();
    expect(found.state).toBe('rejected');
  });
});

test.each([[1], [0]])('a match that throws rejects with what it threw (after %d)', async (after) => {
  const scrivener = filled(1);
  const { signal } = new AbortController();
  const boom = new Error('boom');
  const found = track(
    scrivener.waitFor(
      after,
      () => {
        throw boom;
      },
      { timeout: 100, signal },
    ),
  );
  if (after === 1) expect(scrivener.append(20)).toBe(2);
  expectClean(scrivener, signal);
  await settle();
  expect(found.error).toBe(boom);
});

test.each([END, -1, 1.5, NaN, Infinity, '1' as unknown as number])(
  'after %p rejects with RangeError, it does not throw',
  async (after) => {
    const scrivener = filled(1);
    const found = scrivener.waitFor(after, () => true, { timeout: 10 });
    await expect(found).rejects.toThrow(RangeError);
    expectClean(scrivener);
  },
);

test('a match may write: what it writes is asked about as well', async () => {
  const scrivener = filled(1);
  const found = await scrivener.waitFor(START, (entry) => {
    if (entry === 10) scrivener.append(20);
    return entry === 20;
  });
  expect(found).toEqual({ position: 2, entry: 20 });
});

test('a type guard narrows', async () => {
  const scrivener = new InMemoryScrivener<string | number>();
  scrivener.append('a');
  scrivener.append(7);
  const { entry } = await scrivener.waitFor(START, (e): e is number => typeof e === 'number');
  expect(entry.toFixed(1)).toBe('7.0');
});
