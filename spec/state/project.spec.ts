import { firstValueFrom, lastValueFrom, shareReplay, take, toArray } from 'rxjs';
import {
  BookmarkAheadError,
  currentState,
  FlusherDaemon,
  InMemoryScrivener,
  JournalClosedError,
  JournalStream,
  PositionTrimmedError,
  project,
  START,
  TappedScrivener,
  toAsyncIterable,
  type Checkpoint,
  type Position,
  type Projection,
  type ReadOptions,
  type Scrivener,
} from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { HandSink } from '../flush/hand-sink';
import { settle } from '../journal/settle';
import { backends } from '../patterns/backends';
import { RecordingCheckpoints } from './recording-checkpoints';

const path = useTempDir();
const boom = new Error('boom');
const texts: Projection<string, string> = { initial: () => '', evolve: (state, entry) => state + entry };
const failingAt = (failing: string): Projection<string, string> => ({
  initial: () => '',
  evolve: (state, entry) => {
    if (entry === failing) throw boom;
    return state + entry;
  },
});

function journalOf(entries: string, options?: { retain: number }): InMemoryScrivener<string> {
  const scrivener = new InMemoryScrivener<string>(options);
  for (const entry of entries) scrivener.append(entry);
  return scrivener;
}

/** What a stream has emitted so far. */
function seenOf<S>(states: ReturnType<typeof project<string, S>>) {
  const seen: (S | 'completed')[] = [];
  const errors: unknown[] = [];
  const subscription = states.subscribe({
    next: ({ state }) => seen.push(state),
    error: (error: unknown) => errors.push(error),
    complete: () => seen.push('completed'),
  });
  return { seen, errors, subscription };
}

describe.each(backends<string>())('on a journal %s', (_, open) => {
  test('the first state is of all that the journal holds, further ones are live', async () => {
    const { scrivener, close } = await open(path('journal'));
    const states = project(scrivener, texts);
    expect(await firstValueFrom(states)).toEqual({ position: START, state: '' });
    for (const text of ['a', 'b', 'c']) await scrivener.write(text);
    const seen: Checkpoint<string>[] = [];
    let caughtUp!: () => void;
    const first = new Promise<void>((resolve) => (caughtUp = resolve));
    const all = new Promise<void>((resolve) => {
      states.subscribe((checkpoint) => {
        seen.push(checkpoint);
        caughtUp();
        if (checkpoint.position === 5) resolve();
      });
    });
    await first;
    for (const text of ['d', 'e']) await scrivener.write(text);
    await all;
    expect(seen[0]).toEqual({ position: 3, state: 'abc' });
    expect(seen.at(-1)).toEqual({ position: 5, state: 'abcde' });
    await close();
  });

  test('iterated, it pulls, and gives the newest state', async () => {
    const { scrivener, close } = await open(path('journal'));
    for (const text of ['a', 'b', 'c']) await scrivener.write(text);
    const states = project(scrivener, texts)[Symbol.asyncIterator]();
    expect((await states.next()).value).toEqual({ position: 3, state: 'abc' });
    await scrivener.write('d');
    await scrivener.write('e');
    let last = await states.next();
    while (!last.done && last.value.position < 5) last = await states.next();
    expect(last.value).toEqual({ position: 5, state: 'abcde' });
    const pending = states.next();
    await states.return!();
    expect((await pending).done).toBe(true);
    await close();
  });

  test('it starts from a checkpoint; one past the end is an error', async () => {
    const { scrivener, close } = await open(path('journal'));
    for (const text of ['a', 'b', 'c']) await scrivener.write(text);
    const at = (position: number) => ({ checkpoints: new RecordingCheckpoints({ position, state: '<2>' }) });
    expect(await firstValueFrom(project(scrivener, texts, at(2)))).toEqual({ position: 3, state: '<2>c' });
    const ahead = new BookmarkAheadError(4, 3, 'checkpoint');
    await expect(firstValueFrom(project(scrivener, texts, at(4)))).rejects.toThrow(ahead);
    const iterating = project(scrivener, texts, at(4))[Symbol.asyncIterator]().next();
    await expect(iterating).rejects.toThrow(ahead);
    await close();
  });
});

