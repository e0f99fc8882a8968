/* eslint-disable rxjs-x/throw-error, prefer-const -- an error may be any value; an iterator is named before its source */
import fc from 'fast-check';
import {
  concat,
  config,
  defer,
  EMPTY,
  from,
  interval,
  map,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  take,
  tap,
  throwError,
} from 'rxjs';
import { BufferOverflowError, InMemoryScrivener, toAsyncIterable } from 'rx-scrivener';
import { settle, track } from '../journal/settle';

const DONE = { done: true, value: undefined };
const unhandled: unknown[] = [];

config.onUnhandledError = (error) => unhandled.push(error);

async function drain<V>(iterable: AsyncIterable<V>): Promise<unknown[]> {
  const log: unknown[] = [];
  try {
    for await (const value of iterable) log.push(value);
    log.push('|');
  } catch (error) {
    log.push(error);
  }
  return log;
}

test('gives what a source emits, in order, and ends with it', async () => {
  expect(await drain(toAsyncIterable(range(0, 4)))).toEqual([0, 1, 2, 3, '|']);
  expect(await drain(toAsyncIterable(EMPTY))).toEqual(['|']);
  expect(await drain(toAsyncIterable(of(undefined, null, NaN)))).toEqual([undefined, null, NaN, '|']);
});

test('takes any ObservableInput', async () => {
  expect(await drain(toAsyncIterable([1, 2]))).toEqual([1, 2, '|']);
  expect(await drain(toAsyncIterable(Promise.resolve(7)))).toEqual([7, '|']);
  expect(await drain(toAsyncIterable('ab'))).toEqual(['a', 'b', '|']);
  expect(
    await drain(
      toAsyncIterable(
        (async function* () {
          yield 1;
          yield 2;
        })(),
      ),
    ),
  ).toEqual([1, 2, '|']);
});

test('an error comes after what is buffered', async () => {
  expect(
    await drain(
      toAsyncIterable(
        concat(
          of(1, 2),
          throwError(() => 'broken'),
        ),
      ),
    ),
  ).toEqual([1, 2, 'broken']);
  expect(await drain(toAsyncIterable(throwError(() => undefined)))).toEqual([undefined]);
});

test('the end comes after what is buffered, then every next is done', async () => {
  const source = new Subject<number>();
  const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
  source.next(1);
  source.complete();
  expect(await iterator.next()).toEqual({ done: false, value: 1 });
  expect(await iterator.next()).toEqual(DONE);
  expect(await iterator.next()).toEqual(DONE);
});

describe('while next is pending', () => {
  beforeEach(() => {
    unhandled.length = 0;
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.runAllTimers();
    jest.useRealTimers();
    expect(unhandled).toEqual([]);
  });

  test('a value answers it, in the order of the calls', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    source.next(1);
    source.next(2);
    source.next(3);
    source.next(4);
    expect((await Promise.all(calls)).map(({ value }) => value as number)).toEqual([1, 2, 3]);
    expect(await iterator.next()).toEqual({ done: false, value: 4 });
  });

  test('the end of the source answers every call', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
    const calls = [track(iterator.next()), track(iterator.next())];
    source.complete();
    await settle();
    expect(calls).toEqual([
      { state: 'resolved', value: DONE },
      { state: 'resolved', value: DONE },
    ]);
  });

  test('the error of the source rejects the first call, the others are done', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
    const calls = [track(iterator.next()), track(iterator.next())];
    source.error('broken');
    await settle();
    expect(calls).toEqual([
      { state: 'rejected', error: 'broken' },
      { state: 'resolved', value: DONE },
    ]);
    expect(await iterator.next()).toEqual(DONE);
  });

  test('a loop over a source that fails later throws', async () => {
    const source = new Subject<number>();
    const log = drain(toAsyncIterable(source));
    await settle();
    source.next(1);
    await settle();
    source.error('broken');
    expect(await log).toEqual([1, 'broken']);
  });

  test('a loop over a source that completes later ends', async () => {
    const source = new Subject<number>();
    const log = drain(toAsyncIterable(source));
    await settle();
    source.next(1);
    await settle();
    source.complete();
    expect(await log).toEqual([1, '|']);
  });

  test('return answers every call, and unsubscribes at once', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
    const calls = [track(iterator.next()), track(iterator.next())];
    const returned = iterator.return!();
    expect(source.observed).toBe(false);
    expect(await returned).toEqual(DONE);
    await settle();
    expect(calls).toEqual([
      { state: 'resolved', value: DONE },
      { state: 'resolved', value: DONE },
    ]);
    expect(await iterator.next()).toEqual(DONE);
  });
});

