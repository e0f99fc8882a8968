import { existsSync, linkSync, readdirSync, truncateSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EMPTY, type RetryConfig } from 'rxjs';
import { InMemoryScrivener, type DaemonEvent } from 'rx-scrivener';
import {
  FlushAbandonedError,
  JournalLockedError,
  openFileScrivener,
  type FileScrivener,
  type FileScrivenerConfig,
} from 'rx-scrivener/file';
import { fileHandlePrototype } from '../support/file-handle';
import { textOf } from '../support/journal-text';
import { openDescriptors } from '../support/open-descriptors';
import { rejectionOf, turns, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

jest.mock('node:fs/promises', () => {
  const actual = jest.requireActual<typeof promises>('node:fs/promises');
  return { ...actual, open: jest.fn(actual.open), rename: jest.fn(actual.rename) };
});
const actual = jest.requireActual<typeof promises>('node:fs/promises');
const open = jest.mocked(promises.open);
const rename = jest.mocked(promises.rename);

const path = useTempDir();
const filePath = () => path('journal.ndjson');
type Config = Partial<FileScrivenerConfig<string>>;
const opened = (config: Config = {}) =>
  openFileScrivener<string>({ filePath: filePath(), flushIntervalMs: Infinity, flushThreshold: 1000, ...config });

let prototype: FileHandle;
beforeEach(async () => {
  prototype = await fileHandlePrototype(path('probe'));
});
afterEach(() => {
  jest.restoreAllMocks();
  open.mockImplementation(actual.open);
  rename.mockImplementation(actual.rename);
});

const errorOf = (code: string) => Object.assign(new Error(`${code}: injected`), { code });

type Method = (this: FileHandle, ...args: unknown[]) => Promise<unknown>;

/** Replaces a method of every FileHandle; `real` is what it was. */
function on(method: 'write' | 'datasync' | 'sync' | 'truncate', replacement: (real: Method) => Method) {
  const real = prototype[method] as unknown as Method;
  return jest.spyOn(prototype as unknown as Record<string, Method>, method).mockImplementation(replacement(real));
}

/** Something that fails once; `fired` tells that it did. */
interface Fault {
  readonly name: string;
  readonly config?: Config;
  inject(error: Error, fired: () => void): void | Promise<void>;
}

function onceIn(method: 'write' | 'datasync' | 'sync', nth = 1) {
  return (error: Error, fired: () => void) => {
    let call = 0;
    on(
      method,
      (real) =>
        async function (...args) {
          if (++call !== nth) return real.apply(this, args);
          fired();
          throw error;
        },
    );
  };
}

/** Each FileHandle has a `close` of its own. A descriptor is gone also when closing it says otherwise. */
async function onceClosing(error: Error, fired: () => void) {
  const call = open.mock.calls.findLastIndex(([file]) => file === filePath());
  const handle = await (open.mock.results[call]!.value as Promise<FileHandle>);
  const close = handle.close.bind(handle);
  handle.close = async () => {
    handle.close = close;
    await close();
    fired();
    throw error;
  };
}

function onceOpening(matches: (file: string) => boolean) {
  return (error: Error, fired: () => void) => {
    let done = false;
    open.mockImplementation(async (file, ...rest) => {
      if (done || !matches(String(file))) return actual.open(file, ...rest);
      done = true;
      fired();
      throw error;
    });
  };
}

function onceRenaming(matches: (target: string) => boolean) {
  return (error: Error, fired: () => void) => {
    let done = false;
    rename.mockImplementation(async (from, to) => {
      if (done || !matches(String(to))) return actual.rename(from, to);
      done = true;
      fired();
      throw error;
    });
  };
}

const rotation = { maxBytes: 100 };
const FAULTS: Fault[] = [
  { name: 'a write', inject: onceIn('write') },
  {
    name: 'a write in the middle of a batch',
    inject(error, fired) {
      let call = 0;
      on(
        'write',
        (real) =>
          async function (data, offset, length, at) {
            call++;
            if (call === 1) return real.call(this, data, offset, Math.floor(Number(length) / 2) + 7, at);
            if (call > 2) return real.call(this, data, offset, length, at);
            fired();
            throw error;
          },
      );
    },
  },
  {
    name: 'a write after many short ones',
    inject(error, fired) {
      let call = 0;
      on(
        'write',
        (real) =>
          async function (data, offset, length, at) {
            if (++call !== 9) return real.call(this, data, offset, Math.min(11, Number(length)), at);
            fired();
            throw error;
          },
      );
    },
  },
  { name: 'the sync of a batch', config: { durability: 'disk' }, inject: onceIn('datasync') },
  { name: 'the sync of the segment that is closed', config: { rotation }, inject: onceIn('datasync') },
  { name: 'the rename of the segment', config: { rotation }, inject: onceRenaming((to) => /\.\d{16}$/.test(to)) },
  { name: 'the opening of the new file', config: { rotation }, inject: onceOpening((file) => file === filePath()) },
  { name: 'the closing of the former file', config: { rotation }, inject: onceClosing },
  {
    name: 'the list of segments, as it is opened',
    config: { rotation },
    inject: onceOpening((file) => file.endsWith('.tmp')),
  },
  { name: 'the list of segments, as it is synced', config: { rotation }, inject: onceIn('sync') },
  {
    name: 'the list of segments, as it is replaced',
    config: { rotation },
    inject: onceRenaming((to) => to.endsWith('.segments')),
  },
  {
    name: 'the directory, as it is opened',
    config: { rotation },
    inject: onceOpening((file) => file === dirname(filePath())),
  },
  { name: 'the directory, as it is synced', config: { rotation }, inject: onceIn('sync', 2) },
  {
    name: 'the directory of a new file, as it is opened',
    config: { rotation, durability: 'disk' },
    inject: onceOpening((file) => file === dirname(filePath())),
  },
];

const BEFORE = ['eins', 'zwölf 🙂', 'x'.repeat(100)];
const GROUP = ['drei', 'vier', 'fünf'];
const AFTER = ['sechs', 'sieben'];
const ALL = [...BEFORE, ...GROUP, ...AFTER];

/** The entries on the disk, whatever file they are in; throws for what is no line. */
function onDisk(): string[] {
  const names = readdirSync(path()).filter((name) => /^journal\.ndjson(\.\d{16})?$/.test(name));
  const files = [...names.filter((name) => name !== 'journal.ndjson').sort(), 'journal.ndjson'];
  const text = files.map((name) => (existsSync(path(name)) ? textOf(path(name)) : '')).join('');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  const records = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { position: number; entry: string });
  expect(records.map(({ position }) => position)).toEqual(records.map((_, index) => index + 1));
  return records.map(({ entry }) => entry);
}