test('in memory it emits synchronously, and completes with the journal', () => {
  const scrivener = journalOf('ab');
  const { seen } = seenOf(project(scrivener, texts));
  expect(seen).toEqual(['ab']);
  scrivener.append('c');
  expect(seen).toEqual(['ab', 'abc']);
  scrivener.complete();
  expect(seen).toEqual(['ab', 'abc', 'completed']);
});

test('a journal that has ended has one state, then its end', async () => {
  const scrivener = journalOf('ab');
  scrivener.error(boom);
  const { seen, errors } = seenOf(project(scrivener, texts));
  expect([seen, errors]).toEqual([['ab'], [boom]]);
});

test('a group is one emission, pushed and pulled', async () => {
  const scrivener = journalOf('a');
  const { seen } = seenOf(project(scrivener, texts));
  const states = project(scrivener, texts)[Symbol.asyncIterator]();
  await states.next();
  await scrivener.writeAll(['b', 'c', 'd']);
  expect(seen).toEqual(['a', 'abcd']);
  expect((await states.next()).value).toEqual({ position: 4, state: 'abcd' });
});

test('what a subscriber writes from inside an emission comes next, to all', () => {
  const scrivener = journalOf('a');
  const seen: string[] = [];
  const states = project(scrivener, texts);
  states.subscribe(({ position, state }) => {
    seen.push(state);
    if (position < 3) scrivener.append('x');
  });
  expect(seen).toEqual(['a', 'ax', 'axx']);
});

test('a slow reader gets the newest state, and one that leaves is not subscribed any more', async () => {
  const scrivener = journalOf('a');
  const seen: string[] = [];
  for await (const { state } of project(scrivener, texts)) {
    seen.push(state);
    if (seen.length === 2) break;
    for (const text of ['b', 'c', 'd']) scrivener.append(text);
  }
  expect(seen).toEqual(['a', 'abcd']);
  expect(scrivener.observed).toBe(false);
  await firstValueFrom(project(scrivener, texts));
  expect(scrivener.observed).toBe(false);
});

test('each subscription folds for itself; shareReplay lets late ones share it', () => {
  const scrivener = journalOf('ab');
  let calls = 0;
  const counted: Projection<string, string> = { ...texts, evolve: (state, entry) => (calls++, state + entry) };
  const states = project(scrivener, counted);
  seenOf(states);
  seenOf(states);
  expect(calls).toBe(4);
  const shared = project(scrivener, counted).pipe(shareReplay({ bufferSize: 1, refCount: true }));
  const early: string[] = [];
  const late: string[] = [];
  const first = shared.subscribe(({ state }) => early.push(state));
  const second = shared.subscribe(({ state }) => late.push(state));
  scrivener.append('c');
  expect([early, late, calls]).toEqual([['ab', 'abc'], ['ab', 'abc'], 9]);
  first.unsubscribe();
  second.unsubscribe();
});

test('what evolve throws is the error of the stream, in replay and live, pushed and pulled', async () => {
  const scrivener = journalOf('ax');
  await expect(firstValueFrom(project(scrivener, failingAt('x')))).rejects.toBe(boom);
  const { seen, errors } = seenOf(project(scrivener, failingAt('y')));
  const states = project(scrivener, failingAt('y'))[Symbol.asyncIterator]();
  await states.next();
  scrivener.append('y');
  scrivener.append('z');
  expect([seen, errors]).toEqual([['ax'], [boom]]);
  await expect(states.next()).rejects.toBe(boom);
  expect(await states.next()).toEqual({ done: true, value: undefined });
  expect(scrivener.observed).toBe(false);
});

test('an entry that is retired is an error, unless a checkpoint covers it', async () => {
  const scrivener = journalOf('abc', { retain: 1 });
  await expect(firstValueFrom(project(scrivener, texts))).rejects.toThrow(PositionTrimmedError);
  const checkpoints = new RecordingCheckpoints({ position: 2, state: 'ab' });
  expect(await firstValueFrom(project(scrivener, texts, { checkpoints }))).toEqual({ position: 3, state: 'abc' });
});

test('a signal errors it, before and after, pushed and pulled', async () => {
  const scrivener = journalOf('a');
  await expect(firstValueFrom(project(scrivener, texts, { signal: AbortSignal.abort(boom) }))).rejects.toBe(boom);
  const controller = new AbortController();
  const { seen, errors } = seenOf(project(scrivener, texts, { signal: controller.signal }));
  const states = project(scrivener, texts, { signal: controller.signal })[Symbol.asyncIterator]();
  await states.next();
  const pending = states.next();
  controller.abort(boom);
  expect([seen, errors]).toEqual([['a'], [boom]]);
  await expect(pending).rejects.toBe(boom);
  expect(scrivener.observed).toBe(false);
});

