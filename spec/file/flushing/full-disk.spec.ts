import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { JsonEntrySerializer } from 'rx-scrivener';
import {
  CorruptJournalError,
  FileAppendSink,
  FlushAbandonedError,
  openFileScrivener,
  readJournal,
  type FileScrivener,
  type FileScrivenerConfig,
} from 'rx-scrivener/file';
import { useChildren } from '../support/child';
import { endsWhole, matrixEntry, type MatrixEntry } from '../support/matrix-entries';
import { textOf } from '../support/journal-text';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { rejectionOf, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const DISK_BYTES = 256 * 1024;

/** A disk of its own, or why there is none. */
function mountDisk(): { readonly dir: string } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: 'not Linux' };
  if (process.getuid?.() !== 0) return { reason: 'not root' };
  const dir = mkdtempSync(join(tmpdir(), 'rx-scrivener-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir], { stdio: 'pipe' });
    return { dir };
  } catch (error) {
    rmSync(dir, { recursive: true });
    return { reason: String((error as { stderr?: Buffer }).stderr ?? error).trim() };
  }
}

const disk = mountDisk();
const dir = 'dir' in disk ? disk.dir : '';
const onDisk = 'dir' in disk ? describe : describe.skip;
const filler = join(dir, 'filler');
const filePath = join(dir, 'journal.ndjson');
let scriveners: FileScrivener<string>[] = [];

afterEach(async () => {
  // What a failed test has left open takes room, too.
  rmSync(filler, { force: true });
  for (const scrivener of scriveners) await scrivener.close().catch(() => undefined);
  scriveners = [];
  if (dir) expect(openDescriptors(dir)).toEqual([]);
  if (dir) for (const name of readdirSync(dir)) rmSync(join(dir, name));
});
afterAll(() => {
  if (!dir) return;
  execFileSync('umount', ['--lazy', dir]);
  rmSync(dir, { recursive: true });
});

const entry = (n: number) => `${n} ${'ü'.repeat((n * 37) % 700)}`;
type Config = Partial<FileScrivenerConfig<string>>;
async function opened(config: Config = {}): Promise<FileScrivener<string>> {
  const scrivener = await openFileScrivener<string>({ filePath, flushThreshold: 7, ...config });
  scriveners.push(scrivener);
  return scrivener;
}

async function writeThrough(scrivener: FileScrivener<string>, last: number): Promise<void> {
  while (scrivener.head < last) {
    const { head } = scrivener;
    if (head % 5 === 0) await scrivener.writeAll([entry(head + 1), entry(head + 2), entry(head + 3)]);
    else await scrivener.write(entry(head + 1));
  }
}

async function expectWhole(last: number, config: Config = {}): Promise<void> {
  expect(textOf(filePath).replace(/[^\n]$/, '')).toBe(textOf(filePath));
  const scrivener = await opened(config);
  const read: string[] = [];
  scrivener.tail().subscribe((record) => read.push(record.entry));
  expect(scrivener.recovered).toEqual({ entries: last, lastPosition: last, truncatedBytes: 0 });
  expect(read).toEqual(Array.from({ length: last }, (_, index) => entry(index + 1)));
  await scrivener.close();
}

