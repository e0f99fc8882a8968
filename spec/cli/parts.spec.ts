import { PassThrough, Writable } from 'node:stream';
import { counted } from '../../lib/cli/terminal/wording';
import { describeError } from '../../lib/cli/terminal/describe-error';
import { EntryTypes } from '../../lib/cli/figures/entry-types';
import { LineWriter } from '../../lib/cli/terminal/line-writer';
import { showProgress } from '../../lib/cli/terminal/progress';
import { Ring } from '../../lib/cli/reading/ring';
import { Sizes } from '../../lib/cli/figures/sizes';

test.each([
  [0, []],
  [1, [7]],
  [3, [5, 6, 7]],
  [7, [1, 2, 3, 4, 5, 6, 7]],
  [9, [1, 2, 3, 4, 5, 6, 7]],
])('the last %i of seven', (capacity, last) => {
  const ring = new Ring<number>(capacity);
  for (let n = 1; n <= 7; n++) ring.push(n);
  expect([...ring]).toEqual(last);
});

test('a size is counted up to its power of two', () => {
  const sizes = new Sizes();
  expect(sizes.chart()).toEqual([]);
  for (const bytes of [64, 65, 128, 129, 3 * 1024 * 1024]) sizes.add(bytes);
  const counts = sizes.buckets.filter(({ entries }) => entries > 0);
  expect(counts).toEqual([
    { upToBytes: 64, entries: 1 },
    { upToBytes: 128, entries: 2 },
    { upToBytes: 256, entries: 1 },
    { upToBytes: 4 * 1024 * 1024, entries: 1 },
  ]);
  expect(sizes.buckets[0]).toEqual(counts[0]);
  expect(sizes.chart().at(-1)).toMatch(/ ≤64 {2}≤128 {2}≤256 .* ≤1K .* ≤4M$/);
});

test('a field that only looks like a type does not fill the memory', () => {
  const types = new EntryTypes();
  for (let n = 0; n < 10_005; n++) types.add({ type: `t${n}` });
  types.add({ type: 't0' });
  expect(types.top(1)).toEqual({ types: [{ type: 't0', entries: 2 }], others: 10_004, untyped: 0 });
});

describe('LineWriter', () => {
  test('writes many lines at once, and the last when there is nothing else to do', async () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _, done) {
        written.push(chunk.toString());
        done();
      },
    });
    const writer = new LineWriter(stream);
    for (const text of ['a', 'b', 'c']) expect(writer.write(text)).toBeUndefined();
    expect(written).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toEqual(['a\nb\nc\n']);
    await writer.flush();
    expect(written).toEqual(['a\nb\nc\n']);
  });

  test('waits for a stream that is full', async () => {
    const stream = new PassThrough({ highWaterMark: 10 });
    let taken = false;
    const full = new LineWriter(stream).write('x'.repeat(100_000))?.then(() => (taken = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBe(false);
    stream.resume();
    await full;
    expect(taken).toBe(true);
  });
});

describe('progress', () => {
  const shownOn = (isTTY: boolean, bytes: number) => {
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
    const progress = showProgress('Reading a\u001b[2Jb', bytes, stream);
    progress.update(bytes / 2);
    progress.stop();
    return String((stream.read() as Buffer | null) ?? '');
  };
  const MB = 1024 * 1024;

  test('is shown on a terminal, where there is much to do', () => {
    expect(shownOn(true, 100 * MB)).toMatch(/Reading a\\u001b\[2Jb .*50%/);
  });

  test('is not shown elsewhere', () => {
    expect(shownOn(false, 100 * MB)).toBe('');
    expect(shownOn(true, MB)).toBe('');
  });
});

test('counted', () => {
  expect([counted(0, 'line'), counted(1, 'entry'), counted(2, 'entry'), counted(2, 'byte')]).toEqual([
    '0 lines',
    '1 entry',
    '2 entries',
    '2 bytes',
  ]);
});

test('an error is reported in one line, whatever it is', () => {
  const system = (message: string, path?: string) =>
    describeError(Object.assign(new Error(message), { code: message.split(':')[0], path }), 'talk');
  expect(system("EACCES: permission denied, open '/a'", '/a')).toBe('/a: permission denied');
  expect(system('ENOSPC: no space left on device, write')).toBe('talk: no space left on device');
  expect(describeError(new Error('of another kind'), 'talk')).toBe('of another kind');
  expect(describeError('thrown', 'talk')).toBe('talk: thrown');
});