test('toAsyncIterable pulls it, too', async () => {
  const scrivener = journalOf('a');
  const states = project(scrivener, texts);
  expect(toAsyncIterable(states)).toBe(states);
});

test('a journal that ends before it has caught up has no state', async () => {
  class Closing extends InMemoryScrivener<string> {
    override tail(after?: Position, options?: ReadOptions): JournalStream<string> {
      const stream = super.tail(after, options);
      return new JournalStream(
        (subscriber) => stream.pipe(take(1)).subscribe(subscriber),
        () => stream[Symbol.asyncIterator](),
      );
    }
  }
  const scrivener = new Closing();
  for (const text of ['a', 'b']) scrivener.append(text);
  const { seen } = seenOf(project(scrivener, texts));
  expect(seen).toEqual(['completed']);
  await expect(currentState(scrivener, texts)).rejects.toThrow(JournalClosedError);
});

test('a wrapped journal that does not tell its head gives each state', () => {
  const inner = journalOf('a');
  const headless: Scrivener<string> = {
    write: (entry, options) => inner.write(entry, options),
    tail: (after?: Position | 'oldest') => inner.tail(after),
    readBackward: (before?: Position) => inner.readBackward(before),
    waitFor: (after: Position, match: (entry: string) => boolean) => inner.waitFor(after, match) as never,
  };
  const tapped = new TappedScrivener<string>(headless, (entry, to, options) => to.write(entry, options));
  for (const scrivener of [headless, tapped]) {
    const { seen, subscription } = seenOf(project(scrivener, texts));
    inner.append('b');
    expect(seen).toHaveLength(2);
    subscription.unsubscribe();
  }
});

