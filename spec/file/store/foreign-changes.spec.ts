import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import * as promises from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { JsonEntrySerializer } from 'rx-scrivener';
import {
  FileAppendSink,
  FileBookmarkStore,
  openFileScrivener,
  readJournal,
  type FileScrivener,
  type FileScrivenerConfig,
} from 'rx-scrivener/file';
import { SegmentRotation } from '../../../lib/file/store/segment-rotation';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, positioned, textOf } from '../support/journal-text';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

jest.mock('node:fs/promises', () => {
  const actual = jest.requireActual<typeof promises>('node:fs/promises');
  return { ...actual, rename: jest.fn(actual.rename) };
});
const actual = jest.requireActual<typeof promises>('node:fs/promises');
const rename = jest.mocked(promises.rename);
afterEach(() => {
  jest.restoreAllMocks();
  rename.mockImplementation(actual.rename);
});

const path = useTempDir();
const filePath = () => path('j');
const segment = (first: number) => path(`j.${String(first).padStart(16, '0')}`);
const record = () => JSON.parse(textOf(path('j.segments'))) as Record<string, unknown>;
const open = (config: Partial<FileScrivenerConfig<number>> = {}) =>
  openFileScrivener<number>({ filePath: filePath(), flushIntervalMs: Infinity, ...config });
const TWO = journalText([1, 2]).length;

async function fill(scrivener: FileScrivener<number>, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) {
    await scrivener.write(n);
    await scrivener.flush();
  }
}

/** Closed segments 1, 3, 5, 7; active from 9. */
async function rotated(config: Partial<FileScrivenerConfig<number>> = {}): Promise<void> {
  const scrivener = await open({ rotation: { maxBytes: TWO }, ...config });
  await fill(scrivener, 1, 10);
  await scrivener.close();
}

describe('what is missing at the end of a rotated journal is damage, and nothing is changed', () => {
  test.each<[name: string, damage: () => void]>([
    ['the active file is removed', () => rmSync(filePath())],
    ['the active file is emptied', () => truncateSync(filePath())],
    ['the active file is cut at a line', () => truncateSync(filePath(), TWO / 2)],
    [
      'the last closed one is emptied, so is the active one',
      () => [segment(7), filePath()].forEach((file) => truncateSync(file)),
    ],
    ['the last closed one is cut at a line', () => truncateSync(segment(7), TWO / 2)],
    [
      'the last closed one is missing, the active one is empty',
      () => {
        rmSync(segment(7));
        truncateSync(filePath());
      },
    ],
    ['one in the middle is missing', () => rmSync(segment(5))],
  ])('%s', async (_, damage) => {
    await rotated();
    damage();
    const size = existsSync(filePath()) ? statSync(filePath()).size : 0;
    for (const retain of [1, Infinity]) {
      for (let time = 1; time <= 2; time++) {
        expect(await rejectionOf(open({ retain }))).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
        expect(statSync(filePath()).size).toBe(size);
      }
    }
  });
});

test('the record says who the journal is, from rotation to rotation; a list of an earlier version becomes one', async () => {
  await rotated();
  const { id } = record();
  await rotated2();
  expect(record()).toMatchObject({ id, first: 1, active: 11, last: 12, closed: 5 });
  writeFileSync(path('j.segments'), '{"schemaVersion":"1","first":1,"segments":[1,3,5,7,9]}\n');
  const scrivener = await open({ rotation: { maxBytes: TWO } });
  await fill(scrivener, 13, 13);
  await scrivener.close();
  expect(record()).toMatchObject({ first: 1, active: 13, last: 13, closed: 6 });
  async function rotated2() {
    const again = await open({ rotation: { maxBytes: TWO } });
    await fill(again, 11, 12);
    await again.close();
  }
});

test('a journal that was never rotated or moved has no record', async () => {
  const scrivener = await open();
  await fill(scrivener, 1, 3);
  await scrivener.close();
  expect(readdirSync(path()).sort()).toEqual(['j', 'j.lock']);
});

test('the age of the active file is on record, and lasts when the file is copied', async () => {
  const rotation = { maxAgeMs: 3_600_000 };
  let scrivener = await open({ rotation });
  await fill(scrivener, 1, 1);
  await scrivener.close();
  scrivener = await open({ rotation });
  await fill(scrivener, 2, 2);
  await scrivener.close();
  expect(existsSync(segment(1))).toBe(false);
  writeFileSync(path('j.segments'), `${JSON.stringify({ ...record(), begunMs: Date.now() - 3_700_000 })}\n`);
  scrivener = await open({ rotation });
  await fill(scrivener, 3, 3);
  await scrivener.close();
  expect(textOf(segment(1))).toBe(journalText([1, 2]));
});

