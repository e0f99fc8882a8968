/** Who waits for an entry to be flushed does not wait for the predicate, and shares a batch with the others who wait. */
import { NEVER } from 'rxjs';
import {
  anyOf,
  countThreshold,
  elapsed,
  FlusherDaemon,
  InMemoryScrivener,
  type FlusherDaemonOptions,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { HandSink } from './hand-sink';

async function started(options: Partial<FlusherDaemonOptions<number>> = {}) {
  const scrivener = new InMemoryScrivener<number>();
  const sink = new HandSink<number>();
  const flusher = new FlusherDaemon<number>({ scrivener, sink, predicate: () => NEVER, ...options });
  await flusher.start();
  return { scrivener, sink, flusher };
}

test('a lone entry is in the sink without its predicate', async () => {
  const { scrivener, sink, flusher } = await started();
  await flusher.whenFlushed(await scrivener.write(1));
  expect(sink.accepted).toEqual([[1]]);
});

test('nor does it wait for the clock', async () => {
  jest.useFakeTimers();
  try {
    const { scrivener, sink, flusher } = await started({ predicate: anyOf(countThreshold(100), elapsed(1000)) });
    await flusher.whenFlushed(await scrivener.write(1));
    expect(sink.accepted).toEqual([[1]]);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('an entry that nobody waits for stays with its predicate', async () => {
  const { scrivener, sink, flusher } = await started();
  await flusher.whenFlushed(await scrivener.write(1));
  await scrivener.write(2);
  await settle();
  expect(sink.accepted).toEqual([[1]]);
});

test('who waits before the start, or for an entry that is yet to come, is served when it comes', async () => {
  const scrivener = new InMemoryScrivener<number>();
  const sink = new HandSink<number>();
  const flusher = new FlusherDaemon<number>({ scrivener, sink, predicate: () => NEVER });
  const first = track(flusher.whenFlushed(1));
  const far = track(flusher.whenFlushed(1_000_000));
  const third = track(flusher.whenFlushed(3));
  await flusher.start();
  scrivener.append(1);
  await settle();
  expect([first.state, third.state]).toEqual(['resolved', 'pending']);
  scrivener.append(2);
  await settle();
  expect([third.state, flusher.flushed]).toEqual(['pending', 1]);
  scrivener.append(3);
  await settle();
  expect([third.state, far.state]).toEqual(['resolved', 'pending']);
  expect(sink.accepted).toEqual([[1], [2, 3]]);
  await flusher.shutdown();
});

test('who waits inside a subscriber, before the flusher was given the entry', async () => {
  const { scrivener, sink, flusher } = await started();
  const waits: Promise<void>[] = [];
  const late = new InMemoryScrivener<number>();
  late.tail().subscribe(({ position }) => waits.push(other.whenFlushed(position)));
  const other = new FlusherDaemon<number>({ scrivener: late, sink, predicate: () => NEVER });
  await other.start();
  late.append(1);
  await Promise.all(waits);
  expect(sink.accepted).toEqual([[1]]);
  scrivener.complete();
  await flusher.waitFor('Completed');
});

test('those of one turn share a batch, and those who come while the sink is busy share the next', async () => {
  const { scrivener, sink, flusher } = await started();
  const write = async (entry: number) => flusher.whenFlushed(await scrivener.write(entry));
  sink.hanging = true;
  const writes = Array.from({ length: 50 }, (_, n) => write(n));
  await settle();
  expect(sink.handed).toHaveLength(1);
  expect(sink.handed[0]).toHaveLength(50);
  for (let n = 0; n < 50; n++) {
    writes.push(write(n));
    await settle();
  }
  expect(sink.handed).toHaveLength(1);
  sink.release();
  await Promise.all(writes);
  expect(sink.accepted.map(({ length }) => length)).toEqual([50, 50]);
});

test('writers that continue as soon as their entry is flushed keep sharing', async () => {
  const { scrivener, sink, flusher } = await started();
  const rounds = 20;
  const writer = async () => {
    for (let n = 0; n < rounds; n++) await flusher.whenFlushed(await scrivener.write(n));
  };
  await Promise.all(Array.from({ length: 30 }, writer));
  expect(scrivener.head).toBe(600);
  expect(sink.accepted.flat()).toHaveLength(600);
  expect(sink.accepted.length).toBeLessThanOrEqual(rounds + 1);
});

test("the predicate's batches stay as they are", async () => {
  const { scrivener, sink, flusher } = await started({ predicate: countThreshold(10) });
  await Promise.all(Array.from({ length: 35 }, async (_, n) => flusher.whenFlushed(await scrivener.write(n))));
  expect(sink.accepted.map(({ length }) => length)).toEqual([10, 10, 10, 5]);
});

test("the queue's bound holds, and a group is not cut", async () => {
  const { scrivener, sink, flusher } = await started({ predicate: countThreshold(1), flushQueueCapacity: 1 });
  sink.hanging = true;
  for (let n = 0; n < 4; n++) scrivener.append(n);
  const waits: Promise<void>[] = [3, 4].map((position) => flusher.whenFlushed(position));
  scrivener.tail(4).subscribe(({ position }) => waits.push(flusher.whenFlushed(position)));
  await scrivener.writeAll([5, 6, 7]);
  await settle();
  expect(flusher.stats.queueDepth).toBe(1);
  sink.release();
  await Promise.all(waits);
  expect(sink.accepted).toEqual([[1], [2], [3, 4, 5, 6, 7]]);
});

test('of a group that is being emitted', async () => {
  const { scrivener, sink, flusher } = await started();
  const waits: Promise<void>[] = [];
  scrivener.tail().subscribe(({ position }) => waits.push(flusher.whenFlushed(position)));
  await scrivener.writeAll([1, 2, 3]);
  await Promise.all(waits);
  expect(sink.accepted).toEqual([[1, 2, 3]]);
});

test('who has given up waiting leaves nothing that cuts', async () => {
  const { scrivener, sink, flusher } = await started();
  const controller = new AbortController();
  const waiting = track(flusher.whenFlushed(2, { signal: controller.signal }));
  controller.abort('enough');
  await settle();
  expect(waiting).toEqual({ state: 'rejected', error: 'enough' });
  scrivener.append(1);
  scrivener.append(2);
  await settle();
  expect(sink.handed).toEqual([]);
  await flusher.shutdown();
});

test('while it shuts down, what can no longer be flushed is refused by a daemon that has completed', async () => {
  const { scrivener, sink, flusher } = await started();
  scrivener.append(1);
  sink.hanging = true;
  const down = flusher.shutdown();
  const waiting = track(flusher.whenFlushed(5));
  await settle();
  sink.release();
  await down;
  await settle();
  expect(waiting.error).toMatchObject({ code: 'ERR_INVALID_TRANSITION', status: 'Completed' });
  expect((waiting.error as Error).message).toContain('Completed');
});
