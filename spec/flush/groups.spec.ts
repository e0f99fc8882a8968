import { concatMap, filter, map, of, tap, throwError } from 'rxjs';
import { countThreshold, FlusherDaemon, InMemoryScrivener, TappedScrivener, type FlushPredicate } from 'rx-scrivener';
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
])('a predicate that fires inside a group cuts behind it, of %s', async (_, wrap) => {
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

test('a predicate that errors inside a group fails the flusher behind it', async () => {
  const boom = new Error('boom');
  const predicate: FlushPredicate<string> = (snapshots) =>
    snapshots.pipe(concatMap((snapshot) => (snapshot.length === 2 ? throwError(() => boom) : [])));
  const { scrivener, sink, flusher } = await started(predicate);
  await scrivener.writeAll(['a', 'b', 'c', 'd']);
  expect(await flusher.waitForFailure()).toBe(boom);
  expect(sink.accepted).toEqual([[1, 2, 3, 4]]);
  expect(flusher.flushed).toBe(4);
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

test('room that comes inside a group is used behind it', async () => {
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

  test('count what comes while the queue is full, also behind a predicate that fires before the first entry joins', async () => {
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
