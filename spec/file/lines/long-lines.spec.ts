import {
  appendFileSync,
  closeSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { take } from 'rxjs';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { blocksOf, MAX_LINE_BYTES, type Block } from '../../../lib/file/disk/read-blocks';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, line, positioned, textOf } from '../support/journal-text';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const MB = 2 ** 20;
const GB = 2 ** 30;

/** How much more memory buffers take at most while something is done. */
async function peakOf(work: () => Promise<void>): Promise<number> {
  const base = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers - base)), 5);
  await work();
  clearInterval(timer);
  return peak;
}

/** Runs work and tells how often a file was read. */
async function readsOf(work: () => Promise<void>): Promise<number> {
  const read = jest.spyOn(await fileHandlePrototype(path('probe')), 'read');
  await work();
  const { calls } = read.mock;
  read.mockRestore();
  return calls.length;
}

afterEach(() => jest.restoreAllMocks());

describe('zeros at the end, more than a buffer can hold', () => {
  test.each([
    ['after whole lines', ''],
    ['after the beginning of one', '{"schemaVersion":"1","position":3,"ent'],
    ['after a whole line without its newline', line(3, 'c').trimEnd()],
  ])('are passed over %s, and cut off', async (_, end) => {
    const text = journalText(['a', 'b']) + end;
    const isWhole = end.endsWith('}');
    const entries = isWhole ? ['a', 'b', 'c'] : ['a', 'b'];
    writeFileSync(filePath(), text);
    truncateSync(filePath(), text.length + 2.25 * GB);
    const peak = await peakOf(async () => {
      expect(await outcomeOf(readJournal(filePath()))).toEqual({ values: positioned(entries) });
      const progress: number[] = [];
      const onProgress = ({ bytes }: { bytes: number }) => progress.push(bytes);
      const scrivener = await openFileScrivener({ filePath: filePath(), onProgress });
      expect(scrivener.recovered.truncatedBytes).toBe(2.25 * GB + (isWhole ? 0 : end.length));
      expect(progress.at(-1)).toBe(text.length + 2.25 * GB);
      await scrivener.write('next');
      await scrivener.close();
    });
    expect(peak).toBeLessThan(32 * MB);
    expect(textOf(filePath())).toBe(journalText([...entries, 'next']));
  });

  test('are damage where anything follows them', async () => {
    for (const end of [line(3, 'c'), 'x', '\n']) {
      writeFileSync(filePath(), journalText(['a', 'b']));
      truncateSync(filePath(), 100 * MB);
      appendFileSync(filePath(), end);
      const expected = { code: 'ERR_CORRUPT_JOURNAL', line: 3, byteOffset: journalText(['a', 'b']).length };
      expect(await rejectionOf(openFileScrivener({ filePath: filePath() }))).toMatchObject(expected);
      const { values, error } = await outcomeOf(readJournal(filePath()));
      expect(values).toEqual(positioned(['a', 'b']));
      expect(error).toMatchObject(expected);
      expect(statSync(filePath()).size).toBe(100 * MB + end.length);
    }
  });
});

