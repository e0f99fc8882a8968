import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { BookmarkAheadError, project, projection, type CheckpointStore } from 'rx-scrivener';
import { FileCheckpointStore, openFileScrivener, SerializationError } from 'rx-scrivener/file';
import { textOf } from './support/journal-text';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('todos.json');
const store = <S = unknown>(version?: string) => new FileCheckpointStore<S>(filePath(), { version });
afterEach(() => jest.restoreAllMocks());

test('where nothing was saved there is none, and no file comes of it', async () => {
  expect(await store().load()).toBeUndefined();
  expect(readdirSync(path())).toEqual([]);
});

test.each([null, 7, 'a\n', [], { todos: ['a', { b: [null, true] }] }])(
  '%j is loaded as it was saved',
  async (state) => {
    await store('1').save({ position: 7, state });
    expect(await store('1').load()).toEqual({ position: 7, state });
    expect(JSON.parse(textOf(filePath()))).toEqual({ version: '1', position: 7, state });
    expect(readdirSync(path())).toEqual(['todos.json']);
  },
);

test('a file: URL and directories that are made', async () => {
  const url = pathToFileURL(path('a', 'b.json'));
  await new FileCheckpointStore(url).save({ position: 1, state: 2 });
  expect(await new FileCheckpointStore(path('a', 'b.json')).load()).toEqual({ position: 1, state: 2 });
});

test('another version is passed over, and replaced', async () => {
  await store('1').save({ position: 1, state: 'old' });
  for (const version of ['2', undefined, '']) expect(await store(version).load()).toBeUndefined();
  await store('2').save({ position: 2, state: 'new' });
  expect([await store('1').load(), await store('2').load()]).toEqual([undefined, { position: 2, state: 'new' }]);
  await store().save({ position: 3, state: 'none' });
  expect([await store('2').load(), await store().load()]).toEqual([undefined, { position: 3, state: 'none' }]);
});

test.each([
  '',
  '{',
  'null',
  '7',
  '[]',
  '{}',
  '{"position":1}',
  '{"state":1}',
  '{"position":-1,"state":1}',
  '{"position":"1","state":1}',
  '\u0000\u0000',
])('%j is passed over', async (text) => {
  writeFileSync(filePath(), text);
  expect(await store().load()).toBeUndefined();
});

test('what cannot be read or written is the error of the system', async () => {
  mkdirSync(filePath());
  await expect(store().load()).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(store().save({ position: 1, state: 1 })).rejects.toMatchObject({ code: /^(EISDIR|ENOTEMPTY|EEXIST)$/ });
});

const cycle: unknown[] = [];
cycle.push(cycle);
test.each([[undefined], [() => 1], [1n], [cycle], [new Map()], [{ seen: new Set() }]])(
  'a state that JSON cannot hold is refused: %p',
  async (state) => {
    await store().save({ position: 1, state: 'kept' });
    const refused = store().save({ position: 2, state });
    await expect(refused).rejects.toThrow(SerializationError);
    await expect(refused).rejects.toThrow('The state cannot be serialized: ');
    expect(await store().load()).toEqual({ position: 1, state: 'kept' });
  },
);

test.each([-1, 0.5, NaN, '1'])('to save it at %p is a RangeError', async (position) => {
  await expect(store().save({ position: position as number, state: 1 })).rejects.toThrow(RangeError);
});

test.each([
  [{ version: 1 }, 'Expected `version` to be a text, got 1'],
  [{ versoin: '1' }, 'Expected no option `versoin` of `FileCheckpointStore`: there are version'],
])('%j is refused', (options, message) => {
  expect(() => new FileCheckpointStore(filePath(), options as object)).toThrow(new TypeError(message));
});

test('saves at the same time end with the last of them', async () => {
  const checkpoints = store<number>();
  await Promise.all(Array.from({ length: 50 }, (_, n) => checkpoints.save({ position: n, state: n })));
  expect(await store().load()).toEqual({ position: 49, state: 49 });
  expect(readdirSync(path())).toEqual(['todos.json']);
});

test('one that cannot be saved leaves the old one, and no other file', async () => {
  await store().save({ position: 1, state: 'old' });
  jest.spyOn(promises, 'rename').mockRejectedValueOnce(Object.assign(new Error('full'), { code: 'ENOSPC' }));
  await expect(store().save({ position: 2, state: 'new' })).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await store().load()).toEqual({ position: 1, state: 'old' });
  expect(readdirSync(path())).toEqual(['todos.json']);
});

