import { getEventListeners } from 'node:events';
import {
  debounceTime,
  EMPTY,
  filter,
  firstValueFrom,
  NEVER,
  of,
  take,
  tap,
  throwError,
  timer,
  TimeoutError,
  toArray,
} from 'rxjs';
import fc from 'fast-check';
import {
  anyOf,
  countThreshold,
  elapsed,
  FlusherDaemon,
  InMemoryScrivener,
  InvalidTransitionError,
  JournalStream,
  type DaemonEvent,
  type ReadOptions,
  type TailOptions,
  type FlushPredicate,
  type FlusherDaemonOptions,
  type FlushSink,
  type Position,
  type Scrivener,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { HandSink } from './hand-sink';

const boom = new Error('boom');
const never: FlushPredicate<number> = () => NEVER;

function setUp(options: Partial<FlusherDaemonOptions<number>> = {}) {
  const scrivener = new InMemoryScrivener<number>();
  const sink = new HandSink<number>();
  const flusher = new FlusherDaemon<number>({ scrivener, sink, ...options });
  const write = (count: number) => {
    for (let n = 0; n < count; n++) scrivener.append(scrivener.head + 1);
  };
  return { scrivener, sink, flusher, write };
}

const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('options', () => {
  const scrivener = new InMemoryScrivener<number>();
  const sink = new HandSink<number>();

  test.each([0, -1, 1.5, NaN, Infinity, '8' as unknown as number])(
    'flushQueueCapacity %p is a RangeError',
    (flushQueueCapacity) => {
      expect(() => new FlusherDaemon({ scrivener, sink, flushQueueCapacity })).toThrow(RangeError);
      expect(() => new FlusherDaemon({ scrivener, sink, flushQueueCapacity })).toThrow(/flushQueueCapacity/);
    },
  );

  test.each([-1, 1.5, NaN, Infinity, '8' as unknown as number])('after %p is a RangeError', (after) => {
    expect(() => new FlusherDaemon({ scrivener, sink, after })).toThrow(RangeError);
  });

  test('undefined means the default', async () => {
    const { flusher, sink, write } = setUp({ predicate: undefined, flushQueueCapacity: undefined, after: undefined });
    await flusher.start();
    write(100);
    await settle();
    expect(sink.accepted).toEqual([span(1, 100)]);
    expect(flusher.name).toBe('FlusherDaemon');
  });

  test('nothing is read before start', () => {
    const { scrivener, flusher } = setUp();
    expect(scrivener.observed).toBe(false);
    expect(flusher.status).toBe('Stopped');
    expect(flusher.flushed).toBe(0);
  });
});

describe('batches', () => {
  test('the default cuts at 100', async () => {
    const { flusher, sink, write } = setUp();
    await flusher.start();
    write(250);
    await settle();
    expect(sink.accepted).toEqual([span(1, 100), span(101, 200)]);
    expect(flusher.flushed).toBe(200);
    await flusher.shutdown();
    expect(sink.accepted[2]).toEqual(span(201, 250));
  });

  test.each([1, 2, 3])('countThreshold(%d) cuts exactly, held and live entries alike', async (count) => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(count) });
    write(5);
    await flusher.start();
    write(5);
    await flusher.shutdown();
    expect(sink.accepted.flat()).toEqual(span(1, 10));
    expect(sink.accepted.map(({ length }) => length)).toEqual([
      ...Array<number>(Math.floor(10 / count)).fill(count),
      ...(10 % count ? [10 % count] : []),
    ]);
  });

  test('the records are those of the journal', async () => {
    const { flusher, sink, scrivener } = setUp({ predicate: countThreshold(2) });
    await flusher.start();
    scrivener.append(70);
    scrivener.append(80);
    await settle();
    expect(sink.snapshots).toEqual([
      [
        { position: 1, entry: 70 },
        { position: 2, entry: 80 },
      ],
    ]);
  });

  test('after skips what the sink holds', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2), after: 3 });
    write(5);
    expect(flusher.flushed).toBe(3);
    await flusher.start();
    await settle();
    expect(sink.accepted).toEqual([[4, 5]]);
    expect(flusher.flushed).toBe(5);
  });

  test('one snapshot is with the sink at a time, in order', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.hanging = true;
    await flusher.start();
    write(3);
    await settle();
    expect(sink.handed).toEqual([[1]]);
    sink.accept();
    await settle();
    expect(sink.handed).toEqual([[1], [2]]);
    expect(flusher.flushed).toBe(1);
    sink.release();
    await settle();
    expect(sink.accepted).toEqual([[1], [2], [3]]);
  });

  test('a snapshot that the sink keeps never changes', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2) });
    sink.hanging = true;
    await flusher.start();
    write(20);
    await settle();
    sink.release();
    await flusher.shutdown();
    expect(sink.snapshots.map((snapshot) => snapshot.map(({ position }) => position))).toEqual(sink.handed);
    expect(new Set(sink.snapshots).size).toBe(sink.snapshots.length);
  });

  test('writers are not held up: write resolves while the sink hangs', async () => {
    const { flusher, sink, scrivener } = setUp({ predicate: countThreshold(1), flushQueueCapacity: 1 });
    sink.hanging = true;
    await flusher.start();
    expect(await Promise.all(span(1, 10).map((n) => scrivener.write(n)))).toEqual(span(1, 10));
  });

  test('stock operators are predicates', async () => {
    jest.useFakeTimers();
    try {
      for (const [predicate, expected] of [
        [filter((s) => s.at(-1)!.entry % 3 === 0), [[1, 2, 3]]],
        [debounceTime(200), [[1, 2, 3, 4, 5]]],
        [() => timer(200), [[1, 2, 3, 4, 5]]],
        [anyOf(countThreshold(4), elapsed(200)), [[1, 2, 3, 4], [5]]],
        [() => of(1), [[1], [2], [3], [4], [5]]],
        [() => EMPTY, []],
      ] as [FlushPredicate<number>, number[][]][]) {
        const { flusher, sink, write } = setUp({ predicate });
        await flusher.start();
        write(5);
        await jest.advanceTimersByTimeAsync(200);
        expect(sink.accepted).toEqual(expected);
        await flusher.shutdown();
        expect(sink.accepted.flat()).toEqual([1, 2, 3, 4, 5]);
        expect(jest.getTimerCount()).toBe(0);
      }
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('time predicates', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('fire without a further entry, and count again from the first entry of each batch', async () => {
    const { flusher, sink, write } = setUp({ predicate: elapsed(1000) });
    await flusher.start();
    expect(jest.getTimerCount()).toBe(0);
    write(1);
    await jest.advanceTimersByTimeAsync(600);
    write(1);
    await jest.advanceTimersByTimeAsync(399);
    expect(sink.accepted).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(sink.accepted).toEqual([[1, 2]]);
    await jest.advanceTimersByTimeAsync(5000);
    expect(jest.getTimerCount()).toBe(0);
    write(1);
    await jest.advanceTimersByTimeAsync(999);
    expect(sink.accepted).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(sink.accepted).toEqual([[1, 2], [3]]);
  });

  test('a flush starts them again', async () => {
    const { flusher, sink, write } = setUp({ predicate: elapsed(1000) });
    await flusher.start();
    write(1);
    await jest.advanceTimersByTimeAsync(900);
    await flusher.flush();
    expect(jest.getTimerCount()).toBe(0);
    write(1);
    await jest.advanceTimersByTimeAsync(999);
    expect(sink.accepted).toEqual([[1]]);
    await jest.advanceTimersByTimeAsync(1);
    expect(sink.accepted).toEqual([[1], [2]]);
  });

  test('leave no timer after a shutdown or a failure', async () => {
    const down = setUp({ predicate: elapsed(1000) });
    await down.flusher.start();
    down.write(1);
    await down.flusher.shutdown();
    expect(jest.getTimerCount()).toBe(0);
    expect(down.sink.accepted).toEqual([[1]]);
    const failing = setUp({ predicate: anyOf(countThreshold(2), elapsed(1000)) });
    await failing.flusher.start();
    failing.sink.hanging = true;
    failing.write(3);
    await settle();
    failing.sink.refuse(boom);
    await failing.flusher.waitForFailure();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('one that fires while the queue is full cuts as soon as there is room', async () => {
    const { flusher, sink, write } = setUp({ predicate: elapsed(100), flushQueueCapacity: 1 });
    sink.hanging = true;
    await flusher.start();
    for (let batch = 0; batch < 5; batch++) {
      write(1);
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(sink.handed).toEqual([[1]]);
    sink.accept();
    await settle();
    expect(sink.handed).toEqual([[1], [2]]);
    sink.accept();
    await settle();
    expect(sink.handed).toEqual([[1], [2], [3, 4, 5]]);
  });
});

describe('the queue', () => {
  test.each([1, 2, 3])(
    'holds %d cut snapshots besides the current one; the active one grows, and is cut as soon as there is room',
    async (capacity) => {
      const { flusher, sink, write } = setUp({ predicate: countThreshold(2), flushQueueCapacity: capacity });
      sink.hanging = true;
      await flusher.start();
      const waiting = capacity * 2;
      write(2 + waiting + 7);
      await settle();
      expect(sink.handed).toEqual([[1, 2]]);
      sink.accept();
      await settle();
      // Room: what had grown was cut here, not later.
      write(1);
      sink.release();
      await flusher.flush();
      const last = 2 + waiting + 7;
      expect(sink.accepted).toEqual([
        ...span(0, capacity).map((n) => [2 * n + 1, 2 * n + 2]),
        span(2 + waiting + 1, last),
        [last + 1],
      ]);
    },
  );

  test('one below the bound grows nothing', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2), flushQueueCapacity: 2 });
    sink.hanging = true;
    await flusher.start();
    write(6);
    write(1);
    await settle();
    sink.release();
    await flusher.flush();
    expect(sink.accepted).toEqual([[1, 2], [3, 4], [5, 6], [7]]);
  });

  test('the default bound is 8', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.hanging = true;
    await flusher.start();
    write(15);
    await settle();
    sink.release();
    await flusher.flush();
    expect(sink.accepted).toEqual([...span(1, 9).map((n) => [n]), span(10, 15)]);
  });

  test('at random: nothing is lost, repeated or reordered, whatever the sink does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('write', 'write', 'accept', 'hang', 'release', 'flush', 'settle'), { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, flushQueueCapacity, count) => {
          const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(count), flushQueueCapacity });
          await flusher.start();
          const flushes: Promise<void>[] = [];
          for (const step of steps) {
            if (step === 'write') write(1);
            if (step === 'hang') sink.hanging = true;
            if (step === 'release') sink.release();
            if (step === 'accept' && sink.pending > 0) sink.accept();
            if (step === 'settle') await settle();
            if (step === 'flush') {
              const head = scrivener.head;
              flushes.push(flusher.flush().then(() => expect(flusher.flushed).toBeGreaterThanOrEqual(head)));
            }
            expect(sink.pending).toBeLessThanOrEqual(1);
            expect(flusher.flushed).toBeLessThanOrEqual(sink.accepted.at(-1)?.at(-1) ?? 0);
          }
          const down = flusher.shutdown();
          sink.release();
          await down;
          await Promise.all(flushes);
          expect(sink.accepted.flat()).toEqual(span(1, scrivener.head));
          expect(flusher.flushed).toBe(scrivener.head);
          expect(sink.closed).toBe(1);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('flush', () => {
  test('before start is an InvalidTransitionError', async () => {
    const { flusher, sink, write } = setUp();
    write(1);
    await expect(flusher.flush()).rejects.toBeInstanceOf(InvalidTransitionError);
    await expect(flusher.flush()).rejects.toMatchObject({ status: 'Stopped' });
    expect(sink.handed).toEqual([]);
  });

  test('of an empty journal, and of one that is flushed, resolves and appends nothing', async () => {
    const { flusher, sink, write } = setUp();
    await flusher.start();
    await flusher.flush();
    expect(sink.handed).toEqual([]);
    write(1);
    await flusher.flush();
    await flusher.flush();
    expect(sink.handed).toEqual([[1]]);
    const ahead = setUp({ after: 10 });
    await ahead.flusher.start();
    await ahead.flusher.flush();
    expect(ahead.sink.handed).toEqual([]);
  });

  test('cuts now, and resolves only when the sink has accepted it', async () => {
    const { flusher, sink, write } = setUp();
    await flusher.start();
    sink.hanging = true;
    write(3);
    const flushed = track(flusher.flush());
    await settle();
    expect(sink.handed).toEqual([[1, 2, 3]]);
    expect(flushed.state).toBe('pending');
    write(1);
    sink.release();
    await settle();
    expect(flushed.state).toBe('resolved');
    expect(flusher.flushed).toBe(3);
    expect(sink.handed).toEqual([[1, 2, 3]]);
  });

  test('takes what is queued along', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2) });
    await flusher.start();
    sink.hanging = true;
    write(5);
    const flushed = track(flusher.flush());
    await settle();
    for (const expected of ['pending', 'pending', 'resolved']) {
      sink.accept();
      await settle();
      expect(flushed.state).toBe(expected);
    }
    expect(sink.accepted).toEqual([[1, 2], [3, 4], [5]]);
  });

  test("obeys the queue's bound", async () => {
    const { flusher, sink, write } = setUp({ predicate: never, flushQueueCapacity: 1 });
    await flusher.start();
    sink.hanging = true;
    const flushes = [];
    for (let n = 0; n < 5; n++) {
      write(1);
      flushes.push(track(flusher.flush()));
      await settle();
    }
    sink.release();
    await settle();
    expect(sink.accepted).toEqual([[1], [2], [3, 4, 5]]);
    expect(flushes.map(({ state }) => state)).toEqual(Array(5).fill('resolved'));
  });

  test('while start is running, un-awaited', async () => {
    const { flusher, sink, write } = setUp();
    write(2);
    void flusher.start();
    await flusher.flush();
    expect(sink.accepted).toEqual([[1, 2]]);
  });

  test.each(['before', 'after'] as const)(
    'inside a subscriber that subscribed %s the flusher goes up to the current entry',
    async (when) => {
      const { flusher, sink, scrivener, write } = setUp({ predicate: never });
      const flushes: Promise<void>[] = [];
      const subscribe = () =>
        scrivener.tail().subscribe(({ position }) => {
          if (position === 3) flushes.push(flusher.flush());
        });
      if (when === 'before') subscribe();
      await flusher.start();
      if (when === 'after') subscribe();
      write(5);
      await Promise.all(flushes);
      expect(flushes).toHaveLength(1);
      expect(sink.accepted).toEqual([[1, 2, 3]]);
      expect(flusher.flushed).toBe(3);
      await flusher.flush();
      expect(sink.accepted).toEqual([
        [1, 2, 3],
        [4, 5],
      ]);
    },
  );

  test.each(['before', 'after'] as const)(
    'inside a subscriber that writes (subscribed %s the flusher) goes up to what it wrote',
    async (when) => {
      const { flusher, sink, scrivener } = setUp({ predicate: never });
      let flushed: Promise<void> | undefined;
      const subscribe = () =>
        scrivener.tail().subscribe(({ position }) => {
          if (position !== 1) return;
          scrivener.append(2);
          scrivener.append(3);
          flushed = flusher.flush();
        });
      if (when === 'before') subscribe();
      await flusher.start();
      if (when === 'after') subscribe();
      scrivener.append(1);
      await flushed;
      expect(sink.accepted).toEqual([[1, 2, 3]]);
    },
  );

  test('inside a subscriber, of entries that were cut already, waits for them only', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(1) });
    let flushed: Promise<void> | undefined;
    scrivener.tail().subscribe(({ position }) => {
      if (position === 1) flushed = flusher.flush();
    });
    await flusher.start();
    write(1);
    await flushed;
    expect(sink.accepted).toEqual([[1]]);
  });

  test('inside the sink, un-awaited, appends the rest after it', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2) });
    const append = sink.append.bind(sink);
    let inner: Promise<void> | undefined;
    sink.append = (snapshot) => {
      inner ??= flusher.flush();
      return append(snapshot);
    };
    await flusher.start();
    write(3);
    await settle();
    await inner;
    await flusher.flush();
    expect(sink.accepted).toEqual([[1, 2], [3]]);
  });

  test('inside the predicate', async () => {
    let inner: Promise<void> | undefined;
    const { flusher, sink, write } = setUp({
      predicate: (growth) =>
        growth.pipe(
          tap((s) => {
            if (s.length === 2) inner = flusher.flush();
          }),
          filter(() => false),
        ),
    });
    await flusher.start();
    write(3);
    await inner;
    expect(sink.accepted[0]).toEqual([1, 2]);
    await flusher.shutdown();
    expect(sink.accepted).toEqual([[1, 2], [3]]);
  });

  test('several at once cut once', async () => {
    const { flusher, sink, write } = setUp();
    await flusher.start();
    write(2);
    await Promise.all([flusher.flush(), flusher.flush(), flusher.flush()]);
    expect(sink.accepted).toEqual([[1, 2]]);
  });

  test('rejects with the failure, while it runs and afterwards', async () => {
    const { flusher, sink, write } = setUp();
    await flusher.start();
    sink.hanging = true;
    write(2);
    const flushed = track(flusher.flush());
    await settle();
    sink.refuse(boom);
    await settle();
    expect(flushed).toEqual({ state: 'rejected', error: boom });
    await expect(flusher.flush()).rejects.toBe(boom);
    write(1);
    await expect(flusher.flush()).rejects.toBe(boom);
  });

  test('after shutdown resolves while nothing was written since, and does not hang otherwise', async () => {
    const { flusher, write } = setUp();
    await flusher.start();
    write(1);
    await flusher.shutdown();
    await flusher.flush();
    write(1);
    await expect(flusher.flush()).rejects.toBeInstanceOf(InvalidTransitionError);
  });

  test('of a journal that is read asynchronously', async () => {
    const inner = new InMemoryScrivener<number>();
    const late: Scrivener<number> = {
      write: (entry, options) => inner.write(entry, options),
      waitFor: (after: Position, match: (entry: number) => boolean) => inner.waitFor(after, match),
      tail: (after?: Position | 'oldest', options?: TailOptions) => deferred(inner.tail(after, options)),
      readBackward: (before?: Position, options?: ReadOptions) => deferred(inner.readBackward(before, options)),
    };
    const sink = new HandSink<number>();
    const flusher = new FlusherDaemon({ scrivener: late, sink, predicate: never });
    for (let n = 1; n <= 3; n++) inner.append(n);
    await flusher.start();
    await flusher.flush();
    expect(sink.accepted).toEqual([[1, 2, 3]]);
    inner.append(4);
    await flusher.shutdown();
    expect(sink.accepted).toEqual([[1, 2, 3], [4]]);
  });
});

