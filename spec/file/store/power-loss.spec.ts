import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FlusherDaemon, InMemoryScrivener, JsonEntrySerializer, START } from 'rx-scrivener';
import {
  FileAppendSink,
  FileBookmarkStore,
  openFileScrivener,
  readJournal,
  type FileScrivener,
  type FileScrivenerConfig,
} from 'rx-scrivener/file';
import { statesOf, type DiskState } from '../support/disk-model';
import { fileHandlePrototype } from '../support/file-handle';
import { makeState, RecordedDisk, shownState } from '../support/recorded-disk';
import { useTempDir } from '../support/temp-dir';

/*
 * What a loss of power leaves, for `durability: 'disk'`. The system calls of a run are recorded. After each of them every state that the disk may be in
 * is made (disk-model.ts says which) and opened: what counted as flushed by then is there, and the journal goes on.
 *
 * Not among the states: a file of which a later part is on the disk and an earlier one is not, and a rename of which one half is.
 */

interface Entry {
  readonly n: number;
  readonly text: string;
}
const entry = (n: number): Entry => ({ n, text: 'ü'.repeat(n % 4) });
const FILE = ['some', 'folder', 'journal.ndjson'] as const;

const path = useTempDir();
const disk = () => path('disk');
let prototype: FileHandle;
beforeEach(async () => {
  prototype = await fileHandlePrototype(path('probe'));
  mkdirSync(disk());
});
afterEach(() => jest.restoreAllMocks());

// The machine may be busy with other things.
jest.setTimeout(120_000);

/** Each state that was possible, with what was promised when it was: what was flushed, for instance. */
type States<Promised> = Map<string, { readonly state: DiskState; readonly promised: Set<Promised> }>;

/** Runs a program, and finds all states that a loss of power after any of its calls may leave. */
async function statesAfter<Promised>(
  run: (look: () => void) => Promise<void>,
  promise: () => Promised,
): Promise<States<Promised>> {
  const found: States<Promised> = new Map();
  const look = (root: RecordedDisk['root']) => {
    const promised = promise();
    for (const state of statesOf(root)) {
      const key = shownState(state);
      if (!found.has(key)) found.set(key, { state, promised: new Set() });
      found.get(key)!.promised.add(promised);
    }
  };
  const recorded: RecordedDisk = RecordedDisk.start(disk(), prototype, () => look(recorded.root));
  try {
    look(recorded.root);
    // Also when more is promised, and no call has followed yet.
    await run(() => look(recorded.root));
    look(recorded.root);
    const [real, modelled] = recorded.comparison;
    expect(shownState(modelled)).toBe(shownState(real));
  } finally {
    recorded.stop();
  }
  return found;
}

/** Makes each state in a folder of its own. */
async function forEachState<Promised>(
  states: States<Promised>,
  visit: (folder: string, promised: Set<Promised>, shown: string) => Promise<void>,
): Promise<void> {
  // What is looked at needs not last.
  const methods = prototype as unknown as Record<'sync' | 'datasync', () => Promise<void>>;
  for (const name of ['sync', 'datasync'] as const) jest.spyOn(methods, name).mockResolvedValue();
  const folder = path('after');
  for (const [key, { state, promised }] of states) {
    makeState(folder, state);
    await visit(folder, promised, key);
    rmSync(folder, { recursive: true });
  }
}

type Config = Omit<FileScrivenerConfig<Entry>, 'filePath'>;

interface Run {
  readonly config: Config;
  /** How many of the newest entries are kept at the least; default: all. */
  readonly kept?: number;
  /** What is there, and lasts, when the run begins. */
  readonly before?: string;
  readonly steps: (open: () => Promise<FileScrivener<Entry>>, promise: (position: number) => void) => Promise<void>;
  /** Ends of groups: a journal ends with one of them. */
  readonly groupsEndAt?: readonly number[];
}

