import type { FlushSink } from 'rx-scrivener';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { HandSink } from '../../flush/hand-sink';
import { positioned } from '../support/journal-text';
import { outcomeOf, rejectionOf, turns } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const open = (maxPending: number, sink?: FlushSink<string>) =>
  openFileScrivener<string>({ filePath: filePath(), maxPending, flushIntervalMs: Infinity, ...(sink && { sink }) });

test('a write past the bound waits for room, which it has made by flushing, and keeps its turn', async () => {
  const sink = new HandSink<string>();
  sink.hanging = true;
  const scrivener = await open(2, sink);
  const positions: number[] = [];
  const writes = 'abcdef'.split('').map((text) => scrivener.write(text).then((position) => positions.push(position)));
  await turns();
  expect([scrivener.head, positions]).toEqual([2, [1, 2]]);
  sink.release();
  await Promise.all(writes);
  expect(positions).toEqual([1, 2, 3, 4, 5, 6]);
  await scrivener.close();
  expect(sink.accepted.flat()).toEqual([1, 2, 3, 4, 5, 6]);
});

test('an append past the bound throws, and so does one while writes wait', async () => {
  const scrivener = await open(2);
  scrivener.append('a');
  scrivener.append('b');
  expect(() => scrivener.append('c')).toThrow(
    expect.objectContaining({ code: 'ERR_BACKLOG_FULL', maxPending: 2 }) as Error,
  );
  const waiting = scrivener.write('c');
  expect(() => scrivener.append('d')).toThrow(/2 entries wait/);
  expect(await waiting).toBe(3);
  await scrivener.flush();
  expect(scrivener.append('d')).toBe(4);
  await scrivener.close();
  expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned('abcd'.split('')));
});

test('a group waits for room for all of it, and one that is larger than the bound for all the room', async () => {
  const scrivener = await open(3);
  await scrivener.writeAll(['a', 'b']);
  expect(await scrivener.writeAll(['c', 'd'])).toEqual([3, 4]);
  expect(scrivener.flushed).toBe(2);
  expect(await scrivener.writeAll('efghi'.split(''))).toEqual([5, 6, 7, 8, 9]);
  expect(scrivener.flushed).toBe(4);
  await scrivener.close();
});

test('a write that waits is given up by its signal, and holds up nobody', async () => {
  const sink = new HandSink<string>();
  sink.hanging = true;
  const scrivener = await open(1, sink);
  await scrivener.write('a');
  const abort = new AbortController();
  const given = rejectionOf(scrivener.write('b', { signal: abort.signal }));
  const behind = scrivener.write('c');
  await turns();
  abort.abort('enough');
  expect(await given).toBe('enough');
  sink.release();
  expect(await behind).toBe(2);
  await scrivener.close();
});

test('what a write expects is looked at when its turn has come', async () => {
  const scrivener = await open(1);
  const outcomes = await Promise.allSettled([
    scrivener.write('a'),
    scrivener.write('b', { expect: 1 }),
    scrivener.write('c', { expect: 1 }),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  await scrivener.close();
});

test('a flusher that fails rejects the writes that wait, and the journal is as it was', async () => {
  const sink = new HandSink<string>();
  sink.hanging = true;
  const scrivener = await open(1, sink);
  await scrivener.write('a');
  const waiting = rejectionOf(scrivener.write('b'));
  await turns();
  const full = new Error('full');
  sink.refuse(full);
  expect(await waiting).toBe(full);
  expect(scrivener.head).toBe(1);
  expect(await rejectionOf(scrivener.close())).toBe(full);
});

test('closing ends the wait', async () => {
  const sink = new HandSink<string>();
  sink.hanging = true;
  const scrivener = await open(1, sink);
  await scrivener.write('a');
  const waiting = rejectionOf(scrivener.write('b'));
  await turns();
  const closing = scrivener.close();
  sink.release();
  await closing;
  expect(await waiting).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
});

test.each([0, 1.5, NaN])('%p is no bound', async (maxPending) => {
  await expect(open(maxPending)).rejects.toThrow(/maxPending/);
});
