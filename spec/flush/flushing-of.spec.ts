import {
  countThreshold,
  FlusherDaemon,
  flushingOf,
  InMemoryScrivener,
  TappedScrivener,
  type Position,
  type Scrivener,
} from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { useTempDir } from '../file/support/temp-dir';
import { settle, track } from '../journal/settle';
import { HandSink } from './hand-sink';

const path = useTempDir();
const boom = new Error('boom');

async function flushed(scrivener: Scrivener<string>, after?: Position) {
  const sink = new HandSink<string>();
  sink.hanging = true;
  const flusher = new FlusherDaemon({ scrivener, sink, predicate: countThreshold(1), after });
  await flusher.start();
  return { sink, flusher };
}

function tapped(inner: Scrivener<string>): TappedScrivener<string> {
  return new TappedScrivener(inner, (entry, to, options) => to.write(entry, options));
}

async function accept(sink: HandSink<string>, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) {
    sink.accept();
    await settle();
  }
}

test('a journal that nobody flushes has none', async () => {
  const journal = new InMemoryScrivener<string>();
  expect([flushingOf(journal), flushingOf(tapped(journal))]).toEqual([undefined, undefined]);
  const { flusher, sink } = await flushed(journal);
  expect(flushingOf(journal)?.flushed).toBe(0);
  sink.release();
  await flusher.shutdown();
  expect(flushingOf(journal)).toBeUndefined();
});

test('a file scrivener answers for itself, also through wrappers', async () => {
  const scrivener = await openFileScrivener<string>({ filePath: path('journal.ndjson'), flushIntervalMs: 1_000 });
  expect(flushingOf(scrivener)).toBe(scrivener);
  expect(flushingOf(tapped(tapped(scrivener)))).toBe(scrivener);
  const position = await scrivener.write('a');
  await scrivener.flush();
  expect(flushingOf(scrivener)!.flushed).toBe(position);
  await scrivener.close();
});

test.each([
  ['the journal', (journal: Scrivener<string>) => [journal, journal]],
  ['a wrapper, asked of the journal', (journal: Scrivener<string>) => [tapped(journal), journal]],
  ['the journal, asked of a wrapper', (journal: Scrivener<string>) => [journal, tapped(tapped(journal))]],
] as const)('a flusher over %s', async (_, of) => {
  const [flushes, asked] = of(new InMemoryScrivener<string>()) as [Scrivener<string>, Scrivener<string>];
  const { sink } = await flushed(flushes);
  const seen: Position[] = [];
  flushingOf(asked)!.flushed$.subscribe((position) => seen.push(position));
  for (const text of 'abc') await flushes.write(text);
  await settle();
  const second = track(flushingOf(asked)!.whenFlushed(2));
  await accept(sink);
  expect([flushingOf(asked)!.flushed, second.state]).toEqual([1, 'pending']);
  await accept(sink);
  expect([flushingOf(asked)!.flushed, second.state, seen]).toEqual([2, 'resolved', [0, 1, 2]]);
});

test('of two flushers, what both have flushed; of one that has completed, nothing more', async () => {
  const journal = new InMemoryScrivener<string>();
  const a = await flushed(journal);
  const b = await flushed(journal);
  const seen: Position[] = [];
  const flushing = flushingOf(journal)!;
  flushing.flushed$.subscribe((position) => seen.push(position));
  for (const text of 'abc') journal.append(text);
  await settle();
  await accept(a.sink, 3);
  const first = track(flushing.whenFlushed(1));
  const third = track(flushing.whenFlushed(3));
  await settle();
  expect([flushing.flushed, first.state]).toEqual([0, 'pending']);
  await accept(b.sink);
  expect([flushing.flushed, first.state, third.state]).toEqual([1, 'resolved', 'pending']);
  b.sink.release();
  await b.flusher.shutdown();
  journal.append('d');
  await settle();
  expect([flushing.flushed, third.state, seen]).toEqual([3, 'resolved', [0, 1, 2, 3]]);
  await accept(a.sink);
  expect(flushing.flushed).toBe(4);
});

test('a failed flusher continues counting, until one that begins where it stopped takes its place', async () => {
  const journal = new InMemoryScrivener<string>();
  const failing = await flushed(journal);
  for (const text of 'abc') journal.append(text);
  await settle();
  await accept(failing.sink);
  failing.sink.refuse(boom);
  await failing.flusher.waitForFailure();
  expect(flushingOf(journal)!.flushed).toBe(1);
  await expect(flushingOf(journal)!.whenFlushed(2)).rejects.toBe(boom);

  const later = await flushed(journal, 2);
  await accept(later.sink);
  expect(flushingOf(journal)!.flushed).toBe(1);
  const next = await flushed(journal, failing.flusher.flushed);
  await accept(next.sink, 2);
  expect(flushingOf(journal)!.flushed).toBe(3);
});

test('a position that comes when its only flusher has completed is not waited for', async () => {
  const journal = new InMemoryScrivener<string>();
  const { flusher, sink } = await flushed(journal);
  sink.release();
  const waiting = track(flushingOf(journal)!.whenFlushed(5));
  await flusher.shutdown();
  await settle();
  expect(waiting.state).toBe('resolved');
});

test('a wrapper of its own members answers for itself', () => {
  class Remote extends InMemoryScrivener<string> {
    readonly flushed = 7;
    readonly flushed$ = this.head$;
    readonly whenFlushed = () => Promise.resolve();
  }
  const remote = new Remote();
  expect(flushingOf(tapped(remote))).toBe(remote);
});