/** The same, each record a microtask later. */
function deferred<T>(stream: JournalStream<T>): JournalStream<T> {
  return new JournalStream<T>(
    (subscriber) => {
      const iterator = stream[Symbol.asyncIterator]();
      const step = (): Promise<void> =>
        iterator.next().then(
          ({ done, value }) => {
            if (subscriber.closed) return;
            if (done) return subscriber.complete();
            subscriber.next(value);
            return step();
          },
          (error: unknown) => subscriber.error(error),
        );
      void step();
      return () => void iterator.return?.();
    },
    () => stream[Symbol.asyncIterator](),
  );
}

describe('shutdown', () => {
  test('persists the active snapshot and what is queued before the status becomes Completed', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2) });
    const seen: [string, number][] = [];
    flusher.status$.subscribe((status) => seen.push([status, sink.accepted.flat().length]));
    await flusher.start();
    sink.hanging = true;
    write(7);
    const down = track(flusher.shutdown());
    for (let n = 0; n < 4; n++) {
      await settle();
      expect([down.state, flusher.status]).toEqual(['pending', 'Running']);
      sink.accept();
    }
    await settle();
    expect([down.state, flusher.status]).toEqual(['resolved', 'Completed']);
    expect(sink.accepted).toEqual([[1, 2], [3, 4], [5, 6], [7]]);
    expect(seen).toEqual([
      ['Stopped', 0],
      ['Running', 0],
      ['Completed', 7],
    ]);
    expect(sink.closed).toBe(1);
  });

  test('with a full queue and a grown active snapshot', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1), flushQueueCapacity: 1 });
    await flusher.start();
    sink.hanging = true;
    write(6);
    const down = flusher.shutdown();
    await settle();
    sink.release();
    await down;
    expect(sink.accepted).toEqual([[1], [2], [3, 4, 5, 6]]);
  });

  test('right after start, un-awaited, persists what the journal held', async () => {
    const { flusher, sink, write } = setUp();
    write(3);
    void flusher.start();
    await flusher.shutdown();
    expect(sink.accepted).toEqual([[1, 2, 3]]);
  });

  test('of an empty journal closes the sink and appends nothing', async () => {
    const { flusher, sink } = setUp();
    await flusher.start();
    await flusher.shutdown();
    expect(sink.handed).toEqual([]);
    expect(sink.closed).toBe(1);
  });

  test('releases the journal: what is written afterwards does not reach the sink', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(1) });
    await flusher.start();
    write(1);
    await flusher.shutdown();
    expect(scrivener.observed).toBe(false);
    write(1);
    await settle();
    expect(sink.accepted).toEqual([[1]]);
    expect(flusher.flushed).toBe(1);
  });

  test('what is written while it is running is persisted whole or not at all, without a gap', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(2) });
    await flusher.start();
    write(3);
    const down = flusher.shutdown();
    for (let n = 0; n < 20; n++) {
      write(1);
      await Promise.resolve();
    }
    await down;
    const persisted = sink.accepted.flat();
    expect(persisted).toEqual(span(1, persisted.length));
    expect(persisted.length).toBeGreaterThanOrEqual(3);
    expect(flusher.flushed).toBe(persisted.length);
    expect(scrivener.observed).toBe(false);
  });

  test('what comes between the flush and the stop is with the sink before it is closed', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: never });
    await flusher.start();
    write(1);
    flusher.flushed$.subscribe((flushed) => {
      if (flushed !== 1) return;
      sink.hanging = true;
      scrivener.append(2);
    });
    const down = track(flusher.shutdown());
    await settle();
    expect(sink.handed).toEqual([[1], [2]]);
    expect([down.state, flusher.status, sink.closed]).toEqual(['pending', 'Running', 0]);
    sink.accept();
    await settle();
    expect([down.state, flusher.status, sink.closed, flusher.flushed]).toEqual(['resolved', 'Completed', 1, 2]);
  });

  test('inside a subscriber persists what was written by then', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: never });
    let down: Promise<void> | undefined;
    scrivener.tail().subscribe(({ position }) => {
      if (position !== 2) return;
      scrivener.append(3);
      down = flusher.shutdown();
    });
    await flusher.start();
    write(2);
    await down;
    expect(sink.accepted.flat()).toEqual([1, 2, 3]);
  });

  test('twice, and once more, closes the sink once', async () => {
    const { flusher, sink } = setUp();
    await flusher.start();
    await Promise.all([flusher.shutdown(), flusher.shutdown()]);
    await flusher[Symbol.asyncDispose]();
    expect(sink.closed).toBe(1);
  });

  test('a sink without close', async () => {
    const scrivener = new InMemoryScrivener<number>();
    const flusher = new FlusherDaemon<number>({ scrivener, sink: { append: async () => undefined } });
    await flusher.start();
    scrivener.append(1);
    await flusher.shutdown();
    expect(flusher.status).toBe('Completed');
  });

  test('waits for the sink to close', async () => {
    let close!: () => void;
    const sink: FlushSink<number> = {
      append: async () => undefined,
      close: () => new Promise((resolve) => (close = resolve)),
    };
    const flusher = new FlusherDaemon<number>({ scrivener: new InMemoryScrivener<number>(), sink });
    await flusher.start();
    const down = track(flusher.shutdown());
    await settle();
    expect([down.state, flusher.status]).toEqual(['pending', 'Running']);
    close();
    await settle();
    expect([down.state, flusher.status]).toEqual(['resolved', 'Completed']);
  });

  test.each(['rejects', 'throws'])('a sink whose close %s fails the daemon, with everything flushed', async (how) => {
    const { flusher, sink, write } = setUp();
    sink.close = () => {
      sink.closed++;
      if (how === 'throws') throw boom;
      return Promise.reject(boom);
    };
    await flusher.start();
    write(2);
    await expect(flusher.shutdown()).rejects.toBe(boom);
    expect([flusher.status, flusher.flushed, sink.closed]).toEqual(['Failed', 2, 1]);
    expect(await flusher.waitForFailure()).toBe(boom);
    write(1);
    await expect(flusher.whenFlushed(3)).rejects.toBe(boom);
    await expect(flusher.flush()).rejects.toBe(boom);
  });

  test('a journal that cannot be read at shutdown: Failed, the sink closed, and nothing appended any more', async () => {
    const inner = new InMemoryScrivener<number>();
    const unreadable: Scrivener<number> = {
      write: (entry) => inner.write(entry),
      waitFor: (after: Position, match: (entry: number) => boolean) => inner.waitFor(after, match),
      tail: (after?: Position | 'oldest') => inner.tail(after),
      readBackward: () =>
        new JournalStream(
          (subscriber) => subscriber.error(boom),
          () => inner.readBackward()[Symbol.asyncIterator](),
        ),
    };
    const sink = new HandSink<number>();
    const flusher = new FlusherDaemon({ scrivener: unreadable, sink, predicate: countThreshold(2) });
    await flusher.start();
    inner.append(1);
    await expect(flusher.shutdown()).rejects.toBe(boom);
    expect(flusher.status).toBe('Failed');
    await settle();
    expect(sink.closed).toBe(1);
    inner.append(2);
    inner.append(3);
    await settle();
    expect(inner.observed).toBe(false);
    expect(sink.handed.flat()).not.toContain(3);
    await expect(flusher.whenFlushed(50)).rejects.toBe(boom);
  });
});