async function expectWhole(scrivener: FileScrivener<string>, entries: readonly string[]) {
  await scrivener.close();
  expect(onDisk()).toEqual(entries);
  const again = await opened();
  const read: string[] = [];
  again.tail().subscribe(({ entry }) => read.push(entry));
  expect([again.recovered.truncatedBytes, read]).toEqual([0, entries]);
  await again.close();
  if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
}

async function failuresOf(scrivener: FileScrivener<string>): Promise<unknown[]> {
  await turns();
  const errors: unknown[] = [];
  scrivener.daemonEvents.tail().subscribe(({ entry }) => {
    if (entry.type === 'FailureOccurred') errors.push(entry.error);
  });
  return errors;
}

describe.each([
  ['ENOSPC', undefined],
  ['EIO', undefined],
  ['EIO', { count: 3 }],
  ['ENOSPC', { count: 3 }],
  ['EAGAIN', { count: 1, delay: 1 }],
] as [code: string, retry: RetryConfig | undefined][])('%s, retry %j', (code, retry) => {
  test.each(FAULTS)('$name: what is flushed stays, the rest follows, once and in order', async ({ config, inject }) => {
    const scrivener = await opened({ ...config, ...(retry && { retry }) });
    for (const entry of BEFORE) await scrivener.write(entry);
    await scrivener.flush();
    const error = errorOf(code);
    const fired = jest.fn();
    await inject(error, fired);
    await scrivener.writeAll(GROUP);
    const failure = await scrivener.flush().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(fired).toHaveBeenCalledTimes(1);
    if (failure === undefined) {
      // A fault that does no harm need not be told of.
      expect([scrivener.flusher.status, scrivener.flushed, onDisk()]).toEqual(['Running', 6, [...BEFORE, ...GROUP]]);
      for (const told of await failuresOf(scrivener)) expect(told).toBe(error);
    } else {
      if (retry) expect(code).toBe('EIO');
      expect([failure, scrivener.flusher.status, scrivener.flushed, onDisk()]).toEqual([error, 'Failed', 3, BEFORE]);
      expect(await failuresOf(scrivener)).toEqual([error]);
      await scrivener.write(AFTER[0]!);
      await scrivener.reopen();
      await scrivener.flush();
      expect(onDisk()).toEqual([...BEFORE, ...GROUP, AFTER[0]]);
    }
    for (const entry of ALL.slice(scrivener.head)) await scrivener.write(entry);
    await scrivener.flush();
    expect(scrivener.flushed).toBe(ALL.length);
    await expectWhole(scrivener, ALL);
  });

  test.each(FAULTS)(
    '$name, and no reopening: the next run continues after what was flushed',
    async ({ config, inject }) => {
      const scrivener = await opened({ ...config, ...(retry && { retry }) });
      for (const entry of BEFORE) await scrivener.write(entry);
      await scrivener.flush();
      await inject(errorOf(code), () => undefined);
      await scrivener.writeAll(GROUP);
      await scrivener.flush().catch(() => undefined);
      const { flushed } = scrivener;
      await scrivener.close().catch(() => undefined);
      if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
      const again = await opened(config);
      expect([again.head, flushed]).toEqual([flushed, flushed]);
      await again.write('next');
      await expectWhole(again, [...[...BEFORE, ...GROUP].slice(0, flushed), 'next']);
    },
  );
});

