/** The faults of the reference implementation in C#, one by one, and that this one does not have them. */
import {
  elapsed,
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  InvalidTransitionError,
  type DaemonEvent,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { HandSink } from './hand-sink';

function setUp(options: Partial<ConstructorParameters<typeof FlusherDaemon<number>>[0]> = {}) {
  const scrivener = new InMemoryScrivener<number>();
  const sink = new HandSink<number>();
  return { scrivener, sink, flusher: new FlusherDaemon<number>({ scrivener, sink, ...options }) };
}

test('reference: loses what is buffered at every shutdown. Here: what no predicate has cut yet is persisted', async () => {
  const { scrivener, sink, flusher } = setUp({ predicate: countThreshold(100) });
  await flusher.start();
  for (let n = 1; n <= 7; n++) await scrivener.write(n);
  expect(sink.accepted).toEqual([]);
  await flusher.shutdown();
  expect(flusher.status).toBe('Completed');
  expect(sink.accepted).toEqual([[1, 2, 3, 4, 5, 6, 7]]);
  expect(flusher.flushed).toBe(7);
});

test('reference: loses queued batches when cancelled. Here: a shutdown waits until the sink has taken every one of them', async () => {
  const { scrivener, sink, flusher } = setUp({ predicate: countThreshold(1), flushQueueCapacity: 2 });
  await flusher.start();
  sink.hanging = true;
  for (let n = 1; n <= 5; n++) await scrivener.write(n);
  const down = track(flusher.shutdown());
  await settle();
  expect(sink.handed).toEqual([[1]]);
  expect([down.state, flusher.status]).toEqual(['pending', 'Running']);
  while (down.state === 'pending' && sink.pending > 0) {
    sink.accept();
    await settle();
  }
  expect(down.state).toBe('resolved');
  expect(sink.accepted).toEqual([[1], [2], [3], [4, 5]]);
  expect(flusher.status).toBe('Completed');
});

test("reference: continues as 'Running' after the sink failed. Here: it is Failed, says so, and appends nothing more", async () => {
  const daemonEvents = new InMemoryScrivener<DaemonEvent>();
  const { scrivener, sink, flusher } = setUp({ predicate: countThreshold(1), daemonEvents, name: 'flusher' });
  await flusher.start();
  sink.hanging = true;
  for (let n = 1; n <= 3; n++) scrivener.append(n);
  await settle();
  const failure = new Error('disk full');
  sink.refuse(failure);
  expect(await flusher.waitForFailure()).toBe(failure);
  expect(flusher.status).toBe('Failed');
  sink.release();
  scrivener.append(4);
  await settle();
  expect(sink.handed).toEqual([[1]]);
  expect(flusher.flushed).toBe(0);
  await expect(flusher.flush()).rejects.toBe(failure);
  const events: DaemonEvent[] = [];
  daemonEvents.tail().subscribe(({ entry }) => events.push(entry));
  expect(events).toEqual([
    { type: 'StatusChanged', daemon: 'flusher', status: 'Running' },
    { type: 'FailureOccurred', daemon: 'flusher', error: failure },
    { type: 'StatusChanged', daemon: 'flusher', status: 'Failed' },
  ]);
  // The journal itself goes on in memory.
  expect(await scrivener.write(5)).toBe(5);
});

test('reference: evaluates time predicates only when an entry arrives. Here: the clock alone flushes an idle journal', async () => {
  jest.useFakeTimers();
  try {
    const { scrivener, sink, flusher } = setUp({ predicate: elapsed(1000) });
    await flusher.start();
    scrivener.append(1);
    await jest.advanceTimersByTimeAsync(999);
    expect(sink.accepted).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(sink.accepted).toEqual([[1]]);
    expect(flusher.flushed).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});

test("reference: lets one daemon's status answer for another's. Here: with one events journal, each answers for its own only", async () => {
  const daemonEvents = new InMemoryScrivener<DaemonEvent>();
  const a = setUp({ daemonEvents, name: 'a', predicate: countThreshold(1) });
  const b = setUp({ daemonEvents, name: 'b', predicate: countThreshold(1) });
  await a.flusher.start();
  const bRunning = track(b.flusher.waitFor('Running'));
  const bFailure = track(b.flusher.waitForFailure());
  await settle();
  expect([b.flusher.status, bRunning.state]).toEqual(['Stopped', 'pending']);

  a.sink.append = () => Promise.reject(new Error('a is broken'));
  a.scrivener.append(1);
  await a.flusher.waitForFailure();
  await settle();
  expect([b.flusher.status, bRunning.state, bFailure.state]).toEqual(['Stopped', 'pending', 'pending']);

  await b.flusher.start();
  await settle();
  expect(bRunning.state).toBe('resolved');
  b.scrivener.append(1);
  await b.flusher.shutdown();
  await settle();
  expect([a.flusher.status, b.flusher.status]).toEqual(['Failed', 'Completed']);
  expect(bFailure.error).toBeInstanceOf(InvalidTransitionError);
});