describe('the end of the journal', () => {
  test('completed: everything is persisted, then Completed', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(2) });
    await flusher.start();
    sink.hanging = true;
    write(5);
    scrivener.complete();
    await settle();
    expect(flusher.status).toBe('Running');
    sink.release();
    await flusher.waitFor('Completed');
    expect(sink.accepted).toEqual([[1, 2], [3, 4], [5]]);
    expect([flusher.flushed, sink.closed]).toEqual([5, 1]);
    await flusher.shutdown();
    expect(sink.closed).toBe(1);
  });

  test('completed before start', async () => {
    const { flusher, sink, scrivener, write } = setUp();
    write(2);
    scrivener.complete();
    await flusher.start();
    await flusher.waitFor('Completed');
    expect(sink.accepted).toEqual([[1, 2]]);
  });

  test('failed: what was accepted is flushed first, then Failed with that error', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(2) });
    await flusher.start();
    sink.hanging = true;
    write(5);
    scrivener.error(boom);
    await settle();
    expect(flusher.status).toBe('Running');
    sink.release();
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.accepted).toEqual([[1, 2], [3, 4], [5]]);
    expect([flusher.flushed, sink.closed]).toEqual([5, 1]);
    await expect(flusher.whenFlushed(6)).rejects.toBe(boom);
  });

  test('failed before start', async () => {
    const { flusher, sink, scrivener, write } = setUp();
    write(2);
    scrivener.error(boom);
    await flusher.start().catch(() => undefined);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.accepted).toEqual([[1, 2]]);
    expect(sink.closed).toBe(1);
  });

  test('failed while the sink fails, too: the first failure counts and nothing is appended after it', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(1) });
    await flusher.start();
    sink.hanging = true;
    write(3);
    scrivener.error('journal');
    await settle();
    sink.refuse(boom);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.handed).toEqual([[1]]);
    expect(flusher.flushed).toBe(0);
  });

  test('a shutdown that waits when the journal fails rejects with its error', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(1) });
    await flusher.start();
    sink.hanging = true;
    write(2);
    const down = track(flusher.shutdown());
    await settle();
    scrivener.error(boom);
    sink.release();
    await settle();
    expect(down).toEqual({ state: 'rejected', error: boom });
    expect(sink.accepted).toEqual([[1], [2]]);
    expect(sink.closed).toBe(1);
  });

  test('a tail that throws when it is made fails the daemon', async () => {
    const scrivener = Object.create(new InMemoryScrivener<number>(), {
      tail: {
        value: () => {
          throw boom;
        },
      },
    }) as Scrivener<number>;
    const sink = new HandSink<number>();
    const flusher = new FlusherDaemon({ scrivener, sink });
    await flusher.start().catch(() => undefined);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.closed).toBe(1);
  });
});

