import { concat, concatMap, filter, map, of, take, tap, throwError, type OperatorFunction } from 'rxjs';
import {
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  JournalStream,
  TappedScrivener,
  type FlushPredicate,
  type Position,
  type Positioned,
} from 'rx-scrivener';
import { HandSink } from './hand-sink';

async function started(predicate: FlushPredicate<string>, capacity = 8, wrap = false) {
  const scrivener = new InMemoryScrivener<string>();
  const sink = new HandSink<string>();
  const tailed = wrap ? new TappedScrivener(scrivener, (entry, inner) => inner.write(entry)) : scrivener;
  const flusher = new FlusherDaemon({ scrivener: tailed, sink, predicate, flushQueueCapacity: capacity });
  await flusher.start();
  return { scrivener, sink, flusher };
}

test.each([
  ['the journal', false],
  ['a wrapped one', true],
])('a predicate that fires inside a group cuts after it, of %s', async (_, wrap) => {
  const { scrivener, sink, flusher } = await started(countThreshold(2), 8, wrap);
  await scrivener.writeAll(['a', 'b', 'c', 'd', 'e']);
  await scrivener.write('f');
  await scrivener.writeAll(['g', 'h']);
  await scrivener.writeAll(['i', 'j']);
  await flusher.shutdown();
  expect(sink.accepted).toEqual([
    [1, 2, 3, 4, 5],
    [6, 7, 8],
    [9, 10],
  ]);
});

test('a group that was written before the start is flushed whole', async () => {
  const scrivener = new InMemoryScrivener<string>();
  await scrivener.writeAll(['a', 'b', 'c']);
  await scrivener.writeAll(['d', 'e', 'f']);
  const sink = new HandSink<string>();
  const flusher = new FlusherDaemon({ scrivener, sink, predicate: countThreshold(1) });
  await flusher.start();
  await flusher.shutdown();
  expect(sink.accepted).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
});

test('a predicate that errors inside a group fails the flusher after it', async () => {
  const boom = new Error('boom');
  const predicate: FlushPredicate<string> = (snapshots) =>
    snapshots.pipe(concatMap((snapshot) => (snapshot.length === 2 ? throwError(() => boom) : [])));
  const { scrivener, sink, flusher } = await started(predicate);
  await scrivener.writeAll(['a', 'b', 'c', 'd']);
  expect(await flusher.waitForFailure()).toBe(boom);
  expect(sink.accepted).toEqual([[1, 2, 3, 4]]);
  expect(flusher.flushed).toBe(4);
});

describe.each<[string, (boom: Error) => FlushPredicate<string>]>([
  [
    'throws in its call',
    (boom) => () => {
      throw boom;
    },
  ],
  ['errors at once', (boom) => () => throwError(() => boom)],
  ['errors at the first entry', (boom) => (snapshots) => snapshots.pipe(concatMap(() => throwError(() => boom)))],
  [
    'throws at the first entry',
    (boom) => (snapshots) =>
      snapshots.pipe(
        filter(() => {
          throw boom;
        }),
      ),
  ],
])('a predicate that %s', (_, predicate) => {
  const boom = new Error('boom');

  test('fails the flusher after the group, which is flushed whole', async () => {
    const { scrivener, sink, flusher } = await started(predicate(boom));
    await scrivener.writeAll(['a', 'b', 'c']);
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.accepted).toEqual([[1, 2, 3]]);
    expect(flusher.flushed).toBe(3);
  });

  test('and the group that was written before the start', async () => {
    const scrivener = new InMemoryScrivener<string>();
    const sink = new HandSink<string>();
    await scrivener.writeAll(['a', 'b', 'c']);
    await scrivener.writeAll(['d', 'e']);
    const flusher = new FlusherDaemon({ scrivener, sink, predicate: predicate(boom) });
    await flusher.start();
    expect(await flusher.waitForFailure()).toBe(boom);
    expect(sink.accepted).toEqual([[1, 2, 3]]);
  });

  test('fails it also when a shutdown comes first, while the queue is full', async () => {
    let calls = 0;
    const { scrivener, sink, flusher } = await started(
      (snapshots) => (++calls < 3 ? of(1) : predicate(boom)(snapshots)),
      1,
    );
    sink.hanging = true;
    for (const entry of 'ab') scrivener.append(entry);
    await scrivener.writeAll(['c', 'd']);
    const down = flusher.shutdown();
    sink.release();
    await expect(down).rejects.toBe(boom);
    expect(sink.accepted).toEqual([[1], [2], [3, 4]]);
    expect(flusher.status).toBe('Failed');
  });
});

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['null', null],
  ['a number', 3],
  ['an object', {}],
])('a predicate that returns %s fails the flusher after the group', async (_, returned) => {
  const { scrivener, sink, flusher } = await started((() => returned) as unknown as FlushPredicate<string>);
  await scrivener.writeAll(['a', 'b', 'c']);
  expect(await flusher.waitForFailure()).toBeInstanceOf(TypeError);
  expect(sink.accepted).toEqual([[1, 2, 3]]);
});