test('the file keeps its mode', async () => {
  await store().save({ position: 1, state: 1 });
  chmodSync(filePath(), 0o640);
  await store().save({ position: 2, state: 2 });
  expect(statSync(filePath()).mode & 0o777).toBe(0o640);
});

describe('of a journal in a file', () => {
  type Entry = { type: 'Added'; text: string };
  const todos = projection<Entry, readonly string[]>({
    initial: () => [],
    evolve: { Added: (todos, { text }) => [...todos, text] },
  });
  const open = (options = {}) => openFileScrivener<Entry>({ filePath: path('todos.ndjson'), ...options });
  const checkpoints = () => store<readonly string[]>('1');

  test('a run continues with the state of the one before', async () => {
    let scrivener = await open();
    let states = project(scrivener, todos, { checkpoints: checkpoints() });
    const saved = lastValueFrom(states);
    for (const text of ['a', 'b']) await scrivener.write({ type: 'Added', text });
    await scrivener.close();
    expect(await saved).toEqual({ position: 2, state: ['a', 'b'] });
    expect(await checkpoints().load()).toEqual({ position: 2, state: ['a', 'b'] });

    scrivener = await open();
    await scrivener.write({ type: 'Added', text: 'c' });
    let evolved = 0;
    const counted = {
      ...todos,
      evolve: (...args: Parameters<typeof todos.evolve>) => (evolved++, todos.evolve(...args)),
    };
    states = project(scrivener, counted, { checkpoints: checkpoints() });
    expect(await firstValueFrom(states)).toEqual({ position: 3, state: ['a', 'b', 'c'] });
    expect(evolved).toBe(1);
    await scrivener.close();
  });

  test.each([
    ['another version', '{"version":"0","position":2,"state":["x","y"]}'],
    ['half of one', '{"version":"1","posi'],
  ])('%s is passed over: the state is built from the start', async (_, text) => {
    const scrivener = await open();
    for (const text of ['a', 'b']) await scrivener.write({ type: 'Added', text });
    writeFileSync(filePath(), text);
    const states = project(scrivener, todos, { checkpoints: checkpoints() });
    expect(await firstValueFrom(states)).toEqual({ position: 2, state: ['a', 'b'] });
    await scrivener.close();
  });

  test('one past the journal’s end is an error', async () => {
    const scrivener = await open();
    await checkpoints().save({ position: 1, state: ['a'] });
    const states = project(scrivener, todos, { checkpoints: checkpoints() });
    await expect(firstValueFrom(states)).rejects.toThrow(BookmarkAheadError);
    await scrivener.close();
  });

  test('none is ahead of what is flushed', async () => {
    const scrivener = await open({ flushThreshold: 1_000, flushIntervalMs: Infinity });
    const inFile = checkpoints();
    const flushedThen: boolean[] = [];
    const watched: CheckpointStore<readonly string[]> = {
      load: () => inFile.load(),
      save: (checkpoint) => {
        flushedThen.push(scrivener.flushed >= checkpoint.position);
        return inFile.save(checkpoint);
      },
    };
    const last = lastValueFrom(project(scrivener, todos, { checkpoints: watched, every: 3 }));
    for (let n = 0; n < 1_000; n++) {
      await scrivener.write({ type: 'Added', text: `${n}` });
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    await scrivener.close();
    expect((await last).position).toBe(1_000);
    expect(await inFile.load()).toMatchObject({ position: 1_000 });
    expect(flushedThen.length).toBeGreaterThan(1);
    expect(flushedThen).not.toContain(false);
  });
});

test('a link is written through', async () => {
  writeFileSync(path('real.json'), '');
  symlinkSync(path('real.json'), filePath());
  await store().save({ position: 1, state: 1 });
  expect(lstatSync(filePath()).isSymbolicLink()).toBe(true);
  expect(await new FileCheckpointStore(path('real.json')).load()).toEqual({ position: 1, state: 1 });
});

test('what crashed saves have left is removed', async () => {
  const left = path('todos.json.6c2f7d4e-0e7a-4e6e-9d5b-0f3f8b1c2a3d.tmp');
  writeFileSync(left, '{"position":');
  await store().save({ position: 1, state: 1 });
  expect(readdirSync(path())).toEqual(['todos.json']);
});