describe('a file without newlines that is not a journal', () => {
  test.each<[string, (size: number) => Buffer | string]>([
    ['binary', (size) => Buffer.from(randomBytes(size).map((byte) => (byte === 10 ? 0 : byte)))],
    ['text', (size) => 'x'.repeat(size)],
    ['binary that begins as an object', (size) => Buffer.concat([Buffer.from(' {"a":'), Buffer.alloc(size, 1)])],
  ])('is told from its first bytes (%s): not read on, not changed', async (_, make) => {
    writeFileSync(filePath(), make(3 * MB));
    const file = openSync(filePath(), 'a');
    truncateSync(filePath(), 2.25 * GB);
    writeSync(file, 'end');
    closeSync(file);
    const { size } = statSync(filePath());
    const reads = await readsOf(async () => {
      const expected = { code: 'ERR_CORRUPT_JOURNAL', line: 1, byteOffset: 0, reason: 'it is no line of a journal' };
      expect(await rejectionOf(openFileScrivener({ filePath: filePath() }))).toMatchObject(expected);
      expect((await outcomeOf(readJournal(filePath()))).error).toMatchObject(expected);
    });
    expect(reads).toBeLessThan(6);
    expect(statSync(filePath()).size).toBe(size);
  });

  test('also where it is compressed: not unpacked on', async () => {
    const scrivener = await openFileScrivener({ filePath: filePath(), rotation: { maxBytes: 1 } });
    await scrivener.write('a');
    await scrivener.flush();
    await scrivener.write('b');
    await scrivener.close();
    const closed = path(readdirSync(path()).find((name) => /\.\d+$/.test(name))!);
    const members = gzipSync('x'.repeat(64 * MB));
    writeFileSync(`${closed}.gz`, Buffer.concat(Array.from({ length: 16 }, () => members)));
    rmSync(closed);
    const peak = await peakOf(async () => {
      const { error } = await outcomeOf(readJournal(filePath()));
      expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', reason: 'it is no line of a journal' });
    });
    expect(peak).toBeLessThan(64 * MB);
  });
});

describe('a long line', () => {
  const entry = Array.from({ length: 3_000_000 }, (_, index) => `ü${index}`).join('');

  test.each([
    ['plain', false],
    ['compressed', true],
  ])('of %s bytes is read, and put together once', async (_, compress) => {
    const entries = ['a', entry, 'c', 'd'];
    const rotation = { maxBytes: MB, ...(compress && { compress: 'gzip' as const }) };
    const scrivener = await openFileScrivener({ filePath: filePath(), rotation, flushThreshold: 3 });
    for (const one of entries) await scrivener.write(one);
    await scrivener.close();
    const concat = jest.spyOn(Buffer, 'concat');
    expect((await outcomeOf(readJournal(filePath()))).values).toEqual(positioned(entries));
    const joined = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    expect(joined).toBeLessThan(2 * Buffer.byteLength(entry));
    concat.mockRestore();
    const again = await openFileScrivener({ filePath: filePath(), rotation, retain: 1 });
    expect((await outcomeOf(again.tail(1, { signal: AbortSignal.timeout(20_000) }).pipe(take(2)))).values).toEqual(
      positioned(entries).slice(1, 3),
    );
    await again.close();
  });

  /** Blocks of a line that is as long as a text can be, and longer by so many bytes. */
  async function blocksOfLong(more: number, end: string): Promise<Block[]> {
    const chunk = Buffer.alloc(MB, 'a');
    async function* chunks() {
      yield Buffer.from('first\n');
      for (let left = MAX_LINE_BYTES + more; left > 0; left -= MB) yield chunk.subarray(0, Math.min(left, MB));
      yield Buffer.from(end);
    }
    const blocks: Block[] = [];
    for await (const block of blocksOf(chunks()))
      blocks.push(
        block.bytes.length > MB
          ? { ...block, bytes: Buffer.from('long') }
          : { ...block, bytes: Buffer.from(block.bytes) },
      );
    return blocks;
  }

  test('that is longer than a text can be is refused, and passed over', async () => {
    const [first, long, rest, ...none] = await blocksOfLong(1, '\nnext\nto');
    expect(first).toMatchObject({ bytes: Buffer.from('first\n'), byteOffset: 0, whole: true });
    expect(long).toMatchObject({
      byteOffset: 6,
      whole: false,
      reason: `its line is longer than ${MAX_LINE_BYTES} bytes`,
    });
    expect(rest).toMatchObject({ bytes: Buffer.from('next\n'), byteOffset: 6 + MAX_LINE_BYTES + 2, whole: true });
    expect(none).toMatchObject([{ bytes: Buffer.from('to'), whole: false }]);
  });

  test('that is refused may be the last', async () => {
    const [, long, rest, ...none] = await blocksOfLong(MB, '');
    expect(long).toMatchObject({ byteOffset: 6, whole: false, reason: expect.any(String) as unknown });
    expect(rest).toEqual({ bytes: Buffer.alloc(0), byteOffset: 6 + MAX_LINE_BYTES + MB, whole: false });
    expect(none).toEqual([]);
  });
});