/** Batches of two, three, and one; `groups` writes each as a group. */
async function write(scrivener: FileScrivener<Entry>, groups = false): Promise<void> {
  for (const count of [2, 3, 1]) {
    const entries = Array.from({ length: count }, (_, index) => entry(scrivener.head + 1 + index));
    if (groups) await scrivener.writeAll(entries);
    else for (const one of entries) await scrivener.write(one);
    await scrivener.flush();
  }
}

const once = async (open: () => Promise<FileScrivener<Entry>>) => {
  const scrivener = await open();
  await write(scrivener);
  await scrivener.close();
};
const twice: Run['steps'] = async (open) => {
  await once(open);
  await once(open);
};

const inGroups: Run['steps'] = async (open) => {
  const scrivener = await open();
  await write(scrivener, true);
  await scrivener.close();
};

const line = (n: number) => new JsonEntrySerializer<Entry>().serialize({ position: n, entry: entry(n) });

const each = { maxBytes: 1 };
const RUNS: Record<string, Run> = {
  'a plain journal': { config: {}, steps: twice },
  'one that is closed, not flushed': {
    config: {},
    steps: async (open) => {
      const scrivener = await open();
      for (let n = 1; n <= 3; n++) scrivener.append(entry(n));
      await scrivener.close();
    },
  },
  'one that is flushed synchronously': {
    config: { rotation: { maxBytes: 100 } },
    steps: async (open, promise) => {
      const scrivener = await open();
      await write(scrivener);
      scrivener.append(entry(7));
      scrivener.append(entry(8));
      scrivener.flushSync();
      promise(8);
      await scrivener.close();
    },
  },
  'one that has a torn line': { config: {}, before: `${line(1)}\n${line(2)}\n${line(3).slice(0, 20)}`, steps: twice },
  'one whose last newline is missing': { config: {}, before: `${line(1)}\n${line(2)}`, steps: twice },
  'one with checksums': { config: { checksum: 'crc32' }, steps: twice },
  'one of groups': { config: {}, steps: inGroups, groupsEndAt: [0, 2, 5, 6] },
  'one of groups, with checksums': {
    config: { checksum: 'crc32' },
    steps: inGroups,
    groupsEndAt: [0, 2, 5, 6],
  },
  'a rotated one': { config: { rotation: each }, steps: twice },
  'one that is rotated sometimes': { config: { rotation: { maxBytes: 150 } }, steps: twice },
  'one that is not read back into memory, rotated': { config: { rotation: each, retain: 1 }, steps: twice },
  'a compressed one': { config: { rotation: { ...each, compress: 'gzip' } }, steps: once },
  // The smallest that two closed segments hold.
  'one that keeps two segments': { config: { rotation: { ...each, keep: { segments: 2 } } }, kept: 3, steps: twice },
  'one that keeps none': { config: { rotation: { ...each, keep: { segments: 0 } } }, kept: 0, steps: twice },
  // Nothing is promised, but that it opens: what is closed or on record is on the disk.
  'one of durability os, rotated': { config: { durability: 'os', rotation: each }, steps: twice },
  'one of durability os, compressed, that keeps two segments': {
    config: { durability: 'os', rotation: { ...each, compress: 'gzip', keep: { segments: 2 } } },
    kept: 0,
    steps: once,
  },
  'one with all of it': {
    config: { rotation: { ...each, compress: 'gzip', keep: { segments: 2 } }, checksum: 'crc32', retain: 2 },
    kept: 3,
    steps: inGroups,
    groupsEndAt: [0, 2, 5, 6],
  },
};

interface Expected extends Partial<Run> {
  /** Each position up to which something counted as flushed when the state was possible. */
  readonly promised: Iterable<number>;
}