describe('a predicate that errors', () => {
  test.each<[string, FlushPredicate<number>]>([
    [
      'in a callback',
      (growth) =>
        growth.pipe(
          filter((s) => {
            if (s.at(-1)!.position === 3) throw boom;
            return s.length === 2;
          }),
        ),
    ],
    [
      'at its call',
      (() => {
        let calls = 0;
        return (growth) => {
          if (++calls === 2) throw boom;
          return growth.pipe(filter((s) => s.length === 2));
        };
      })(),
    ],
    [
      'at once',
      (() => {
        let calls = 0;
        return (growth) => (++calls === 2 ? throwError(() => boom) : growth.pipe(filter((s) => s.length === 2)));
      })(),
    ],
  ])('%s: what was accepted is flushed first, then Failed', async (_, predicate) => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const { flusher, sink, scrivener, write } = setUp({ predicate, daemonEvents: events });
    await flusher.start();
    write(5);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.accepted).toEqual([[1, 2], [3]]);
    expect([flusher.flushed, sink.closed]).toEqual([3, 1]);
    expect(scrivener.head).toBe(5);
    expect(scrivener.observed).toBe(false);
    await expect(flusher.whenFlushed(4)).rejects.toBe(boom);
    await expect(flusher.flush()).rejects.toBe(boom);
    expect((await firstValueFrom(events.tail().pipe(take(3), toArray()))).map(({ entry }) => entry.type)).toEqual([
      'StatusChanged',
      'FailureOccurred',
      'StatusChanged',
    ]);
  });
});

