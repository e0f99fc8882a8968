import { appendFileSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { lastEntries } from 'rx-scrivener';
import {
  CorruptJournalError,
  NotSupportedError,
  openFileReader,
  openFileScrivener,
  readJournal,
  type FileReader,
} from 'rx-scrivener/file';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, line, positioned } from '../support/journal-text';
import { rejectionOf, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

const readers: FileReader<unknown>[] = [];
async function openReader(options: { retain?: number } = {}): Promise<FileReader<unknown>> {
  const reader = await openFileReader<unknown>({ filePath: filePath(), ...options });
  readers.push(reader);
  return reader;
}
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
});

/** Entries whose lines are of several lengths, one of them longer than all that is looked at when a position is looked for. */
const COUNT = 20_000;
const MANY = Array.from({ length: COUNT }, (_, n) => ({ n, text: 'x'.repeat(n === 7_000 ? 300_000 : n % 97) }));

async function bytesRead(run: () => Promise<void>): Promise<number> {
  const prototype = await fileHandlePrototype(path('probe'));
  const { read } = prototype as { read: (...args: unknown[]) => Promise<{ bytesRead: number }> };
  let bytes = 0;
  const spy = jest.spyOn(prototype, 'read').mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
    const result = await read.apply(this, args);
    bytes += result.bytesRead;
    return result;
  } as never);
  try {
    await run();
  } finally {
    spy.mockRestore();
  }
  return bytes;
}

describe('a position of a long file', () => {
  beforeEach(() => writeFileSync(filePath(), journalText(MANY)));

  test('is found without reading what lies before it', async () => {
    const bytes = await bytesRead(async () => {
      const reader = await openReader({ retain: 1 });
      expect([reader.first, reader.head]).toEqual([1, COUNT]);
      expect(await lastEntries(reader, 10)).toEqual(positioned(MANY.slice(-10), COUNT - 9));
      const middle = await lastValueFrom(reader.tail(5_000).pipe(take(10), toArray()));
      expect(middle).toEqual(positioned(MANY.slice(5_000, 5_010), 5_001));
      const before = await lastValueFrom(reader.readBackward(5_000).pipe(take(10), toArray()));
      expect(before.reverse()).toEqual(positioned(MANY.slice(4_989, 4_999), 4_990));
    });
    expect(bytes).toBeLessThan(1_000_000); // of 2.2 million
  });

  test('wherever it is', async () => {
    const reader = await openReader({ retain: 1 });
    for (const n of [1, 2, 699, 6_999, 7_000, 7_001, 7_002, 7_003, 12_345, COUNT - 1, COUNT]) {
      expect((await firstValueFrom(reader.tail(n - 1))).position).toBe(n);
      expect(await firstValueFrom(reader.readBackward(n + 1))).toEqual({ position: n, entry: MANY[n - 1] });
    }
  });

  test('by readJournal, too', async () => {
    const bytes = await bytesRead(async () => {
      const end = await lastValueFrom(readJournal(filePath(), { after: COUNT - 3 }).pipe(toArray()));
      expect(end).toEqual(positioned(MANY.slice(-3), COUNT - 2));
    });
    expect(bytes).toBeLessThan(300_000);
  });

  test('all of it, forward and backward', async () => {
    const reader = await openReader({ retain: 1 });
    const forward = await lastValueFrom(reader.tail().pipe(take(COUNT), toArray()));
    expect(forward).toEqual(positioned(MANY));
    expect((await lastValueFrom(reader.readBackward().pipe(toArray()))).reverse()).toEqual(forward);
  });
});

test('a group is never read from its middle', async () => {
  const group = (first: number) => [1, 2, 3].map((n) => line(first + n - 1, 'x'.repeat(30_000)));
  const text = Array.from({ length: 20 }, (_, index) => {
    const [one, two, three] = group(3 * index + 1) as [string, string, string];
    return [one, two].map((line) => line.replace(/\}\n$/, ' }\n')).join('') + three;
  }).join('');
  const torn = group(61)[0]!.replace(/\}\n$/, ' }\n');
  writeFileSync(filePath(), text + torn);
  const reader = await openReader();
  expect(reader.head).toBe(60);
  expect(await lastEntries(reader, 4)).toHaveLength(4);
});

test('live, across rotations of another writer', async () => {
  const writer = await openFileScrivener<number>({
    filePath: filePath(),
    flushThreshold: 1,
    rotation: { maxBytes: 200, compress: 'gzip' },
  });
  const reader = await openReader({ retain: 2 });
  const seen: unknown[] = [];
  reader.tail().subscribe(({ entry }) => seen.push(entry));
  for (let n = 1; n <= 50; n++) {
    await writer.write(n);
    if (n % 10 === 0) await writer.flush();
  }
  await writer.close();
  await until(() => seen.length === 50);
  expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  const again = await openReader({ retain: 1 });
  expect(again.head).toBe(50);
  expect((await lastValueFrom(again.readBackward().pipe(toArray()))).map(({ position }) => position)).toEqual(
    seen.map((_, n) => 50 - n),
  );
});

test('write rejects with NotSupportedError', async () => {
  writeFileSync(filePath(), journalText(['a']));
  const reader = await openReader();
  expect(await rejectionOf(reader.write('b'))).toBeInstanceOf(NotSupportedError);
  expect(reader.head).toBe(1);
});

test('close completes its tails; what others write is seen no more', async () => {
  writeFileSync(filePath(), journalText(['a']));
  const reader = await openReader();
  const tail = lastValueFrom(reader.tail().pipe(toArray()));
  await reader.close();
  expect(await tail).toEqual(positioned(['a']));
  appendFileSync(filePath(), line(2, 'b'));
  expect(reader.head).toBe(1);
});

describe('opening rejects', () => {
  test('for a file that is missing', async () => {
    expect(await rejectionOf(openFileReader({ filePath: filePath() }))).toMatchObject({ code: 'ENOENT' });
  });

  test('for one that is not a journal', async () => {
    writeFileSync(filePath(), 'no journal\n'.repeat(20_000));
    expect(await rejectionOf(openFileReader({ filePath: filePath() }))).toBeInstanceOf(CorruptJournalError);
  });

  test('for an aborted signal, and for wrong options', async () => {
    writeFileSync(filePath(), '');
    const reason = new Error('left');
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(openFileReader({ filePath: filePath(), signal }))).toBe(reason);
    expect(await rejectionOf(openFileReader({ filePath: filePath(), retain: 0 }))).toBeInstanceOf(RangeError);
    const unknown = { filePath: filePath(), follow: true };
    const error = await rejectionOf(openFileReader(unknown));
    expect((error as Error).message).toMatch(/^Expected no option `follow` of `openFileReader`/);
  });
});