onDisk(`a full disk${'reason' in disk ? ` (skipped: ${disk.reason})` : ''}`, () => {
  /** Leaves so many bytes. */
  const fill = (left: number) => writeFileSync(filler, Buffer.alloc(DISK_BYTES - left));
  const LAST = 120;

  const CONFIGS: [name: string, config: Config][] = [
    ['a journal', {}],
    ['a synced one', { durability: 'disk' }],
    ['a rotated one', { rotation: { maxBytes: 9000 } }],
    ['one with checksums, rotated with each batch', { rotation: { maxBytes: 1 }, checksum: 'crc32' }],
    ['a compressed one', { rotation: { maxBytes: 9000, compress: 'gzip' } }],
  ];

  test.each(CONFIGS)('%s waits for room, and continues', async (_, config) => {
    fill(40_000);
    const scrivener = await opened({ ...config, retry: { delay: 5 } });
    const refused: unknown[] = [];
    scrivener.daemonEvents.tail().subscribe((event) => {
      if (event.entry.type === 'FailureOccurred') refused.push(event.entry.error);
    });
    await writeThrough(scrivener, 10);
    await scrivener.flush();
    await writeThrough(scrivener, LAST);
    await until(() => refused.length > 5 || scrivener.flusher.status === 'Failed');
    expect(refused[0]).toMatchObject({ code: 'ENOSPC' });
    expect(scrivener.flushed).toBeLessThan(LAST);
    rmSync(filler);
    await scrivener.flush();
    expect([scrivener.flusher.status, scrivener.flushed]).toEqual(['Running', scrivener.head]);
    await scrivener.close();
    await expectWhole(scrivener.head, config);
  });

  test.each(CONFIGS)('%s is followed through it: only what lasts is emitted, and all of it', async (_, config) => {
    fill(40_000);
    const scrivener = await opened({ ...config, retry: { delay: 5 } });
    const followed: string[] = [];
    let failure: unknown;
    let early = 0;
    const follower = readJournal<string>(filePath, { follow: true }).subscribe({
      next: ({ position, entry }) => {
        followed.push(entry);
        // In the file, and perhaps not counted yet: never of a batch after it.
        if (position > scrivener.flushed + 7) early++;
      },
      error: (error: unknown) => (failure = error),
    });
    const refused = scrivener.daemonEvents.waitFor(0, (event) => event.type === 'FailureOccurred');
    await writeThrough(scrivener, LAST);
    await refused;
    await new Promise((resolve) => setTimeout(resolve, 600)); // it looks again every 250 ms at the latest
    expect(followed.length).toBe(scrivener.flushed);
    rmSync(filler);
    await scrivener.flush();
    await until(() => followed.length === scrivener.head || failure !== undefined);
    expect(failure).toBeUndefined();
    expect(early).toBe(0);
    expect(followed).toEqual(Array.from({ length: scrivener.head }, (_, index) => entry(index + 1)));
    follower.unsubscribe();
    await scrivener.close();
    await until(() => openDescriptors(dir).length === 0);
  });

  test.each(CONFIGS)('%s gives up, and is reopened', async (_, config) => {
    fill(40_000);
    const scrivener = await opened({ ...config, retry: { count: 2, delay: 1 } });
    await writeThrough(scrivener, 10);
    await scrivener.flush();
    await writeThrough(scrivener, LAST);
    const error = await rejectionOf(scrivener.flush());
    expect(error).toBeInstanceOf(FlushAbandonedError);
    expect(error).toMatchObject({ position: scrivener.flushed + 1, cause: { code: 'ENOSPC' } });
    rmSync(filler);
    await scrivener.reopen();
    await writeThrough(scrivener, LAST + 10);
    await scrivener.close();
    await expectWhole(scrivener.head, config);
  });

  test.each(CONFIGS)('%s fails without retry; the next run continues after what was flushed', async (_, config) => {
    fill(40_000);
    const scrivener = await opened(config);
    await writeThrough(scrivener, 10);
    await scrivener.flush();
    await writeThrough(scrivener, LAST);
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'ENOSPC' });
    const { flushed } = scrivener;
    expect(flushed).toBeGreaterThan(0);
    expect(await rejectionOf(scrivener.close())).toMatchObject({ code: 'ENOSPC' });
    await expectWhole(flushed, config); // the disk is still full
    rmSync(filler);
    const again = await opened(config);
    await again.write(entry(flushed + 1));
    await again.close();
    await expectWhole(flushed + 1, config);
  });

  describe('at the end of the program', () => {
    const child = useChildren();

    test.each([
      ['exit', {}],
      ['naturally', {}],
      ['synchronously', {}],
      ['error', {}],
      ['exit', { durability: 'disk' }],
      ['groups', {}],
      ['groups', { checksum: 'crc32' }],
      ['exit', { rotation: { maxBytes: 1 } }],
      ['synchronously', { rotation: { maxBytes: 1 }, flushThreshold: 1 }],
      ['in-flight', {}],
      ['in-flight', { checksum: 'crc32' }],
      ['failed', {}],
      ['failed', { checksum: 'crc32', rotation: { maxBytes: 1e6 } }],
    ])('%s, with %j: it says on stderr what did not get into the file, which is whole', async (way, config) => {
      const scrivener = await opened(config as Config);
      await writeThrough(scrivener, 3);
      await scrivener.close();
      const before = textOf(filePath);
      expect(() => {
        for (;;) appendFileSync(filler, Buffer.alloc(4096));
      }).toThrow('ENOSPC');
      for (const program of ['end', 'worker']) {
        // More than the page has left in which the file ends.
        const ending = child([program, filePath, `${way} ${JSON.stringify(config)}`], 'TEXT_LENGTH=5000 exec "$@"');
        await ending.ended;
        const complaint = `rx-scrivener: entries did not get into ${filePath}: Error: ENOSPC`;
        expect([program, ending.complained]).toEqual([program, expect.stringContaining(complaint)]);
        expect(textOf(filePath)).toBe(before);
      }
      rmSync(filler);
      const again = await opened(config as Config);
      expect(again.recovered).toEqual({ entries: 3, lastPosition: 3, truncatedBytes: 0 });
      expect(await again.write('vier')).toBe(4);
      await again.close();
    });
  });

  test('a journal cannot be distinguished from a new one when there is no room for its first byte', async () => {
    fill(0);
    const scrivener = await opened();
    await scrivener.write(entry(1));
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ code: 'ENOSPC' });
    expect(statSync(filePath).size).toBe(0);
    rmSync(filler);
    await scrivener.reopen();
    await scrivener.close();
    await expectWhole(1);
  });
});