describe('a sink that fails', () => {
  test('in the middle, with queued batches: nothing is appended afterwards, and what was not accepted is not counted', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(2) });
    await flusher.start();
    sink.hanging = true;
    write(9);
    await settle();
    sink.accept();
    await settle();
    sink.refuse(boom);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.handed).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(flusher.flushed).toBe(2);
    expect(flusher.status).toBe('Failed');
    expect(sink.closed).toBe(1);
    expect(scrivener.observed).toBe(false);
    sink.release();
    write(10);
    await settle();
    expect(sink.handed).toHaveLength(2);
    expect(scrivener.head).toBe(19);
  });

  test('by throwing synchronously', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.append = () => {
      throw boom;
    };
    await flusher.start();
    write(1);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect([flusher.flushed, sink.closed]).toEqual([0, 1]);
  });

  test('with what the journal held at start', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.append = () => Promise.reject(boom);
    write(3);
    await flusher.start().catch(() => undefined);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect([flusher.status, flusher.flushed, sink.closed]).toEqual(['Failed', 0, 1]);
  });

  test('with undefined', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.append = () => Promise.reject(undefined);
    await flusher.start();
    write(1);
    await flusher.waitFor('Failed');
    expect(flusher.flushed).toBe(0);
  });

  test('at shutdown: shutdown rejects with it, Failed', async () => {
    const { flusher, sink, write } = setUp();
    await flusher.start();
    sink.hanging = true;
    write(1);
    const down = track(flusher.shutdown());
    await settle();
    sink.refuse(boom);
    await settle();
    expect(down).toEqual({ state: 'rejected', error: boom });
    expect([flusher.status, sink.closed]).toEqual(['Failed', 1]);
    await expect(flusher.shutdown()).rejects.toBe(boom);
    expect(sink.closed).toBe(1);
  });

  test('shutdown rejects at each call, also the first one after the failure, as long as something is not in the sink', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.append = () => Promise.reject(boom);
    await flusher.start();
    write(1);
    await flusher.waitForFailure();
    for (let call = 0; call < 3; call++) await expect(flusher.shutdown()).rejects.toBe(boom);
    await expect(flusher[Symbol.asyncDispose]()).rejects.toBe(boom);
    expect([flusher.status, sink.closed]).toEqual(['Failed', 1]);
  });

  test('shutdown resolves after a failure when everything is in the sink, and rejects once more is written', async () => {
    const { flusher, sink, scrivener, write } = setUp({ predicate: countThreshold(1) });
    sink.close = () => Promise.reject(boom);
    await flusher.start();
    write(2);
    await expect(flusher.shutdown()).rejects.toBe(boom);
    await flusher.shutdown();
    scrivener.append(3);
    await expect(flusher.shutdown()).rejects.toBe(boom);
    expect(flusher.flushed).toBe(2);
  });

  test('whose close fails as well: the first failure is the one that counts', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    sink.append = () => Promise.reject(boom);
    sink.close = () => {
      sink.closed++;
      return Promise.reject(new Error('close'));
    };
    await flusher.start();
    write(1);
    expect(await flusher.waitForFailure()).toBe(boom);
    await settle();
    expect(sink.closed).toBe(1);
  });

  test('leaves flushed$ at what it has accepted, and errors none of its subscribers', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    const log: unknown[] = [];
    flusher.flushed$.subscribe({ next: (p) => log.push(p), error: () => log.push('error') });
    await flusher.start();
    write(2);
    await settle();
    sink.hanging = true;
    write(1);
    await settle();
    sink.refuse(boom);
    await flusher.waitForFailure();
    await settle();
    expect(log).toEqual([0, 1, 2]);
    const late: unknown[] = [];
    flusher.flushed$.subscribe((p) => late.push(p));
    expect(late).toEqual([2]);
  });
});

