import {
  BookmarkAheadError,
  currentState,
  InMemoryScrivener,
  PositionTrimmedError,
  START,
  type Checkpoint,
  type CheckpointStore,
  type Projection,
} from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { backends } from '../patterns/backends';

const path = useTempDir();
const boom = new Error('boom');
const texts = (): Projection<string, string> & { calls: number } => ({
  calls: 0,
  initial: () => '',
  evolve(state, entry) {
    this.calls++;
    return state + entry;
  },
});
const storing = (load: () => Promise<unknown>): CheckpointStore<string> => ({
  load: load as () => Promise<Checkpoint<string> | undefined>,
  save: async () => undefined,
});

describe.each(backends<string>())('on a journal %s', (_, open) => {
  test('it is folded to its end; a second call reads only what is new', async () => {
    const { scrivener, close } = await open(path('journal'));
    const projection = texts();
    expect(await currentState(scrivener, projection)).toEqual({ position: START, state: '' });
    for (const text of ['a', 'b', 'c']) await scrivener.write(text);
    expect(await currentState(scrivener, projection)).toEqual({ position: 3, state: 'abc' });
    await scrivener.write('d');
    expect(await currentState(scrivener, projection)).toEqual({ position: 4, state: 'abcd' });
    expect(projection.calls).toBe(4);
    await close();
  });

  test('a checkpoint is where it starts; one past the end is an error', async () => {
    const { scrivener, close } = await open(path('journal'));
    for (const text of ['a', 'b', 'c']) await scrivener.write(text);
    const at = (position: number) => ({ checkpoints: storing(async () => ({ position, state: '<2>' })) });
    expect(await currentState(scrivener, texts(), at(2))).toEqual({ position: 3, state: '<2>c' });
    expect(await currentState(scrivener, texts(), at(3))).toEqual({ position: 3, state: '<2>' });
    const ahead = currentState(scrivener, texts(), at(4));
    await expect(ahead).rejects.toThrow(new BookmarkAheadError(4, 3, 'checkpoint'));
    await close();
  });
});

test.each([
  ['rejects', () => Promise.reject(boom)],
  ['is none', async () => undefined],
  ['is null', async () => null],
  ['is a text', async () => 'x'],
  ['has no position', async () => ({ state: 'x' })],
  ['has a wrong position', async () => ({ position: -1, state: 'x' })],
  ['has no state', async () => ({ position: 1 })],
])('a checkpoint that %s is passed over', async (_, load) => {
  const scrivener = new InMemoryScrivener<string>();
  scrivener.append('a');
  expect(await currentState(scrivener, texts(), { checkpoints: storing(load) })).toEqual({ position: 1, state: 'a' });
});

test('a journal that has ended has a state', async () => {
  const completed = new InMemoryScrivener<string>();
  completed.append('a');
  completed.complete();
  const errored = new InMemoryScrivener<string>();
  errored.append('a');
  errored.error(boom);
  expect(await currentState(completed, texts())).toEqual({ position: 1, state: 'a' });
  expect(await currentState(errored, texts())).toEqual({ position: 1, state: 'a' });
});

test('in memory it is the state at the call', async () => {
  const scrivener = new InMemoryScrivener<string>();
  scrivener.append('a');
  const current = currentState(scrivener, texts());
  scrivener.append('b');
  expect(await current).toEqual({ position: 1, state: 'a' });
  expect(scrivener.observed).toBe(false);
});

test('entries that are retired need a checkpoint', async () => {
  const scrivener = new InMemoryScrivener<string>({ retain: 1 });
  scrivener.append('a');
  scrivener.append('b');
  await expect(currentState(scrivener, texts())).rejects.toThrow(PositionTrimmedError);
  const checkpoints = storing(async () => ({ position: 1, state: 'a' }));
  expect(await currentState(scrivener, texts(), { checkpoints })).toEqual({ position: 2, state: 'ab' });
});

test('what evolve throws and a signal reject it', async () => {
  const scrivener = new InMemoryScrivener<string>();
  scrivener.append('a');
  const failing: Projection<string, string> = {
    initial: () => '',
    evolve: () => {
      throw boom;
    },
  };
  await expect(currentState(scrivener, failing)).rejects.toBe(boom);
  await expect(currentState(scrivener, texts(), { signal: AbortSignal.abort(boom) })).rejects.toBe(boom);
  const controller = new AbortController();
  const waiting = currentState(scrivener, texts(), {
    checkpoints: storing(() => new Promise(() => undefined)),
    signal: controller.signal,
  });
  controller.abort(boom);
  await expect(waiting).rejects.toBe(boom);
  expect(scrivener.observed).toBe(false);
});