test.each<[string, FlushPredicate<string>]>([
  ['at once', () => of(1)],
  [
    'at once, and errors then',
    () =>
      concat(
        of(1),
        throwError(() => new Error('late')),
      ),
  ],
  ['for each entry', map(() => 1)],
])('a predicate that emits %s cuts after the group', async (_, predicate) => {
  const { scrivener, sink, flusher } = await started(predicate);
  await scrivener.writeAll(['a', 'b', 'c']);
  await scrivener.write('d');
  await flusher.shutdown();
  expect(sink.accepted).toEqual([[1, 2, 3], [4]]);
});

describe('a journal whose records are mapped on their way', () => {
  const remade = <T>(inner: InMemoryScrivener<T>, remake: OperatorFunction<Positioned<T>, Positioned<T>>) => ({
    write: (entry: T) => inner.write(entry),
    waitFor: inner.waitFor.bind(inner),
    readBackward: (before?: Position) => inner.readBackward(before),
    tail: (after?: Position) => {
      const tail = inner.tail(after);
      return new JournalStream<T>(
        (subscriber) => tail.pipe(remake).subscribe(subscriber),
        () => tail[Symbol.asyncIterator](),
      );
    },
  });

  test.each<[string, OperatorFunction<Positioned<string>, Positioned<string>>]>([
    ['copied', map((record) => ({ ...record }))],
    ['rewritten', map(({ position, entry }) => ({ position, entry: entry.toUpperCase() }))],
    [
      'while another journal is written and read',
      map((record) => {
        const other = new InMemoryScrivener<string>();
        other.tail().subscribe();
        other.append(record.entry);
        return { ...record };
      }),
    ],
  ])('is flushed by groups: %s, held and live', async (_, remake) => {
    const inner = new InMemoryScrivener<string>();
    const sink = new HandSink<string>();
    await inner.writeAll(['a', 'b', 'c']);
    // A reader before the flusher's, which reads and writes something else meanwhile.
    const noise = new InMemoryScrivener<string>();
    inner.tail().subscribe(({ entry }) => {
      noise.append(entry);
      noise.tail().subscribe();
    });
    const flusher = new FlusherDaemon({ scrivener: remade(inner, remake), sink, predicate: countThreshold(1) });
    await flusher.start();
    await inner.write('d');
    await inner.writeAll(['e', 'f']);
    await inner.write('g');
    await flusher.shutdown();
    expect(sink.accepted).toEqual([[1, 2, 3], [4], [5, 6], [7]]);
  });
});

test('the group of another journal, at the same positions, is not taken for its own', async () => {
  const { scrivener, sink, flusher } = await started(filter(() => false));
  const other = new InMemoryScrivener<string>();
  const flushes: Promise<void>[] = [];
  await scrivener.write('a');
  other.tail().subscribe(({ position }) => {
    if (position === 1) flushes.push(flusher.flush());
    if (position === 2) flushes.push(scrivener.write('b').then(() => flusher.flush()));
  });
  await other.writeAll(['x', 'y', 'z']);
  await Promise.all(flushes);
  expect(sink.accepted).toEqual([[1], [2]]);
  // One that was left inside a group, before a journal that stands at the same position.
  other.tail().pipe(take(2)).subscribe();
  for await (const { position } of other.tail()) if (position === 2) break;
  await scrivener.write('c');
  await flusher.flush();
  await flusher.shutdown();
  expect(sink.accepted).toEqual([[1], [2], [3]]);
});

test('a tail that fails inside a group: what has come of the group is no part of a batch', async () => {
  const inner = new InMemoryScrivener<string>();
  await inner.write('a');
  await inner.writeAll(['b', 'c', 'd']);
  const boom = new Error('boom');
  const sink = new HandSink<string>();
  const tail = () =>
    new JournalStream<string>(
      (subscriber) =>
        concat(
          inner.tail().pipe(take(3)),
          throwError(() => boom),
        ).subscribe(subscriber),
      () => inner.tail()[Symbol.asyncIterator](),
    );
  const flusher = new FlusherDaemon<string>({
    scrivener: Object.assign(Object.create(inner) as InMemoryScrivener<string>, { tail }),
    sink,
  });
  await flusher.start();
  expect(await flusher.waitForFailure()).toBe(boom);
  expect(sink.accepted).toEqual([[1]]);
  expect(flusher.flushed).toBe(1);
});

