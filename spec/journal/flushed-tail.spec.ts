import { getEventListeners } from 'node:events';
import {
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  TappedScrivener,
  type Position,
  type Scrivener,
  type TailOptions,
} from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { useTempDir } from '../file/support/temp-dir';
import { HandSink } from '../flush/hand-sink';
import { settle } from './settle';

const path = useTempDir();
const boom = new Error('boom');
type Log = unknown[];

function subscribed(scrivener: Scrivener<string>, after: Position, options?: TailOptions): { log: Log; leave(): void } {
  const log: Log = [];
  const subscription = scrivener.tail(after, { ...options, flushed: true }).subscribe({
    next: ({ position }) => log.push(position),
    error: (error: unknown) => log.push(error),
    complete: () => log.push('|'),
  });
  return { log, leave: () => subscription.unsubscribe() };
}

function iterated(scrivener: Scrivener<string>, after: Position, options?: TailOptions): { log: Log; leave(): void } {
  const log: Log = [];
  const iterator = scrivener.tail(after, { ...options, flushed: true })[Symbol.asyncIterator]();
  const run = async () => {
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) log.push(next.value.position);
      log.push('|');
    } catch (error) {
      log.push(error);
    }
  };
  void run();
  return { log, leave: () => void iterator.return!() };
}

/** What each is read from, and the sink that decides what of it is flushed. */
const journals: [string, () => Promise<{ scrivener: Scrivener<string>; end(): void; sink: HandSink<string> }>][] = [
  [
    'a journal in memory',
    async () => {
      const scrivener = new InMemoryScrivener<string>();
      return { scrivener, end: () => scrivener.complete(), sink: await flushing(scrivener) };
    },
  ],
  [
    'a tapped one',
    async () => {
      const inner = new InMemoryScrivener<string>();
      const scrivener = new TappedScrivener(inner, (entry, to, options) => to.write(entry, options));
      return { scrivener, end: () => inner.complete(), sink: await flushing(inner) };
    },
  ],
  [
    'one that is flushed through its wrapper',
    async () => {
      const inner = new InMemoryScrivener<string>();
      const wrapper = new TappedScrivener(inner, (entry, to, options) => to.write(entry, options));
      return { scrivener: inner, end: () => inner.complete(), sink: await flushing(wrapper) };
    },
  ],
  [
    'a file scrivener',
    async () => {
      const sink = new HandSink<string>();
      sink.hanging = true;
      const scrivener = await openFileScrivener<string>({
        filePath: path('journal.ndjson'),
        sink,
        predicate: countThreshold(1),
      });
      return { scrivener, end: () => void scrivener.close().catch(() => undefined), sink };
    },
  ],
];

async function flushing(scrivener: Scrivener<string>): Promise<HandSink<string>> {
  const sink = new HandSink<string>();
  sink.hanging = true;
  await new FlusherDaemon({ scrivener, sink, predicate: countThreshold(1) }).start();
  return sink;
}

describe.each([
  ['subscribed', subscribed],
  ['iterated', iterated],
] as const)('tail(after, { flushed: true }), %s', (_, read) => {
  describe.each(journals)('of %s', (__, open) => {
    test('gives each entry when it is flushed, and ends when all of it is', async () => {
      const { scrivener, end, sink } = await open();
      for (const text of 'abc') await scrivener.write(text);
      const all = read(scrivener, 0);
      const late = read(scrivener, 1);
      await settle();
      expect([all.log, late.log]).toEqual([[], []]);
      for (const expected of [
        [[1], []],
        [[1, 2], [2]],
      ]) {
        sink.accept();
        await settle();
        expect([all.log, late.log]).toEqual(expected);
      }
      end();
      await settle();
      expect(all.log).toEqual([1, 2]);
      sink.release();
      await settle();
      expect([all.log, late.log]).toEqual([
        [1, 2, 3, '|'],
        [2, 3, '|'],
      ]);
    });

    test('errors when an entry cannot be flushed any more', async () => {
      const { scrivener, end, sink } = await open();
      for (const text of 'ab') await scrivener.write(text);
      const { log } = read(scrivener, 0);
      await settle();
      sink.accept();
      await settle();
      sink.refuse(boom);
      await settle();
      expect(log).toEqual([1, boom]);
      end();
    });

    test('is left, and aborted, at once while it waits', async () => {
      const { scrivener, end, sink } = await open();
      await scrivener.write('a');
      const controller = new AbortController();
      const aborted = read(scrivener, 0, { signal: controller.signal });
      const left = read(scrivener, 0);
      await settle();
      left.leave();
      controller.abort(boom);
      await settle();
      expect(aborted.log).toEqual([boom]);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
      sink.release();
      await settle();
      expect(left.log.filter((value) => value !== '|')).toEqual([]);
      end();
    });
  });

  test('left while it waits for an entry, it is gone from the journal', async () => {
    const journal = new InMemoryScrivener<string>();
    const flusher = new FlusherDaemon({ scrivener: journal, sink: new HandSink(), predicate: countThreshold(1) });
    await flusher.start();
    await flusher.shutdown();
    const { leave } = read(journal, 0);
    await settle();
    expect(journal.observed).toBe(true);
    leave();
    await settle();
    expect(journal.observed).toBe(false);
  });

  test('of a journal that nobody flushes is the whole tail', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const text of 'ab') journal.append(text);
    const { log } = read(journal, 0);
    journal.append('c');
    journal.complete();
    await settle();
    expect(log).toEqual([1, 2, 3, '|']);
    expect(journal.observed).toBe(false);
  });

  test('asks when it is read, not when it is made', async () => {
    const journal = new InMemoryScrivener<string>();
    const stream = journal.tail(0, { flushed: true });
    const sink = await flushing(journal);
    journal.append('a');
    const log: Log = [];
    const subscription = stream.subscribe(({ position }) => log.push(position));
    await settle();
    expect(log).toEqual([]);
    sink.release();
    await settle();
    expect(log).toEqual([1]);
    subscription.unsubscribe();
  });

  test('says once where replay ends: when all that was held has been given', async () => {
    const journal = new InMemoryScrivener<string>();
    const sink = await flushing(journal);
    for (const text of 'ab') journal.append(text);
    const caughtUp: Position[] = [];
    const { log, leave } = read(journal, 0, { caughtUp: (position) => caughtUp.push(position) });
    await settle();
    sink.accept();
    await settle();
    expect([log, caughtUp]).toEqual([[1], []]);
    sink.release();
    await settle();
    expect([log, caughtUp]).toEqual([[1, 2], [2]]);
    leave();
  });
});

test('a loop that breaks has ended it', async () => {
  const journal = new InMemoryScrivener<string>();
  const sink = await flushing(journal);
  sink.release();
  for (const text of 'abc') journal.append(text);
  await settle();
  const iterator = journal.tail(0, { flushed: true })[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toEqual({ position: 1, entry: 'a' });
  await iterator.return!();
  expect((await iterator.next()).done).toBe(true);
});
