import { writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener } from 'rx-scrivener/file';
import { AppendFile } from '../../../lib/file/store/append-file';
import { useChildren } from '../support/child';
import { fileHandlePrototype } from '../support/file-handle';
import { bytesOf, journalText, latin1, line, positioned, textOf } from '../support/journal-text';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { readJournal } from 'rx-scrivener/file';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

let prototype: FileHandle;
beforeEach(async () => {
  prototype = await fileHandlePrototype(path('probe'));
});
afterEach(() => jest.restoreAllMocks());

type Write = (
  this: FileHandle,
  data: Buffer,
  offset: number,
  length: number,
  at: null,
) => Promise<{ bytesWritten: number; buffer: Buffer }>;

/** Replaces FileHandle.write; `real` is what it was, taking no more than it is told. */
function onWrite(
  write: (real: (bytes: number) => ReturnType<Write>, length: number, call: number) => ReturnType<Write>,
) {
  const original = prototype.write as unknown as Write;
  let call = 0;
  return jest.spyOn(prototype as unknown as { write: Write }, 'write').mockImplementation(function (
    this: FileHandle,
    data,
    offset,
    length,
    at,
  ) {
    return write((bytes) => original.call(this, data, offset, Math.min(bytes, length), at), length, ++call);
  });
}

function failTruncate(error: Error) {
  return jest.spyOn(prototype, 'truncate').mockRejectedValue(error);
}

const newSink = (durability?: 'os' | 'disk') =>
  new FileAppendSink<string>({ filePath: filePath(), serializer: new JsonEntrySerializer(), durability });

const ENTRIES = ['eins', 'zwölf 🙂', 'drei', 'vier', 'fünf'];
const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

describe('short writes are continued', () => {
  test.each([1, 2, 3, 7, 50, 51, 100])('%i bytes at a time', async (bytes) => {
    const writes = onWrite((real) => real(bytes));
    const sink = newSink();
    await sink.append(positioned(ENTRIES.slice(0, 3)));
    await sink.append(positioned(ENTRIES.slice(3), 4));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(ENTRIES));
    const length = Buffer.byteLength(journalText(ENTRIES));
    expect(writes.mock.calls.length).toBeGreaterThanOrEqual(Math.ceil(length / bytes));
  });

  test('of any sizes, in a scrivener', async () => {
    onWrite((real, length, call) => real(1 + ((call * 7919) % length)));
    const scrivener = await openFileScrivener<string>({ filePath: filePath(), flushThreshold: 2 });
    for (const entry of ENTRIES) await scrivener.write(entry);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(ENTRIES));
  });

  test('a write that takes nothing is a failure, not a loop', async () => {
    onWrite((real, _, call) => real(call === 3 ? 0 : 10));
    const sink = newSink();
    expect(await rejectionOf(sink.append(positioned(ENTRIES)))).toBeInstanceOf(Error);
    expect(textOf(filePath())).toBe('');
    await sink.append(positioned(ENTRIES));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(ENTRIES));
  });
});