describe('retry', () => {
  const full = errorOf('ENOSPC');
  const fill = () => on('write', () => () => Promise.reject(full));

  test.each([1, 3])('given up after %i: the error says where, and each refusal is reported', async (count) => {
    const daemonEvents = new InMemoryScrivener<DaemonEvent>();
    const scrivener = await opened({ retry: { count, delay: 1 }, daemonEvents });
    await scrivener.write('eins');
    await scrivener.flush();
    const writes = fill();
    await scrivener.writeAll(GROUP);
    const error = await rejectionOf(scrivener.flush());
    expect(error).toBeInstanceOf(FlushAbandonedError);
    expect(error).toMatchObject({ code: 'ERR_FLUSH_ABANDONED', position: 2, cause: full });
    expect(writes).toHaveBeenCalledTimes(count + 1);
    expect(await failuresOf(scrivener)).toEqual([...Array.from({ length: count }, () => full), error]);
    expect([scrivener.flusher.status, scrivener.flushed, onDisk()]).toEqual(['Failed', 1, ['eins']]);
    writes.mockRestore();
    await scrivener.reopen();
    await expectWhole(scrivener, ['eins', ...GROUP]);
  });

  test('the delay gets the error and the attempt; if it fails, the flusher fails with the same error', async () => {
    const gaveUp = new Error('no more');
    const delay = jest.fn<Promise<unknown>, [unknown, number]>((_, attempt) =>
      attempt < 3 ? Promise.resolve() : Promise.reject(gaveUp),
    );
    const scrivener = await opened({ retry: { delay } });
    const writes = fill();
    await scrivener.write('eins');
    expect(await rejectionOf(scrivener.flush())).toBe(gaveUp);
    expect(delay.mock.calls).toEqual([
      [full, 1],
      [full, 2],
      [full, 3],
    ]);
    writes.mockRestore();
    await scrivener.reopen();
    await expectWhole(scrivener, ['eins']);
  });

  test('a delay that completes gives up: nothing counts as flushed that is not', async () => {
    const scrivener = await opened({ retry: { delay: () => EMPTY } });
    const writes = fill();
    await scrivener.write('eins');
    expect(await rejectionOf(scrivener.flush())).toBeInstanceOf(FlushAbandonedError);
    expect(scrivener.flushed).toBe(0);
    writes.mockRestore();
    await scrivener.reopen();
    await expectWhole(scrivener, ['eins']);
  });

  test('what could not be taken back once is taken back before the next attempt', async () => {
    const scrivener = await opened({ retry: { count: 3, delay: 1 } });
    await scrivener.write('eins');
    await scrivener.flush();
    let call = 0;
    on(
      'write',
      (real) =>
        async function (data, offset, length, at) {
          call++;
          if (call === 2) throw full;
          return real.call(this, data, offset, call === 1 ? 20 : length, at);
        },
    );
    let cut = 0;
    on(
      'truncate',
      (real) =>
        async function (...args) {
          if (++cut === 1) throw full;
          return real.apply(this, args);
        },
    );
    await scrivener.writeAll(GROUP);
    await scrivener.flush();
    expect(cut).toBeGreaterThan(1);
    await expectWhole(scrivener, ['eins', ...GROUP]);
  });

  test('what could not be taken back is cut off by reopening, half lines and whole ones', async () => {
    for (const bytes of [1, 20, 51, 57, 110, 163]) {
      const scrivener = await opened();
      const { head } = scrivener;
      let call = 0;
      on(
        'write',
        (real) =>
          async function (data, offset, length, at) {
            if (++call > 1) throw full;
            return real.call(this, data, offset, Math.min(Number(length), bytes), at);
          },
      );
      on('truncate', () => () => Promise.reject(errorOf('EIO')));
      await scrivener.write('a');
      await scrivener.write('b');
      await scrivener.writeAll(GROUP);
      expect(await rejectionOf(scrivener.flush())).toBe(full);
      jest.restoreAllMocks();
      await scrivener.reopen();
      await scrivener.close();
      expect(onDisk().slice(head)).toEqual(['a', 'b', ...GROUP]);
    }
  });

  test('a batch whose sync failed, and which could not be taken back, is not there twice', async () => {
    const scrivener = await opened({ durability: 'disk' });
    on('datasync', () => () => Promise.reject(errorOf('EIO')));
    on('truncate', () => () => Promise.reject(errorOf('EIO')));
    for (const entry of ALL) await scrivener.write(entry);
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'EIO' });
    expect([scrivener.flushed, onDisk()]).toEqual([0, ALL]);
    jest.restoreAllMocks();
    await scrivener.reopen();
    await expectWhole(scrivener, ALL);
  });

  test('closing waits for a retry that continues, and saves what it had', async () => {
    const scrivener = await opened({ retry: { delay: 1 } });
    const writes = fill();
    await scrivener.write('eins');
    const closing = scrivener.close();
    await until(() => writes.mock.calls.length > 5);
    jest.restoreAllMocks();
    await closing;
    expect(onDisk()).toEqual(['eins']);
  });

  test('with `maxPending` writes wait meanwhile, and none is lost', async () => {
    const scrivener = await opened({ retry: { delay: 1 }, maxPending: 2 });
    const writes = fill();
    const all = Promise.all(ALL.map((entry) => scrivener.write(entry)));
    await until(() => writes.mock.calls.length > 5);
    expect(scrivener.head).toBe(2);
    jest.restoreAllMocks();
    expect(await all).toEqual(ALL.map((_, index) => index + 1));
    await expectWhole(scrivener, ALL);
  });
});