describe('subscribing', () => {
  test('happens once for each iterator, when it is made', async () => {
    let subscribed = 0;
    const source = defer(() => of(++subscribed));
    const iterable = toAsyncIterable(source);
    expect(subscribed).toBe(0);
    expect(await drain(iterable)).toEqual([1, '|']);
    expect(await drain(iterable)).toEqual([2, '|']);
    iterable[Symbol.asyncIterator]();
    expect(subscribed).toBe(3);
  });

  test('misses nothing that a hot source emits after the iterator was made', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
    source.next(1);
    source.next(2);
    expect((await iterator.next()).value).toBe(1);
    source.next(3);
    expect([(await iterator.next()).value, (await iterator.next()).value]).toEqual([2, 3]);
  });

  test('break, return and throw unsubscribe, and drop what is buffered', async () => {
    for (const leave of ['break', 'return', 'throw'] as const) {
      const source = new Subject<number>();
      const iterable = toAsyncIterable(source);
      const iterator = iterable[Symbol.asyncIterator]();
      source.next(1);
      source.next(2);
      expect(source.observed).toBe(true);
      if (leave === 'throw') await expect(iterator.throw!('stop')).rejects.toBe('stop');
      else if (leave === 'return') expect(await iterator.return!()).toEqual(DONE);
      else {
        for await (const value of { [Symbol.asyncIterator]: () => iterator }) {
          expect(value).toBe(1);
          break;
        }
      }
      expect(source.observed).toBe(false);
      expect(await iterator.next()).toEqual(DONE);
    }
  });

  test('return while the source emits synchronously stops it there', async () => {
    const trigger = new Subject<void>();
    let emitted = 0;
    let iterator: AsyncIterator<number> | undefined;
    const source = new Observable<number>((subscriber) =>
      trigger.subscribe(() => {
        for (let n = 0; n < 1000 && !subscriber.closed; n++) {
          emitted++;
          subscriber.next(n);
          if (n === 4) void iterator!.return!();
        }
      }),
    );
    iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
    trigger.next();
    expect(emitted).toBe(5);
    expect(trigger.observed).toBe(false);
    expect(await iterator.next()).toEqual(DONE);
  });

  test('the source is unsubscribed once it has ended', () => {
    let torn = 0;
    const source = new Observable<number>((subscriber) => {
      subscriber.add(() => torn++);
      subscriber.complete();
    });
    toAsyncIterable(source)[Symbol.asyncIterator]();
    expect(torn).toBe(1);
  });

  test('a source that throws when subscribed is an error of the iteration', async () => {
    const source = new Observable<number>(() => {
      throw new Error('broken');
    });
    expect(await drain(toAsyncIterable(source))).toEqual([new Error('broken')]);
  });

  test('timers of a source that is left are gone', async () => {
    jest.useFakeTimers();
    try {
      const iterator = toAsyncIterable(interval(10))[Symbol.asyncIterator]();
      const first = iterator.next();
      await jest.advanceTimersByTimeAsync(10);
      expect((await first).value).toBe(0);
      expect(jest.getTimerCount()).toBe(1);
      await iterator.return!();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('overflow', () => {
  const feed = (count: number, options: Parameters<typeof toAsyncIterable>[1]) => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, options)[Symbol.asyncIterator]();
    for (let n = 1; n <= count; n++) source.next(n);
    const observed = source.observed;
    source.complete();
    return { log: drain({ [Symbol.asyncIterator]: () => iterator }), observed };
  };

  test.each(['error', 'dropOldest', 'dropNewest', undefined] as const)(
    '%p: exactly the limit fits',
    async (overflow) => {
      for (const highWaterMark of [1, 2, 3]) {
        const { log, observed } = feed(highWaterMark, { highWaterMark, overflow });
        expect(await log).toEqual([...Array.from({ length: highWaterMark }, (_, n) => n + 1), '|']);
        expect(observed).toBe(true);
      }
    },
  );

  test.each([1, 2, 3])(
    'error: one more than %d ends it after what is buffered, and unsubscribes',
    async (highWaterMark) => {
      const { log, observed } = feed(highWaterMark + 1, { highWaterMark });
      expect(observed).toBe(false);
      const seen = await log;
      expect(seen.slice(0, -1)).toEqual(Array.from({ length: highWaterMark }, (_, n) => n + 1));
      expect(seen.at(-1)).toBeInstanceOf(BufferOverflowError);
      expect(seen.at(-1)).toMatchObject({ code: 'ERR_BUFFER_OVERFLOW', highWaterMark, name: 'BufferOverflowError' });
    },
  );

  test('dropOldest keeps the newest, dropNewest the oldest', async () => {
    expect(await feed(5, { highWaterMark: 1, overflow: 'dropOldest' }).log).toEqual([5, '|']);
    expect(await feed(5, { highWaterMark: 3, overflow: 'dropOldest' }).log).toEqual([3, 4, 5, '|']);
    expect(await feed(5, { highWaterMark: 1, overflow: 'dropNewest' }).log).toEqual([1, '|']);
    expect(await feed(5, { highWaterMark: 3, overflow: 'dropNewest' }).log).toEqual([1, 2, 3, '|']);
  });

  test('a value that a call waits for needs no room', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, { highWaterMark: 1 })[Symbol.asyncIterator]();
    const calls = [iterator.next(), iterator.next()];
    for (let n = 1; n <= 3; n++) source.next(n);
    expect((await Promise.all(calls)).map(({ value }) => value as number)).toEqual([1, 2]);
    expect((await iterator.next()).value).toBe(3);
    source.next(4);
    source.next(5);
    expect((await iterator.next()).value).toBe(4);
    await expect(iterator.next()).rejects.toThrow(BufferOverflowError);
    expect(await iterator.next()).toEqual(DONE);
  });

  test('room is made by reading', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, { highWaterMark: 2 })[Symbol.asyncIterator]();
    for (let n = 1; n <= 100; n++) {
      source.next(n);
      if (n > 1) expect((await iterator.next()).value).toBe(n - 1);
    }
    expect(source.observed).toBe(true);
  });

  test('a synchronous infinite source is stopped at the limit', async () => {
    let pulled = 0;
    const source = new Observable<number>((subscriber) => {
      while (!subscriber.closed) subscriber.next(pulled++);
    });
    const seen = await drain(toAsyncIterable(source, { highWaterMark: 10 }));
    expect(seen.slice(0, -1)).toEqual(Array.from({ length: 10 }, (_, n) => n));
    expect(seen.at(-1)).toBeInstanceOf(BufferOverflowError);
    expect(pulled).toBe(11);
  });

  test('the error of the source does not replace the overflow, nor its end', async () => {
    const source = new Subject<number>();
    const iterator = toAsyncIterable(source, { highWaterMark: 1 })[Symbol.asyncIterator]();
    source.next(1);
    source.next(2);
    source.error('late');
    expect((await iterator.next()).value).toBe(1);
    await expect(iterator.next()).rejects.toThrow(BufferOverflowError);
  });

  test.each([0, -1, 1.5, NaN, '1' as unknown as number])('highWaterMark %p is a RangeError', (highWaterMark) => {
    expect(() => toAsyncIterable(NEVER, { highWaterMark })).toThrow(RangeError);
    expect(() => toAsyncIterable(NEVER, { highWaterMark })).toThrow(/highWaterMark/);
    expect(() => toAsyncIterable(new InMemoryScrivener().tail(), { highWaterMark })).toThrow(RangeError);
  });

  test('another overflow is a TypeError', () => {
    expect(() => toAsyncIterable(NEVER, { overflow: 'drop' as 'error' })).toThrow(TypeError);
  });

  test('random feeding and reading is that of an array with a limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('next', 'read'), { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('dropOldest' as const, 'dropNewest' as const),
        async (steps, highWaterMark, overflow) => {
          const source = new Subject<number>();
          const iterator = toAsyncIterable(source, { highWaterMark, overflow })[Symbol.asyncIterator]();
          const seen: unknown[] = [];
          const expected: unknown[] = [];
          const buffer: number[] = [];
          let waiting = 0;
          let serial = 0;
          for (const step of steps) {
            if (step === 'next') {
              const value = ++serial;
              source.next(value);
              if (waiting > 0) {
                waiting--;
                expected.push(value);
              } else if (buffer.length < highWaterMark) buffer.push(value);
              else if (overflow === 'dropOldest') {
                buffer.shift();
                buffer.push(value);
              }
            } else {
              void iterator.next().then(({ value, done }) => seen.push(done ? '|' : value));
              if (buffer.length > 0) expected.push(buffer.shift());
              else waiting++;
            }
          }
          source.complete();
          while (waiting-- > 0) expected.push('|');
          await settle();
          await settle();
          expect(seen).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('a backlog of 200,000 comes whole, whether it was pushed before or while reading', async () => {
  const source = new Subject<number>();
  const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
  for (let n = 0; n < 200_000; n++) source.next(n);
  source.complete();
  let expected = 0;
  for await (const value of { [Symbol.asyncIterator]: () => iterator })
    if (value !== expected++) throw new Error(`${value}`);
  expect(expected).toBe(200_000);
});

test('the work for a backlog is linear', async () => {
  // Counts the elements that arrays move: shifting a long array moves all of it.
  const work = async (count: number) => {
    let moved = 0;
    const { shift, splice, slice } = Array.prototype;
    Array.prototype.shift = function (this: unknown[]) {
      moved += this.length;
      return shift.call(this) as unknown;
    } as typeof shift;
    Array.prototype.slice = function (this: unknown[], ...args: [number?, number?]) {
      const result = slice.apply(this, args) as unknown[];
      moved += result.length;
      return result;
    } as typeof slice;
    Array.prototype.splice = function (this: unknown[], ...args: [number, number]) {
      moved += this.length;
      return splice.apply(this, args) as unknown[];
    } as typeof splice;
    try {
      const source = new Subject<number>();
      const iterator = toAsyncIterable(source)[Symbol.asyncIterator]();
      for (let n = 0; n < count; n++) source.next(n);
      for (let n = 0; n < count; n++) await iterator.next();
    } finally {
      Object.assign(Array.prototype, { shift, splice, slice });
      for (const name of ['shift', 'splice', 'slice'] as const)
        Object.defineProperty(Array.prototype, name, { enumerable: false });
    }
    return moved;
  };
  const n = await work(4_000);
  const twice = await work(8_000);
  expect(n).toBeLessThan(4_000 * 8);
  expect(twice).toBeLessThan(Math.max(3 * n, 8_000 * 8));
});

test('operators on the way are unsubscribed as well', async () => {
  let pulled = 0;
  const log = await drain(
    toAsyncIterable(
      from([1, 2, 3, 4]).pipe(
        tap(() => pulled++),
        map((n) => n * 2),
        take(2),
      ),
    ),
  );
  expect(log).toEqual([2, 4, '|']);
  expect(pulled).toBe(2);
});