describe('flushed', () => {
  test('flushed$ replays the current value, then each change, agreeing with flushed', async () => {
    const { flusher, write } = setUp({ predicate: countThreshold(2), after: 0 });
    const log: unknown[] = [];
    flusher.flushed$.subscribe((p) => log.push([p, flusher.flushed]));
    await flusher.start();
    write(4);
    await settle();
    const late: Position[] = [];
    flusher.flushed$.subscribe((p) => late.push(p));
    write(1);
    await flusher.shutdown();
    expect(log).toEqual([
      [0, 0],
      [2, 2],
      [4, 4],
      [5, 5],
    ]);
    expect(late).toEqual([4, 5]);
    const last: unknown[] = [];
    flusher.flushed$.subscribe((p) => last.push(p));
    expect(last).toEqual([5]);
  });

  test('begins at after', async () => {
    const { flusher } = setUp({ after: 7 });
    expect(await firstValueFrom(flusher.flushed$)).toBe(7);
    await flusher.whenFlushed(7);
  });

  test('cannot be pushed into', async () => {
    const { flusher } = setUp();
    const waiting = track(flusher.whenFlushed(99));
    (flusher.flushed$ as { next?: (position: number) => void }).next?.(99);
    await settle();
    expect(waiting.state).toBe('pending');
  });
});