test.each([undefined, 1])('moved away, then closed: no position is assigned again (retain: %p)', async (retain) => {
  const scrivener = await open(retain === undefined ? {} : { retain });
  await fill(scrivener, 1, 10);
  renameSync(filePath(), path('j.1'));
  expect((await outcomeOf(scrivener.readBackward())).values).toHaveLength(10);
  await scrivener.close();
  const again = await open();
  expect(await again.write(11)).toBe(11);
  await again.close();
  expect(textOf(filePath())).toBe(journalText([11], 11));
});

onLinux('files that are moved away are not held open where nobody reads them', async () => {
  const scrivener = await open();
  for (let n = 1; n <= 30; n++) {
    await fill(scrivener, n, n);
    rmSync(filePath());
  }
  expect(openDescriptors(path()).length).toBeLessThan(5);
  await scrivener.close();
});

test('a broken `.gz` beside a whole segment is no reason to remove that', async () => {
  await rotated();
  const text = textOf(segment(1));
  writeFileSync(`${segment(1)}.gz`, gzipSync(text).subarray(0, 20));
  writeFileSync(`${segment(3)}.gz`, gzipSync(textOf(segment(3))));
  const scrivener = await open({ retain: 2 });
  expect((await outcomeOf(scrivener.readBackward())).values).toHaveLength(10);
  await scrivener.close();
  expect(textOf(segment(1))).toBe(text);
  expect(existsSync(segment(3))).toBe(false);
});

describe.each(['openFileScrivener', 'FileAppendSink'] as const)('under %s', (name) => {
  test.each<[string, () => void, string]>([
    ['appended to', () => appendFileSync(filePath(), '# note\n'), 'appended'],
    ['cut', () => truncateSync(filePath(), TWO / 2), 'cut'],
    ['emptied', () => truncateSync(filePath()), 'cut'],
  ])('a file that somebody else has %s fails the batch, and stays as it is', async (_, change, verb) => {
    const [append, close] = await writer();
    await append(1, 2);
    change();
    const text = textOf(filePath());
    expect(await rejectionOf(append(3))).toMatchObject({
      code: 'ERR_CORRUPT_JOURNAL',
      reason: expect.stringContaining(verb) as string,
    });
    await close().catch(() => undefined);
    expect(textOf(filePath())).toBe(text);
  });

  test.each(['renamed', 'removed'])('a file that is %s is followed by a new one', async (what) => {
    const [append, close] = await writer();
    await append(1, 2);
    if (what === 'renamed') renameSync(filePath(), path('j.1'));
    else rmSync(filePath());
    await append(3, 4);
    await close();
    expect(textOf(filePath())).toBe(journalText([3, 4], 3));
  });

  async function writer(): Promise<[append: (...entries: number[]) => Promise<void>, close: () => Promise<void>]> {
    if (name === 'openFileScrivener') {
      const scrivener = await open();
      const append = async (...entries: number[]) => {
        for (const entry of entries) await scrivener.write(entry);
        await scrivener.flush();
      };
      return [append, () => scrivener.close()];
    }
    let next = 1;
    const sink = new FileAppendSink<number>({ filePath: filePath(), serializer: new JsonEntrySerializer() });
    const append = (...entries: number[]) =>
      sink.append(positioned(entries, (next += entries.length) - entries.length));
    return [append, () => sink.close()];
  }
});

test('reopening does not cut off what somebody else has appended', async () => {
  const scrivener = await open();
  await fill(scrivener, 1, 2);
  appendFileSync(filePath(), '# note\n');
  await scrivener.write(3);
  await rejectionOf(scrivener.flush());
  expect(await rejectionOf(scrivener.reopen())).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
  await scrivener.close().catch(() => undefined);
  expect(textOf(filePath())).toBe(`${journalText([1, 2])}# note\n`);
});

test.each([true, false])(
  'a tool that takes the file away just before it is closed (and makes a new one: %p)',
  async (creates) => {
    const scrivener = await open({ rotation: { maxBytes: TWO } });
    await fill(scrivener, 1, 2);
    rename.mockImplementationOnce(async (from, to) => {
      renameSync(filePath(), path('j.1'));
      if (creates) writeFileSync(filePath(), '');
      await actual.rename(from, to);
    });
    await fill(scrivener, 3, 4);
    await scrivener.close();
    expect(existsSync(segment(1))).toBe(false);
    const again = await open();
    expect(again.recovered).toMatchObject({ entries: 2, lastPosition: 4 });
    await again.close();
  },
);

onLinux('the mode of a journal is that of every file made for it', async () => {
  let scrivener = await open();
  await fill(scrivener, 1, 1);
  await scrivener.close();
  chmodSync(filePath(), 0o600);
  scrivener = await open({ rotation: { maxBytes: 1, compress: 'gzip' } });
  await fill(scrivener, 2, 4);
  await scrivener.close();
  for (const file of readdirSync(path()).filter((name) => name !== 'j.lock')) {
    expect([file, (statSync(path(file)).mode & 0o777).toString(8)]).toEqual([file, '600']);
  }
  const bookmark = new FileBookmarkStore(path('b'));
  await bookmark.save(1);
  chmodSync(path('b'), 0o640);
  await bookmark.save(2);
  expect((statSync(path('b')).mode & 0o777).toString(8)).toBe('640');
});