describe('a failed write leaves nothing of its batch', () => {
  test('in the middle of it: the next is not glued to half a line', async () => {
    const sink = newSink();
    await sink.append(positioned(ENTRIES.slice(0, 2)));
    const before = textOf(filePath());
    const whole = Buffer.byteLength(journalText(ENTRIES.slice(2), 3));
    for (let bytes = 0; bytes < whole; bytes++) {
      const writes = onWrite(async (real, _, call) => {
        if (call > 1) throw noSpace;
        if (bytes === 0) throw noSpace;
        return real(bytes);
      });
      expect(await rejectionOf(sink.append(positioned(ENTRIES.slice(2), 3)))).toBe(noSpace);
      expect(textOf(filePath())).toBe(before);
      writes.mockRestore();
    }
    await sink.append(positioned(ENTRIES.slice(2), 3));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(ENTRIES));
  });

  test('on an existing file it is cut back to what that held', async () => {
    writeFileSync(filePath(), journalText(ENTRIES.slice(0, 2)));
    const sink = newSink();
    onWrite(async (real, _, call) => (call > 2 ? Promise.reject(noSpace) : real(30)));
    expect(await rejectionOf(sink.append(positioned(ENTRIES.slice(2), 3)))).toBe(noSpace);
    expect(textOf(filePath())).toBe(journalText(ENTRIES.slice(0, 2)));
    jest.restoreAllMocks();
    await sink.append(positioned(ENTRIES.slice(2), 3));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(ENTRIES));
  });

  test('on a file that was recovered it is cut back to what was kept', async () => {
    writeFileSync(filePath(), journalText(ENTRIES.slice(0, 2)) + line(3, 'drei').slice(0, 20));
    const sink = newSink();
    await sink.append([]);
    onWrite(async (real, _, call) => (call > 1 ? Promise.reject(noSpace) : real(30)));
    expect(await rejectionOf(sink.append(positioned(['drei'], 3)))).toBe(noSpace);
    expect(textOf(filePath())).toBe(journalText(ENTRIES.slice(0, 2)));
    await sink.close();
  });

  test('on a file whose last line got its newline it is cut back to the place after that', async () => {
    writeFileSync(filePath(), journalText(ENTRIES.slice(0, 2)).trimEnd() + '\0\0');
    const sink = newSink();
    await sink.append([]);
    onWrite(async (real, _, call) => (call > 1 ? Promise.reject(noSpace) : real(30)));
    expect(await rejectionOf(sink.append(positioned(['drei'], 3)))).toBe(noSpace);
    expect(textOf(filePath())).toBe(journalText(ENTRIES.slice(0, 2)));
    await sink.close();
  });

  test('of several pieces all are taken back', async () => {
    const long = 'ü'.repeat(700_000);
    const sink = newSink();
    await sink.append(positioned(['eins']));
    const writes = onWrite(async (real, length, call) => (call === 2 ? Promise.reject(noSpace) : real(length)));
    expect(await rejectionOf(sink.append(positioned([long, long, long, long], 2)))).toBe(noSpace);
    expect(writes.mock.calls.length).toBe(2);
    expect(textOf(filePath())).toBe(journalText(['eins']));
    jest.restoreAllMocks();
    await sink.append(positioned(['zwei'], 2));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(['eins', 'zwei']));
  });

  test('what cannot be taken back makes the sink refuse everything that comes, until it can', async () => {
    const sink = newSink();
    await sink.append(positioned(['eins']));
    onWrite(async (real, _, call) => (call > 1 ? Promise.reject(noSpace) : real(20)));
    failTruncate(new Error('EIO'));
    expect(await rejectionOf(sink.append(positioned(['zwei'], 2)))).toBe(noSpace);
    const half = bytesOf(filePath());
    expect(half).toBe(latin1(journalText(['eins']) + line(2, 'zwei').slice(0, 20)));
    for (let i = 0; i < 3; i++) expect(await rejectionOf(sink.append(positioned(['zwei'], 2)))).toBe(noSpace);
    expect(bytesOf(filePath())).toBe(half);
    jest.restoreAllMocks();
    await sink.append(positioned(['zwei'], 2));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(['eins', 'zwei']));
  });

  test('in a scrivener: the flusher fails, the file ends with the last whole batch, close tells and frees the lock', async () => {
    const scrivener = await openFileScrivener<string>({
      filePath: filePath(),
      flushThreshold: 2,
      flushIntervalMs: Infinity,
    });
    await scrivener.write('eins');
    await scrivener.write('zwei');
    await scrivener.whenFlushed(2);
    const writes = onWrite(async (real, _, call) => (call > 1 ? Promise.reject(noSpace) : real(60)));
    for (const entry of ['drei', 'vier', 'fünf', 'sechs']) await scrivener.write(entry);
    expect(await scrivener.flusher.waitForFailure()).toBe(noSpace);
    writes.mockRestore(); // there is room again, but the order is broken
    await scrivener.write('sieben');
    expect(await rejectionOf(scrivener.flush())).toBe(noSpace);
    expect(await rejectionOf(scrivener.close())).toBe(noSpace);
    expect([scrivener.head, scrivener.flushed]).toEqual([7, 2]);
    expect(textOf(filePath())).toBe(journalText(['eins', 'zwei']));
    const again = await openFileScrivener<string>({ filePath: filePath() });
    expect(await again.write('drei')).toBe(3);
    await again.close();
    expect(textOf(filePath())).toBe(journalText(['eins', 'zwei', 'drei']));
  });
});

describe('durability', () => {
  test.each(['os', undefined] as const)('%p: nothing is synced', async (durability) => {
    const datasync = jest.spyOn(prototype, 'datasync');
    const sync = jest.spyOn(prototype, 'sync');
    const scrivener = await openFileScrivener<string>({ filePath: filePath(), durability });
    await scrivener.write('eins');
    await scrivener.close();
    expect(datasync).not.toHaveBeenCalled();
    expect(sync).not.toHaveBeenCalled();
  });

  test('disk: each batch is synced after its bytes and before it counts, and what waits meanwhile goes out as one', async () => {
    const order: string[] = [];
    const original = prototype.datasync;
    jest.spyOn(prototype, 'datasync').mockImplementation(async function (this: FileHandle) {
      order.push(`sync ${textOf(filePath()).split('\n').length - 1}`);
      await original.call(this);
      order.push('synced');
    });
    const scrivener = await openFileScrivener<string>({
      filePath: filePath(),
      durability: 'disk',
      flushThreshold: 2,
      flushIntervalMs: Infinity,
    });
    scrivener.flushed$.subscribe((position) => order.push(`flushed ${position}`));
    for (const entry of ENTRIES.slice(0, 2)) await scrivener.write(entry);
    await scrivener.whenFlushed(2);
    for (const entry of ENTRIES.slice(2)) await scrivener.write(entry);
    await scrivener.close();
    expect(order).toEqual(['flushed 0', ...['sync 2', 'synced', 'flushed 2'], ...['sync 5', 'synced', 'flushed 5']]);
  });

  test('disk: a sync that fails is a write that failed', async () => {
    const error = Object.assign(new Error('EIO'), { code: 'EIO' });
    const sink = newSink('disk');
    await sink.append(positioned(['eins']));
    jest.spyOn(prototype, 'datasync').mockRejectedValueOnce(error);
    expect(await rejectionOf(sink.append(positioned(['zwei'], 2)))).toBe(error);
    expect(textOf(filePath())).toBe(journalText(['eins']));
    await sink.append(positioned(['zwei'], 2));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(['eins', 'zwei']));
  });
});