describe('whenFlushed', () => {
  test('resolves at once for what is flushed, and once it is for what is not', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(2) });
    await flusher.whenFlushed(0);
    const early = track(flusher.whenFlushed(1));
    await flusher.start();
    sink.hanging = true;
    write(4);
    await settle();
    expect(early.state).toBe('pending');
    const third = track(flusher.whenFlushed(3));
    sink.accept();
    await settle();
    expect([early.state, third.state]).toEqual(['resolved', 'pending']);
    sink.accept();
    await settle();
    expect(third).toEqual({ state: 'resolved', value: undefined });
    await flusher.whenFlushed(4);
  });

  test('rejects with the failure, what is beyond it', async () => {
    const { flusher, sink, write } = setUp({ predicate: countThreshold(1) });
    await flusher.start();
    write(1);
    await settle();
    sink.hanging = true;
    write(1);
    const waiting = track(flusher.whenFlushed(2));
    await settle();
    sink.refuse(boom);
    await settle();
    expect(waiting).toEqual({ state: 'rejected', error: boom });
    await expect(flusher.whenFlushed(2)).rejects.toBe(boom);
  });

  test('rejects when the daemon completes before', async () => {
    const { flusher } = setUp();
    await flusher.start();
    const waiting = track(flusher.whenFlushed(1));
    await flusher.shutdown();
    await settle();
    expect(waiting.error).toBeInstanceOf(InvalidTransitionError);
    await expect(flusher.whenFlushed(1)).rejects.toBeInstanceOf(InvalidTransitionError);
  });

  test('times out, is aborted, and leaves nothing behind', async () => {
    jest.useFakeTimers();
    try {
      const { flusher } = setUp();
      await flusher.start();
      const controller = new AbortController();
      const timedOut = track(flusher.whenFlushed(1, { timeout: 100 }));
      const aborted = track(flusher.whenFlushed(1, { signal: controller.signal, timeout: 1000 }));
      await jest.advanceTimersByTimeAsync(99);
      expect(timedOut.state).toBe('pending');
      await jest.advanceTimersByTimeAsync(1);
      expect(timedOut.error).toBeInstanceOf(TimeoutError);
      expect(timedOut.error).toHaveProperty('message', 'Waited 100 ms for position 1 to be flushed');
      controller.abort('gone');
      await settle();
      expect(aborted).toEqual({ state: 'rejected', error: 'gone' });
      expect(jest.getTimerCount()).toBe(0);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test.each([-1, 1.5, NaN])('of %p rejects with RangeError', async (position) => {
    await expect(setUp().flusher.whenFlushed(position)).rejects.toThrow(RangeError);
  });
});

describe('daemonEvents', () => {
  const show = ({ entry }: { entry: DaemonEvent }) =>
    entry.type === 'StatusChanged' ? `${entry.daemon} ${entry.status}` : `${entry.daemon} ${String(entry.error)}`;

  test('in order, one journal for two flushers', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const log: string[] = [];
    events.tail().subscribe((record) => log.push(show(record)));
    const a = setUp({ daemonEvents: events, name: 'a', predicate: countThreshold(1) });
    const b = setUp({ daemonEvents: events, name: 'b', predicate: countThreshold(1) });
    await a.flusher.start();
    await b.flusher.start();
    a.sink.hanging = true;
    a.write(1);
    b.write(1);
    await settle();
    a.sink.refuse(boom);
    expect(await a.flusher.waitForFailure()).toBe(boom);
    await settle();
    expect(b.flusher.status).toBe('Running');
    b.write(1);
    await b.flusher.shutdown();
    expect([a.flusher.status, b.flusher.status]).toEqual(['Failed', 'Completed']);
    expect(b.sink.accepted).toEqual([[1], [2]]);
    expect(log).toEqual(['a Running', 'b Running', 'a Error: boom', 'a Failed', 'b Completed']);
    await expect(b.flusher.waitForFailure()).rejects.toBeInstanceOf(InvalidTransitionError);
  });

  test('two flushers of one journal into two sinks do not touch one another', async () => {
    const scrivener = new InMemoryScrivener<number>();
    const sinks = [new HandSink<number>(), new HandSink<number>()] as const;
    const [fast, slow] = sinks.map(
      (sink, i) => new FlusherDaemon({ scrivener, sink, predicate: countThreshold(i + 1) }),
    ) as [FlusherDaemon<number>, FlusherDaemon<number>];
    await Promise.all([fast.start(), slow.start()]);
    sinks[1].hanging = true;
    for (let n = 1; n <= 4; n++) scrivener.append(n);
    await settle();
    expect([fast.flushed, slow.flushed]).toEqual([4, 0]);
    sinks[1].refuse(boom);
    await slow.waitForFailure();
    scrivener.append(5);
    await fast.shutdown();
    expect(sinks[0].accepted).toEqual([[1], [2], [3], [4], [5]]);
  });

  test('an events journal that has ended does not disturb', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    events.complete();
    const { flusher, sink, write } = setUp({ daemonEvents: events });
    await flusher.start();
    write(1);
    await flusher.shutdown();
    expect(sink.accepted).toEqual([[1]]);
  });

  test('a flusher may persist the very journal of its own events', async () => {
    const scrivener = new InMemoryScrivener<DaemonEvent>();
    const sink = new HandSink<DaemonEvent>();
    const flusher = new FlusherDaemon<DaemonEvent>({
      scrivener,
      sink,
      daemonEvents: scrivener,
      predicate: countThreshold(1),
    });
    await flusher.start();
    await flusher.flush();
    expect(sink.accepted).toEqual([[1]]);
    await flusher.shutdown();
    expect(flusher.status).toBe('Completed');
    expect(scrivener.head).toBe(2);
  });
});