test('a flush that is asked for inside a group waits for the rest of it', async () => {
  const { scrivener, sink, flusher } = await started(filter(() => false));
  const flushes: Promise<void>[] = [];
  scrivener.tail().subscribe(({ position }) => {
    if (position === 2) flushes.push(flusher.flush());
  });
  await scrivener.writeAll(['a', 'b', 'c']);
  await Promise.all(flushes);
  expect(sink.accepted).toEqual([[1, 2, 3]]);
  await flusher.shutdown();
});

test('room that comes inside a group is used after it', async () => {
  const { scrivener, sink, flusher } = await started(countThreshold(1), 1);
  sink.hanging = true;
  await scrivener.write('a'); // in the sink
  await scrivener.write('b'); // waits
  scrivener.tail(2).subscribe(({ position }) => {
    if (position === 3) sink.release();
  });
  await scrivener.writeAll(['c', 'd', 'e']);
  await flusher.shutdown();
  expect(sink.accepted).toEqual([[1], [2], [3, 4, 5]]);
});

test('a journal that drops what it gave keeps telling groups apart', async () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 1 });
  const sink = new HandSink<number>();
  const flusher = new FlusherDaemon({ scrivener, sink, predicate: countThreshold(1), flushQueueCapacity: 700 });
  await flusher.start();
  for (let n = 0; n < 700; n++) await scrivener.writeAll([n, n]);
  await flusher.shutdown();
  expect(sink.accepted).toEqual(Array.from({ length: 700 }, (_, n) => [2 * n + 1, 2 * n + 2]));
});

describe('stats', () => {
  test('count what comes, what waits and what is accepted', async () => {
    const { scrivener, sink, flusher } = await started(countThreshold(2), 2);
    const stats = () => ({ ...flusher.stats, lastFlushMs: undefined });
    const counters = { written: 0, flushed: 0, lag: 0, queueDepth: 0, batches: 0, bytes: undefined };
    expect(flusher.stats).toEqual({ ...counters, lastFlushMs: undefined });

    sink.hanging = true;
    scrivener.append('a');
    expect(stats()).toMatchObject({ ...counters, written: 1, lag: 1 });
    for (const entry of 'bcdefghi') scrivener.append(entry);
    expect(stats()).toMatchObject({ ...counters, written: 9, lag: 9, queueDepth: 2 });

    sink.release();
    await flusher.whenFlushed(6);
    expect(stats()).toMatchObject({ written: 9, flushed: 6, lag: 3, batches: 3 });
    await flusher.shutdown();
    expect(stats()).toMatchObject({ written: 9, flushed: 9, lag: 0, queueDepth: 0, batches: 4 });
    expect(flusher.stats.lastFlushMs).toBeGreaterThanOrEqual(0);
  });

  test('count what comes while the queue is full, also after a predicate that fires before the first entry joins', async () => {
    const { scrivener, sink, flusher } = await started(() => of(1), 1);
    sink.hanging = true;
    for (const entry of 'abcde') scrivener.append(entry);
    expect(flusher.stats).toMatchObject({ written: 5, flushed: 0, lag: 5, queueDepth: 1 });
    sink.release();
    await flusher.shutdown();
    expect(sink.accepted).toEqual([[1], [2], [3, 4, 5]]);
  });

  test('start where the flusher does, and have the bytes of a sink that counts them', async () => {
    const scrivener = new InMemoryScrivener<string>();
    await scrivener.writeAll(['a', 'b']);
    const sink = Object.assign(new HandSink<string>(), { bytes: 12 });
    const flusher = new FlusherDaemon({ scrivener, sink, after: 2 });
    expect(flusher.stats).toMatchObject({ written: 2, flushed: 2, lag: 0, bytes: 12 });
    await flusher.start();
    await scrivener.write('c');
    await flusher.flush();
    expect(flusher.stats).toMatchObject({ written: 3, flushed: 3, batches: 1 });
    await flusher.shutdown();
  });

  test('do not count what the sink has refused', async () => {
    const { scrivener, sink, flusher } = await started(countThreshold(1));
    sink.hanging = true;
    await scrivener.write('a');
    sink.refuse(new Error('full'));
    await flusher.waitForFailure();
    expect(flusher.stats).toMatchObject({ written: 1, flushed: 0, lag: 1, batches: 0, lastFlushMs: undefined });
  });
});

test('a predicate may look at the snapshot that it is handed', async () => {
  const seen: number[] = [];
  const { scrivener, flusher } = await started((snapshots) =>
    snapshots.pipe(
      tap((snapshot) => seen.push(snapshot.length)),
      map((snapshot) => snapshot.length),
      concatMap((length) => (length === 3 ? of(length) : [])),
    ),
  );
  await scrivener.writeAll(['a', 'b', 'c']);
  expect(seen).toEqual([1, 2, 3]);
  await flusher.shutdown();
});
