import { lastValueFrom, toArray } from 'rxjs';
import {
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  JournalClosedError,
  PositionConflictError,
  PositionTrimmedError,
  TappedScrivener,
  type Scrivener,
} from 'rx-scrivener';
// The entry of its own would load the client of NATS.
import { copyJournal } from '../../lib/patterns/copy-journal';
import { JournalMismatchError } from '../../lib/errors/journal-mismatch-error';
import { useTempDir } from '../file/support/temp-dir';
import { HandSink } from '../flush/hand-sink';
import { settle, track } from '../journal/settle';
import { LateScrivener } from '../testing/late-scrivener';
import { backends } from './backends';

const path = useTempDir();

function filled(last: number, first = 1): InMemoryScrivener<number> {
  const journal = new InMemoryScrivener<number>();
  for (let n = first; n <= last; n++) journal.append(n);
  return journal;
}

const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const entriesOf = async <T>(journal: Scrivener<T>) =>
  (await lastValueFrom(journal.readBackward().pipe(toArray()))).map(({ entry }) => entry).reverse();

/** Fails each write behind so many. */
function failingBehind(journal: Scrivener<number>, count: number): Scrivener<number> {
  let writes = 0;
  return new TappedScrivener(journal, (entry, inner, options) =>
    ++writes > count ? Promise.reject(new Error('cut short')) : inner.write(entry, options),
  );
}

describe.each(backends<number>())('to a journal %s', (_, open) => {
  test('copies all, continues after it when called again, and then has nothing to do', async () => {
    const from = filled(700);
    const { scrivener: to, close } = await open(path('to.ndjson'));
    expect(await copyJournal(from, to)).toBe(700);
    expect(await copyJournal(from, to)).toBe(700);
    for (let n = 701; n <= 710; n++) from.append(n);
    expect(await copyJournal(from, to)).toBe(710);
    expect(await entriesOf(to)).toEqual(numbers(1, 710));
    await close();
  });

  test('from it copies all', async () => {
    const { scrivener: from, close } = await open(path('from.ndjson'));
    for (const n of numbers(1, 20)) await from.write(n);
    const to = new InMemoryScrivener<number>();
    expect(await copyJournal(from, to)).toBe(20);
    expect(await entriesOf(to)).toEqual(numbers(1, 20));
    await close();
  });
});

test('nothing from an empty journal, to an empty one and itself', async () => {
  const empty = new InMemoryScrivener<number>();
  expect(await copyJournal(empty, new InMemoryScrivener<number>())).toBe(0);
  const journal = filled(3);
  expect(await copyJournal(journal, journal)).toBe(3);
  expect(journal.head).toBe(3);
});

test('what is written to `from` meanwhile is left to the next call', async () => {
  const from = filled(5);
  const to = new InMemoryScrivener<number>();
  to.tail().subscribe(() => from.append(from.head + 1));
  expect(await copyJournal(from, to)).toBe(5);
  expect(await copyJournal(from, to)).toBe(10);
  expect(await entriesOf(to)).toEqual(numbers(1, 10));
});

test.each([0, 1, 2, 299, 300, 599, 600])('cut short after %i writes it can be called again', async (count) => {
  const from = filled(600);
  const to = new InMemoryScrivener<number>();
  const copying = copyJournal(from, failingBehind(to, count));
  if (count < 600) await expect(copying).rejects.toThrow('cut short');
  await Promise.allSettled([copying]);
  expect(await entriesOf(to)).toEqual(numbers(1, count));
  expect(from.observed).toBe(false);
  expect(await copyJournal(from, to)).toBe(600);
  expect(await entriesOf(to)).toEqual(numbers(1, 600));
});

test('two at once double nothing', async () => {
  const to = new LateScrivener<number>();
  const from = filled(900);
  const outcomes = await Promise.allSettled([copyJournal(from, to), copyJournal(from, to)]);
  const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of rejected) expect(reason).toBeInstanceOf(PositionConflictError);
  expect(rejected.length).toBeGreaterThan(0);
  expect(await copyJournal(from, to)).toBe(900);
  expect(await entriesOf(to)).toEqual(numbers(1, 900));
});