describe('reopening', () => {
  async function broken(config: Config = {}) {
    const scrivener = await opened(config);
    await scrivener.write('eins');
    await scrivener.flush();
    const writes = on('write', () => () => Promise.reject(errorOf('EIO')));
    await scrivener.write('zwei');
    await scrivener.flush().catch(() => undefined);
    expect(scrivener.flusher.status).toBe('Failed');
    writes.mockRestore();
    return scrivener;
  }

  test('twice at once is once', async () => {
    const scrivener = await broken();
    const failed = scrivener.flusher;
    await Promise.all([scrivener.reopen(), scrivener.reopen()]);
    expect(scrivener.flusher).not.toBe(failed);
    expect(await rejectionOf(scrivener.reopen())).toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
    await expectWhole(scrivener, ['eins', 'zwei']);
  });

  test('is refused while nothing has failed, and once closed', async () => {
    const scrivener = await opened();
    expect(await rejectionOf(scrivener.reopen())).toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
    await scrivener.write('eins');
    await scrivener.close();
    expect(await rejectionOf(scrivener.reopen())).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    expect(onDisk()).toEqual(['eins']);
  });

  test.each<[name: string, config: Config]>([
    ['', {}],
    [', with rotation', { rotation: { maxBytes: 3000 } }],
    [', keeping one entry in memory', { rotation: { maxBytes: 3000 }, retain: 1 }],
    [', with writes that wait', { maxPending: 5 }],
  ])(
    'while writes continue, again and again%s',
    async (_, config) => {
      const scrivener = await opened({ ...config, flushThreshold: 3 });
      const over = new AbortController();
      let written = 0;
      const writing = (async () => {
        while (!over.signal.aborted) {
          try {
            written = await scrivener.write(`entry ${written + 1}`);
          } catch {
            // Waiting for room, it was told what the flusher failed with.
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      for (let round = 1; round <= 10; round++) {
        const flushed = scrivener.flushed;
        await until(() => scrivener.flushed > flushed + 5);
        const writes = on(
          'write',
          (real) =>
            async function (data, offset, length, at) {
              if (round % 2 === 0) await real.call(this, data, offset, Math.min(Number(length), 30), at);
              throw errorOf('EIO');
            },
        );
        await scrivener.flusher.waitForFailure();
        writes.mockRestore();
        await turns(round % 4);
        await scrivener.reopen();
      }
      over.abort();
      await writing;
      const live: string[] = [];
      for await (const { position, entry } of scrivener.tail()) {
        live.push(entry);
        if (position === scrivener.head) break;
      }
      const entries = Array.from({ length: written }, (_, index) => `entry ${index + 1}`);
      expect(live).toEqual(entries);
      await expectWhole(scrivener, entries);
    },
    20_000,
  );

  test.each(['ENOSPC', 'EIO'])('that fails (%s) leaves everything as it was, and may be tried again', async (code) => {
    const scrivener = await broken();
    const error = errorOf(code);
    onceOpening((file) => file === filePath())(error, () => undefined);
    expect(await rejectionOf(scrivener.reopen())).toBe(error);
    expect(scrivener.flusher.status).toBe('Failed');
    await scrivener.write('drei');
    await scrivener.reopen();
    await expectWhole(scrivener, ['eins', 'zwei', 'drei']);
  });

  test('and closing meanwhile: everything is saved', async () => {
    const scrivener = await broken();
    const reopening = scrivener.reopen();
    await scrivener.write('drei');
    const closing = scrivener.close();
    expect(await rejectionOf(scrivener.write('vier'))).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    await reopening;
    await closing;
    await expectWhole(scrivener, ['eins', 'zwei', 'drei']);
  });

  test('that fails, and closing meanwhile: the failure is reported, and nothing is held', async () => {
    const scrivener = await broken();
    const error = errorOf('EIO');
    onceOpening((file) => file === filePath())(error, () => undefined);
    const reopening = rejectionOf(scrivener.reopen());
    const closing = rejectionOf(scrivener.close());
    expect(await reopening).toBe(error);
    expect(await closing).toMatchObject({ code: 'EIO' });
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test('is refused where the file has lost what was flushed, and then nothing is held', async () => {
    const scrivener = await broken();
    truncateSync(filePath());
    expect(await rejectionOf(scrivener.reopen())).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
    await scrivener.close().catch(() => undefined);
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test('serializes nothing again: an entry that has no text any more is saved as it was written', async () => {
    const scrivener = await openFileScrivener<unknown>({ filePath: filePath(), flushIntervalMs: Infinity });
    const writes = on('write', () => () => Promise.reject(errorOf('ENOSPC')));
    const entry: Record<string, unknown> = { text: 'eins' };
    await scrivener.write(entry);
    await rejectionOf(scrivener.flush());
    entry.self = entry;
    entry.text = 1n;
    await scrivener.write('zwei');
    for (let time = 1; time <= 3; time++) {
      await scrivener.reopen().catch(() => undefined);
      expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'ENOSPC' });
    }
    writes.mockRestore();
    await scrivener.reopen();
    await scrivener.close();
    expect(onDisk()).toEqual([{ text: 'eins' }, 'zwei']);
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test('may be done by who hears of the failure', async () => {
    const daemonEvents = new InMemoryScrivener<DaemonEvent>();
    const scrivener = await opened({ daemonEvents });
    let reopened: Promise<void> | undefined;
    daemonEvents.tail().subscribe(({ entry }) => {
      if (entry.type === 'StatusChanged' && entry.status === 'Failed') reopened = scrivener.reopen();
    });
    const writes = on('write', () => () => Promise.reject(errorOf('EIO')));
    await scrivener.write('eins');
    const failure = scrivener.flusher.waitForFailure();
    await rejectionOf(scrivener.flush());
    writes.mockRestore();
    expect(await failure).toMatchObject({ code: 'EIO' });
    await reopened;
    await expectWhole(scrivener, ['eins']);
  });

  test('a journal that was rotated stays locked', async () => {
    const scrivener = await broken({ rotation: { maxBytes: 10 } });
    await scrivener.reopen();
    await scrivener.flush();
    linkSync(filePath(), path('link'));
    expect(await rejectionOf(openFileScrivener({ filePath: path('link') }))).toBeInstanceOf(JournalLockedError);
    await scrivener.reopen().catch(() => undefined);
    await scrivener.close();
  });
});

test('a file that cannot be closed at the end: what was flushed counts, and nothing is held', async () => {
  const scrivener = await opened();
  await scrivener.write('eins');
  await scrivener.flush();
  const fired = jest.fn();
  await onceClosing(errorOf('EIO'), fired);
  await scrivener.close().catch(() => undefined);
  expect([fired.mock.calls.length, scrivener.flushed]).toEqual([1, 1]);
  const again = await opened();
  await expectWhole(again, ['eins']);
});

test('a closed segment that somebody has removed does not stop the journal', async () => {
  const scrivener = await opened({ rotation: { maxBytes: 10, keep: { segments: 9 } } });
  for (const entry of ['eins', 'zwei']) {
    await scrivener.write(entry);
    await scrivener.flush();
  }
  await promises.rm(path('journal.ndjson.0000000000000001'));
  await scrivener.write('drei');
  await scrivener.flush();
  expect(scrivener.flusher.status).toBe('Running');
  await scrivener.close();
});