describe('checkpoints', () => {
  test('one is saved each `every` entries, and the last state when the journal ends', async () => {
    const scrivener = journalOf('');
    const checkpoints = new RecordingCheckpoints<string>();
    const done = lastValueFrom(project(scrivener, texts, { checkpoints, every: 2 }).pipe(toArray()));
    await settle();
    for (const text of 'abcde') {
      scrivener.append(text);
      await settle();
    }
    scrivener.complete();
    expect((await done).length).toBe(6);
    expect(checkpoints.saved).toEqual([
      { position: 2, state: 'ab' },
      { position: 4, state: 'abcd' },
      { position: 5, state: 'abcde' },
    ]);
  });

  test('nothing waits for a save; one is running at a time, and the newest comes next', async () => {
    const scrivener = journalOf('');
    const checkpoints = new RecordingCheckpoints<string>();
    let release!: () => void;
    checkpoints.hold = new Promise((resolve) => (release = resolve));
    const { seen } = seenOf(project(scrivener, texts, { checkpoints, every: 1 }));
    await settle();
    scrivener.append('a');
    await settle();
    for (const text of 'bcd') scrivener.append(text);
    await settle();
    expect([checkpoints.positions, seen.at(-1)]).toEqual([[1], 'abcd']);
    release();
    await settle();
    expect(checkpoints.positions).toEqual([1, 4]);
  });

  test('in replay the newest is saved', async () => {
    const scrivener = journalOf('abcdefg');
    const checkpoints = new RecordingCheckpoints<string>();
    seenOf(project(scrivener, texts, { checkpoints, every: 2 }));
    await settle();
    expect(checkpoints.positions).toEqual([6]);
  });

  test.each(['unsubscribed', 'left', 'aborted'])('the last state is saved when it is %s', async (how) => {
    const scrivener = journalOf('abc');
    const checkpoints = new RecordingCheckpoints<string>();
    const controller = new AbortController();
    const states = project(scrivener, texts, { checkpoints, signal: controller.signal });
    if (how === 'left') for await (const { position } of states) if (position === 3) break;
    if (how !== 'left') {
      const { subscription, seen } = seenOf(states);
      while (seen.length === 0) await settle();
      if (how === 'unsubscribed') subscription.unsubscribe();
      else controller.abort(boom);
    }
    await settle();
    expect(checkpoints.saved).toEqual([{ position: 3, state: 'abc' }]);
  });

  test('nothing is saved where nothing came', async () => {
    const checkpoints = new RecordingCheckpoints({ position: 3, state: 'abc' });
    const { subscription } = seenOf(project(journalOf('abc'), texts, { checkpoints }));
    await settle();
    subscription.unsubscribe();
    await settle();
    expect(checkpoints.saved).toEqual([]);
  });

  test.each(['pushed', 'pulled'])('what save rejects with is the error of the stream, %s', async (how) => {
    const scrivener = journalOf('ab');
    const checkpoints = new RecordingCheckpoints<string>();
    checkpoints.hold = Promise.reject(boom);
    checkpoints.hold.catch(() => undefined);
    const states = project(scrivener, texts, { checkpoints, every: 2 });
    const read = how === 'pushed' ? lastValueFrom(states) : readAll(states);
    await expect(read).rejects.toBe(boom);
    await settle();
    expect([checkpoints.positions, scrivener.observed]).toEqual([[2], false]);
  });

  test.each(['pushed', 'pulled'])(
    'the last save is waited for, %s; what it rejects with comes instead',
    async (how) => {
      const scrivener = journalOf('ab');
      const checkpoints = new RecordingCheckpoints<string>();
      let fail!: (error: unknown) => void;
      checkpoints.hold = new Promise((_, reject) => (fail = reject));
      scrivener.complete();
      const states = project(scrivener, texts, { checkpoints });
      const read = how === 'pushed' ? lastValueFrom(states) : readAll(states);
      while (checkpoints.saved.length === 0) await settle();
      fail(boom);
      await expect(read).rejects.toBe(boom);
      expect(checkpoints.positions).toEqual([2]);
    },
  );

  test.each(['pushed', 'pulled'])('the state before an error of evolve is saved, %s', async (how) => {
    const checkpoints = new RecordingCheckpoints<string>();
    const states = project(journalOf('abx'), failingAt('x'), { checkpoints });
    await expect(how === 'pushed' ? lastValueFrom(states) : readAll(states)).rejects.toBe(boom);
    expect(checkpoints.saved).toEqual([{ position: 2, state: 'ab' }]);
  });

  test('one that cannot be loaded is passed over', async () => {
    const checkpoints = { load: () => Promise.reject(boom), save: async () => undefined };
    expect(await firstValueFrom(project(journalOf('ab'), texts, { checkpoints }))).toMatchObject({ state: 'ab' });
  });
});

describe('over a flusher', () => {
  async function flushed(sink: HandSink<string>) {
    const scrivener = new InMemoryScrivener<string>();
    const flusher = new FlusherDaemon({ scrivener, sink });
    await flusher.start();
    const checkpoints = new RecordingCheckpoints<string>();
    const { seen, errors } = seenOf(project(scrivener, texts, { checkpoints, every: 2 }));
    await settle();
    return { scrivener, flusher, checkpoints, seen, errors };
  }

  test('no checkpoint is ahead of what is flushed, and the states do not wait for it', async () => {
    const sink = new HandSink<string>();
    sink.hanging = true;
    const { scrivener, flusher, checkpoints, seen } = await flushed(sink);
    for (const text of 'abcde') scrivener.append(text);
    await settle();
    expect([sink.pending, checkpoints.positions, seen.at(-1)]).toEqual([1, [], 'abcde']);
    sink.release();
    await settle();
    expect([flusher.flushed, checkpoints.positions]).toEqual([5, [4]]);
  });

  test('what was flushed before it fails is saved; its error comes at the journal’s end', async () => {
    const sink = new HandSink<string>();
    const { scrivener, checkpoints, seen, errors } = await flushed(sink);
    for (const text of 'ab') scrivener.append(text);
    await settle();
    sink.hanging = true;
    for (const text of 'cd') scrivener.append(text);
    await settle();
    sink.refuse(boom);
    await settle();
    scrivener.append('e');
    await settle();
    expect([checkpoints.positions, seen.at(-1), errors]).toEqual([[2], 'abcde', []]);
    scrivener.complete();
    await settle();
    expect([checkpoints.positions, errors]).toEqual([[2], [boom]]);
  });
});

async function readAll(states: AsyncIterable<unknown>): Promise<void> {
  const iterator = states[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}