describe('faults while opening', () => {
  const io = Object.assign(new Error('EIO'), { code: 'EIO' });

  test.each<[name: string, bytes: string, method: 'read' | 'truncate' | 'write']>([
    ['reading', journalText(['eins']), 'read'],
    ['cutting off', journalText(['eins']) + '{"sch', 'truncate'],
    ['the missing newline', journalText(['eins']).trimEnd(), 'write'],
  ])('%s: the error, nothing held, and the next open succeeds', async (_, bytes, method) => {
    writeFileSync(filePath(), bytes);
    jest.spyOn(prototype, method as 'sync').mockRejectedValueOnce(io);
    expect(await rejectionOf(openFileScrivener({ filePath: filePath() }))).toBe(io);
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
    expect(textOf(filePath())).toBe(bytes);
    jest.restoreAllMocks();
    const scrivener = await openFileScrivener({ filePath: filePath() });
    expect(scrivener.head).toBe(1);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['eins']));
  });

  test('of a sink: the next append opens again', async () => {
    writeFileSync(filePath(), journalText(['eins']));
    const sink = newSink();
    jest.spyOn(prototype, 'read').mockRejectedValueOnce(io);
    expect(await rejectionOf(sink.append(positioned(['zwei'], 2)))).toBe(io);
    await sink.append(positioned(['zwei'], 2));
    await sink.close();
    expect(textOf(filePath())).toBe(journalText(['eins', 'zwei']));
  });

  test('while reading: the error, after the entries before it', async () => {
    writeFileSync(filePath(), journalText(['eins', 'zwei']));
    const original = prototype.read as (this: FileHandle, ...args: unknown[]) => Promise<unknown>;
    let call = 0;
    jest.spyOn(prototype as unknown as { read: typeof original }, 'read').mockImplementation(function (
      this: FileHandle,
      ...args
    ) {
      return ++call > 1 ? Promise.reject(io) : original.apply(this, args);
    });
    expect(await outcomeOf(readJournal(filePath()))).toEqual({ values: positioned(['eins', 'zwei']), error: io });
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test.each([1, 2, 3, 7, 50])('short reads are continued, whatever they cut (%i bytes)', async (bytes) => {
    const text = journalText(ENTRIES);
    writeFileSync(filePath(), text);
    type Read = (this: FileHandle, buffer: Buffer, offset: number, length: number, at: number) => Promise<unknown>;
    const original = prototype.read as Read;
    jest.spyOn(prototype as unknown as { read: Read }, 'read').mockImplementation(function (
      this: FileHandle,
      buffer,
      offset,
      length,
      at,
    ) {
      return original.call(this, buffer, offset, Math.min(length, bytes), at);
    });
    expect(await outcomeOf(readJournal(filePath()))).toEqual({ values: positioned(ENTRIES) });
    const scrivener = await openFileScrivener({ filePath: filePath() });
    expect(scrivener.recovered).toEqual({ entries: 5, lastPosition: 5, truncatedBytes: 0 });
    await scrivener.close();
    expect(textOf(filePath())).toBe(text);
  });
});

describe('for real', () => {
  const child = useChildren();

  onLinux('a device without room: nothing can be taken back, everything after is refused', async () => {
    const file = await AppendFile.open('/dev/full', 'os');
    const error = await rejectionOf(file.append([Buffer.from('x\n')]));
    expect(error).toMatchObject({ code: 'ENOSPC' });
    const write = jest.spyOn(prototype, 'write');
    expect(await rejectionOf(file.append([Buffer.from('y\n')]))).toBe(error);
    expect(write).not.toHaveBeenCalled();
    await file.close();
  });

  onLinux('a sink on a device does not try to read it', async () => {
    const full = new FileAppendSink<string>({ filePath: '/dev/full', serializer: new JsonEntrySerializer() });
    expect(await rejectionOf(full.append(positioned(['a'])))).toMatchObject({ code: 'ENOSPC' });
    await full.close();
    const nowhere = new FileAppendSink<string>({ filePath: '/dev/null', serializer: new JsonEntrySerializer() });
    await nowhere.append(positioned(['a']));
    await nowhere.append(positioned(['b'], 2));
    await nowhere.close();
  });

  onLinux("a limit on the file's size: a short write, then an error, then room for less", async () => {
    const writer = child(['fill', filePath()], `trap '' XFSZ; ulimit -f 4; exec "$@"`);
    // 4096 bytes hold 77 lines and a piece; 70 of them in whole batches of ten.
    expect(await writer.says()).toBe('EFBIG 70 one more');
    await writer.ended;
    expect(textOf(filePath())).toBe(journalText(Array.from({ length: 71 }, (_, n) => ({ n: n + 1 }))));
  });
});