/** A journal opens, has what counted as flushed, goes on, and is read. */
async function expectWhole(
  shown: string,
  filePath: string,
  { config = {}, kept = Infinity, groupsEndAt, promised }: Expected,
): Promise<void> {
  const scrivener = await openFileScrivener<Entry>({ durability: 'disk', ...config, filePath }).catch(
    (error: unknown) => {
      throw new Error(`${shown}does not open: ${String(error)}`, { cause: error });
    },
  );
  const { lastPosition, entries } = scrivener.recovered;
  const first = lastPosition - entries + 1;
  for (const position of promised) {
    const oldest = position - Math.min(position, kept) + 1;
    if (lastPosition < position || (first > oldest && oldest <= position)) {
      throw new Error(`${shown}has ${first} to ${lastPosition}, where ${position} counted as flushed`);
    }
  }
  if (groupsEndAt) expect(groupsEndAt).toContain(lastPosition);
  expect(await scrivener.write(entry(lastPosition + 1))).toBe(lastPosition + 1);
  await scrivener.close();

  const read: number[] = [];
  for await (const record of readJournal<Entry>(filePath)) {
    expect(record.entry).toEqual(entry(record.position));
    read.push(record.position);
  }
  const from = kept === Infinity ? first : read[0]!;
  expect(read).toEqual(Array.from({ length: lastPosition + 2 - from }, (_, index) => from + index));
}

describe.each(Object.entries(RUNS))('%s', (_, { before, steps, ...run }) => {
  test('loses nothing that was flushed', async () => {
    const filePath = path('disk', ...FILE);
    if (before !== undefined) {
      mkdirSync(dirname(filePath), { recursive: true });
      writeFileSync(filePath, before);
    }
    let flushed = START;
    const states = await statesAfter(
      (look) => {
        const promise = (position: number) => {
          flushed = Math.max(flushed, position);
          look();
        };
        const open = async () => {
          const scrivener = await openFileScrivener<Entry>({ durability: 'disk', ...run.config, filePath });
          if (run.config.durability !== 'os') scrivener.flushed$.subscribe(promise);
          return scrivener;
        };
        return steps(open, promise);
      },
      () => flushed,
    );
    expect(states.size).toBeGreaterThan(10);
    expect(flushed > 0).toBe(run.config.durability !== 'os');

    await forEachState(states, (folder, promised, shown) =>
      expectWhole(shown, [folder, ...FILE].join('/'), { ...run, promised }),
    );
  });
});

test('a sink on its own loses nothing that it has accepted', async () => {
  const serializer = new JsonEntrySerializer<Entry>();
  const scrivener = new InMemoryScrivener<Entry>();
  let flusher: FlusherDaemon<Entry> | undefined;
  const states = await statesAfter(
    async () => {
      const sink = new FileAppendSink<Entry>({ filePath: path('disk', ...FILE), serializer, durability: 'disk' });
      flusher = new FlusherDaemon({ scrivener, sink });
      await flusher.start();
      for (let n = 1; n <= 5; n++) {
        scrivener.append(entry(n));
        if (n % 2 === 0) await flusher.flush();
      }
      await flusher.shutdown();
    },
    () => flusher?.flushed ?? START,
  );
  expect(flusher!.flushed).toBe(5);
  await forEachState(states, (folder, promised, shown) =>
    expectWhole(shown, [folder, ...FILE].join('/'), { promised }),
  );
});

test('a bookmark is the old one or the new one', async () => {
  const positions = [3, 7, 8, 20];
  let saved = START;
  let asked = START;
  const states = await statesAfter(
    async () => {
      let bookmarks = new FileBookmarkStore(path('disk', 'some', 'folder', 'bookmark.json'));
      for (const position of positions) {
        asked = position;
        await bookmarks.save(position);
        saved = position;
        if (position === 7) bookmarks = new FileBookmarkStore(path('disk', 'some', 'folder', 'bookmark.json'));
      }
    },
    () => `${saved} ${asked}`,
  );
  await forEachState(states, async (folder, promised, shown) => {
    const bookmarks = new FileBookmarkStore(`${folder}/some/folder/bookmark.json`);
    const found = await bookmarks.load();
    for (const [saved, asked] of [...promised].map((positions) => positions.split(' ').map(Number))) {
      if (found > asked! || (saved! > START && found === START)) {
        throw new Error(`${shown}has ${found}, where ${saved} was saved and ${asked} was asked for`);
      }
    }
    expect([START, ...positions]).toContain(found);
    await bookmarks.save(21);
    expect(await bookmarks.load()).toBe(21);
  });
});