test('somebody else who writes to `to` meanwhile ends it', async () => {
  const from = filled(900);
  const to = new InMemoryScrivener<number>();
  to.tail().subscribe(({ position }) => position === 400 && to.append(-1));
  await expect(copyJournal(from, to)).rejects.toBeInstanceOf(PositionConflictError);
  expect((await entriesOf(to)).slice(0, 401)).toEqual([...numbers(1, 400), -1]);
  expect(to.head).toBeLessThan(900);
  await expect(copyJournal(from, to)).rejects.toBeInstanceOf(JournalMismatchError);
});

test('`to` that holds something else is a JournalMismatchError, and stays as it is', async () => {
  for (const to of [filled(3, 2), filled(9)]) {
    const before = await entriesOf(to);
    const error: unknown = await copyJournal(filled(8), to).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(JournalMismatchError);
    expect(error).toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
    expect(await entriesOf(to)).toEqual(before);
  }
});

test('entries are the same when they are the same JSON', async () => {
  const [from, to] = [new InMemoryScrivener<unknown>(), new InMemoryScrivener<unknown>()];
  from.append({ a: new Date(0), b: 1 });
  from.append(2);
  to.append({ b: 1, a: '1970-01-01T00:00:00.000Z' });
  expect(await copyJournal(from, to)).toBe(2);
});

describe('after', () => {
  test('leaves out what stands up to it, in each call', async () => {
    const from = filled(10);
    const to = new InMemoryScrivener<number>();
    await copyJournal(from, failingBehind(to, 2), { after: 4 }).catch(() => undefined);
    expect(await entriesOf(to)).toEqual([5, 6]);
    expect(await copyJournal(from, to, { after: 4 })).toBe(6);
    expect(await entriesOf(to)).toEqual(numbers(5, 10));
    await expect(copyJournal(from, to)).rejects.toBeInstanceOf(JournalMismatchError);
    await expect(copyJournal(from, to, { after: 5 })).rejects.toBeInstanceOf(JournalMismatchError);
  });

  test('at or past the end leaves out all', async () => {
    for (const after of [10, 11, Number.MAX_SAFE_INTEGER]) {
      expect(await copyJournal(filled(10), new InMemoryScrivener<number>(), { after })).toBe(0);
    }
  });

  test.each([-1, 0.5, NaN, null])('%p is a RangeError', async (after) => {
    await expect(copyJournal(filled(1), filled(0), { after: after! })).rejects.toBeInstanceOf(RangeError);
  });
});

test('what `from` no longer keeps is a PositionTrimmedError, unless it is copied already', async () => {
  const from = new InMemoryScrivener<number>({ retain: 3 });
  for (const n of numbers(1, 10)) from.append(n);
  const to = new InMemoryScrivener<number>();
  await expect(copyJournal(from, to)).rejects.toBeInstanceOf(PositionTrimmedError);
  for (const n of numbers(1, 8)) to.append(n);
  expect(await copyJournal(from, to)).toBe(10);
});

test('a `to` that is closed rejects as its `write` does', async () => {
  const to = filled(0);
  to.complete();
  await expect(copyJournal(filled(2), to)).rejects.toBeInstanceOf(JournalClosedError);
});

test('a `from` that ends before its last position is read is an error, not a success', async () => {
  const from = filled(5);
  const gone = new TappedScrivener(from, (entry, inner) => inner.write(entry));
  gone.tail = () => filled(2).tail(Number.MAX_SAFE_INTEGER);
  await expect(copyJournal(gone, filled(0))).rejects.toBeInstanceOf(JournalClosedError);
});

test('copies only what `from` has flushed, as it comes to be flushed', async () => {
  const from = new InMemoryScrivener<string>();
  for (const text of 'abc') from.append(text);
  const sink = new HandSink<string>();
  sink.hanging = true;
  const flusher = new FlusherDaemon({ scrivener: from, sink, predicate: countThreshold(1) });
  await flusher.start();
  const to = new InMemoryScrivener<string>();
  const copying = track(copyJournal(from, to));
  await settle();
  expect(to.head).toBe(0);
  sink.accept();
  await settle();
  expect([to.head, copying.state]).toEqual([1, 'pending']);
  sink.refuse(new Error('boom'));
  await settle();
  expect([to.head, copying.state]).toEqual([1, 'rejected']);
  expect(from.observed).toBe(false);
});