describe('a device that is always full', () => {
  const path = useTempDir();

  onLinux('is no journal, under whatever name', async () => {
    symlinkSync('/dev/full', path('link'));
    for (const file of ['/dev/full', path('link')]) {
      expect(await rejectionOf(openFileScrivener({ filePath: file }))).toBeInstanceOf(CorruptJournalError);
    }
  });

  onLinux('as a sink beside the file: given up where it began', async () => {
    const sink = new FileAppendSink<string>({ filePath: '/dev/full', serializer: new JsonEntrySerializer() });
    const retry = { count: 2, delay: 1 };
    const scrivener = await openFileScrivener<string>({ filePath: path('journal.ndjson'), sink, retry });
    await scrivener.write('eins');
    expect(await rejectionOf(scrivener.flush())).toMatchObject({ position: 1, cause: { code: 'ENOSPC' } });
    await scrivener.close().catch(() => undefined);
  });
});

describe("a limit on the files' size", () => {
  const path = useTempDir();
  const child = useChildren();
  const CONFIGS: Partial<FileScrivenerConfig<MatrixEntry>>[] = [
    { flushThreshold: 40 },
    { flushThreshold: 1000, flushIntervalMs: 20 },
    { flushThreshold: 40, durability: 'disk', checksum: 'crc32' },
    { flushThreshold: 40, retry: { count: 3 } },
    { flushThreshold: 40, rotation: { maxBytes: 60_000 } },
  ];

  async function expectRead(config: object, flushed: number, exactly: boolean) {
    const text = textOf(path('journal.ndjson'));
    const scrivener = await openFileScrivener<MatrixEntry>({ ...config, filePath: path('journal.ndjson') });
    const { lastPosition, truncatedBytes } = scrivener.recovered;
    expect(lastPosition).toBeGreaterThanOrEqual(flushed);
    expect(endsWhole(lastPosition)).toBe(true);
    if (exactly) expect([lastPosition, truncatedBytes, text === '' || text.endsWith('\n')]).toEqual([flushed, 0, true]);
    let next = 1;
    scrivener
      .tail()
      .subscribe(({ position, entry: read }) => expect([position, read]).toEqual([next, matrixEntry(next++)]));
    expect(next).toBe(lastPosition + 1);
    await scrivener.write(matrixEntry(next));
    await scrivener.close();
  }

  // 100 KiB: the first batches fit, and so does half of the one with an entry of 80 kB behind the first.
  for (const config of CONFIGS) {
    const shown = JSON.stringify(config);
    onLinux(`as an error (${shown}): the batch is taken back, and the next run continues`, async () => {
      const args = ['fill-journal', path('journal.ndjson'), JSON.stringify(config)];
      const writer = child(args, `trap '' XFSZ; ulimit -f 100; exec "$@"`);
      const [code, flushed] = (await writer.says()).split(' ');
      await writer.ended;
      expect(code).toBe('EFBIG');
      expect(Number(flushed)).toBeGreaterThan(1);
      await expectRead(config, Number(flushed), true);
    });

    onLinux(`as a signal that ends the process (${shown}): no half line, no half group`, async () => {
      const args = ['write-with', path('journal.ndjson'), JSON.stringify(config)];
      const writer = child(args, `ulimit -c 0; ulimit -f 100; exec "$@"`);
      const signals = new Promise((resolve) => writer.process.once('close', (_, signal) => resolve(signal)));
      await Promise.race([writer.ended, until(() => writer.said.some((text) => text.startsWith('failed')))]);
      if (writer.process.exitCode === null && writer.process.signalCode === null) await writer.crash();
      expect(Object.keys(constants.signals)).toContain(await signals);
      const flushed = writer.said.map((text) => Number(/^flushed (\d+)$/.exec(text)?.[1] ?? 0));
      await expectRead(config, Math.max(0, ...flushed), false);
    });
  }
});