test.each([
  ['moved away', () => renameSync(filePath(), path('elsewhere')), 8],
  ['emptied', () => truncateSync(filePath()), 8],
  ['cut after a line', () => truncateSync(filePath(), journalText([9], 9).length), 9],
])(
  'entries that a closed journal misses at its end are reported when it is opened, and when it is read: %s',
  async (_, take, last) => {
    await rotated();
    take();
    const reason = `the journal ends with position ${last}, and 10 is on record`;
    expect(await rejectionOf(open())).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', reason });
    const read: number[] = [];
    const reading = readJournal<number>(filePath()).forEach(({ position }) => void read.push(position));
    expect(await rejectionOf(reading)).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', reason });
    expect(read).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  },
);

onLinux('a user who may not read a journal may not read in its lock who holds it', async () => {
  writeFileSync(filePath(), '', { mode: 0o600 });
  const scrivener = await open();
  expect((statSync(path('j.lock')).mode & 0o777).toString(8)).toBe('600');
  await scrivener.close();
});

test('closing leaves what is much to compress to the next opening', async () => {
  const scrivener = await open({ rotation: { maxBytes: 1 } });
  await fill(scrivener, 1, 40);
  await scrivener.close();
  await (await open({ rotation: { maxBytes: 1, compress: 'gzip' } })).close();
  const names = readdirSync(path());
  expect(names.filter((name) => /\d{16}$/.test(name)).length).toBeGreaterThan(20);
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('closing stops what is being compressed, if that is much', async () => {
  writeFileSync(segment(1), journalText(Array.from({ length: 100 }, () => 'x'.repeat(100_000))));
  writeFileSync(filePath(), journalText(['last'], 101));
  const prototype = await fileHandlePrototype(path('probe'));
  const append = prototype.appendFile as (...args: unknown[]) => Promise<void>;
  const scrivener = await openFileScrivener<string>({
    filePath: filePath(),
    retain: 1,
    rotation: { compress: 'gzip' },
  });
  let members = 0;
  let closing: Promise<void> | undefined;
  await new Promise<void>((resolve) => {
    jest.spyOn(prototype as unknown as { appendFile: typeof append }, 'appendFile').mockImplementation(async function (
      this: unknown,
      ...args: unknown[]
    ) {
      if (++members === 3) {
        closing = scrivener.close();
        resolve();
      }
      return append.apply(this, args);
    });
  });
  await closing;
  expect(members).toBeLessThan(6);
  const names = readdirSync(path());
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(names.filter((name) => /^j\.\d{16}$/.test(name))).toEqual(['j.0000000000000001']);
});

test('half a batch that could not be taken back is cut off before the file is closed', async () => {
  const prototype = await fileHandlePrototype(path('probe'));
  const scrivener = await open({ rotation: { maxBytes: TWO }, retry: { count: 3, delay: 1 } });
  await fill(scrivener, 1, 2);
  const full = Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' });
  jest.spyOn(prototype, 'truncate').mockRejectedValueOnce(full);
  const write = prototype.write as (...args: unknown[]) => Promise<unknown>;
  // The file is full when the batch is tried again: its half makes it so.
  jest.spyOn(SegmentRotation.prototype, 'isDue').mockReturnValueOnce(false);
  let calls = 0;
  jest.spyOn(prototype as unknown as { write: typeof write }, 'write').mockImplementation(async function (
    this: unknown,
    ...[data, offset, length, at]: unknown[]
  ) {
    calls++;
    if (calls === 2) throw full;
    return write.call(this, data, offset, calls === 1 ? 7 : length, at);
  });
  await fill(scrivener, 3, 3);
  await scrivener.close();
  jest.restoreAllMocks();
  expect(textOf(segment(1))).toBe(journalText([1, 2]));
  const again = await open();
  expect(again.recovered).toMatchObject({ entries: 3, lastPosition: 3 });
  await again.close();
});

test('what could not be retired is retired after the next rotation', async () => {
  const scrivener = await open({ rotation: { maxBytes: 1, keep: { segments: 2 } } });
  await fill(scrivener, 1, 3);
  let records = 0;
  rename.mockImplementation(async (from, to) => {
    if (String(to).endsWith('.segments') && ++records === 2) throw new Error('EDQUOT: injected');
    await actual.rename(from, to);
  });
  await fill(scrivener, 4, 4);
  expect(readdirSync(path()).filter((name) => /\d{16}$/.test(name))).toHaveLength(3);
  await fill(scrivener, 5, 5);
  expect(readdirSync(path()).filter((name) => /\d{16}$/.test(name))).toHaveLength(2);
  await scrivener.close();
});
