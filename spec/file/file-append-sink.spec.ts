import { existsSync, writeFileSync } from 'node:fs';
import {
  FlusherDaemon,
  InMemoryScrivener,
  JsonEntrySerializer,
  PositionConflictError,
  SerializationError,
} from 'rx-scrivener';
import { CorruptJournalError, FileAppendSink, readJournal } from 'rx-scrivener/file';
import { fileHandlePrototype } from './support/file-handle';
import { bytesOf, journalText, latin1, line, positioned, textOf } from './support/journal-text';
import { onLinux, openDescriptors } from './support/open-descriptors';
import { outcomeOf, rejectionOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

let sink: FileAppendSink<unknown>;
beforeEach(() => {
  sink = new FileAppendSink<unknown>({ filePath: filePath(), serializer: new JsonEntrySerializer() });
});
afterEach(() => sink.close());

describe('what a snapshot has to continue', () => {
  test('nothing: position 1', async () => {
    await sink.append(positioned(['a', 'b']));
    await sink.append(positioned(['c'], 3));
    expect(textOf(filePath())).toBe(journalText(['a', 'b', 'c']));
  });

  test('an existing file: what that ends with, from the first append on', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const conflict = await rejectionOf(sink.append(positioned(['x'])));
    expect(conflict).toBeInstanceOf(PositionConflictError);
    expect(conflict).toMatchObject({ code: 'ERR_POSITION_CONFLICT', expected: 0, actual: 2 });
    expect(textOf(filePath())).toBe(journalText(['a', 'b']));
    await sink.append(positioned(['c'], 3));
    expect(textOf(filePath())).toBe(journalText(['a', 'b', 'c']));
  });

  test('a torn file: what is left of it', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']) + line(3, 'ü').slice(0, 30));
    await sink.append(positioned(['c'], 3));
    expect(textOf(filePath())).toBe(journalText(['a', 'b', 'c']));
  });

  test('a file whose last line has no newline: that line', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']).trimEnd());
    expect(await rejectionOf(sink.append(positioned(['x'], 2)))).toMatchObject({ expected: 1, actual: 2 });
    await sink.append(positioned(['c'], 3));
    expect(textOf(filePath())).toBe(journalText(['a', 'b', 'c']));
  });

  test.each<[name: string, positions: number[], expected: number, actual: number]>([
    ['an earlier one', [1], 0, 3],
    ['the same again', [3], 2, 3],
    ['a later one', [5], 4, 3],
    ['a gap inside', [4, 6], 5, 4],
    ['a duplicate inside', [4, 4], 3, 4],
    ['descending', [4, 3], 2, 4],
    ['a gap at the end', [4, 5, 6, 8], 7, 6],
  ])('%s is refused whole', async (_, positions, expected, actual) => {
    await sink.append(positioned(['a', 'b', 'c']));
    const snapshot = positions.map((position) => ({ position, entry: 'x' }));
    expect(await rejectionOf(sink.append(snapshot))).toMatchObject({ name: 'PositionConflictError', expected, actual });
    expect(
      await rejectionOf(
        sink.append(
          snapshot,
          snapshot.map(() => 'x'),
        ),
      ),
    ).toMatchObject({ expected, actual });
    expect(textOf(filePath())).toBe(journalText(['a', 'b', 'c']));
    await sink.append(positioned(['d'], 4));
    expect(textOf(filePath())).toBe(journalText(['a', 'b', 'c', 'd']));
  });

  test('a damaged file nothing can continue, and it stays as it is', async () => {
    for (const bytes of ['x', journalText(['a']) + 'x\n', journalText(['a']) + journalText(['a']), '\uFEFF']) {
      writeFileSync(filePath(), bytes);
      for (let i = 0; i < 2; i++) {
        const error = await rejectionOf(sink.append(positioned(['b'], 2)));
        expect(error).toBeInstanceOf(CorruptJournalError);
        expect(error).toMatchObject({ filePath: filePath() });
      }
      expect(bytesOf(filePath())).toBe(latin1(bytes));
    }
    // Repaired, it can.
    writeFileSync(filePath(), journalText(['a']));
    await sink.append(positioned(['b'], 2));
    expect(textOf(filePath())).toBe(journalText(['a', 'b']));
  });
});

describe('append', () => {
  test('of nothing', async () => {
    await sink.append([]);
    await sink.append([], []);
    expect(textOf(filePath())).toBe('');
  });

  test('writes the lines it is given, without serializing again', async () => {
    const serialize = jest.fn(() => 'never');
    const own = new FileAppendSink<unknown>({
      filePath: filePath(),
      serializer: Object.assign(new JsonEntrySerializer(), { serialize }),
    });
    await own.append(positioned(['ignored', 'ignored']), [line(1, 'ü').trimEnd(), line(2, 'b').trimEnd()]);
    await own.close();
    expect(serialize).not.toHaveBeenCalled();
    expect(textOf(filePath())).toBe(journalText(['ü', 'b']));
  });

  test('at the same time: in the order of the calls', async () => {
    const appends = Array.from({ length: 50 }, (_, n) => sink.append(positioned([n], n + 1)));
    await Promise.all(appends);
    expect(textOf(filePath())).toBe(journalText(Array.from({ length: 50 }, (_, n) => n)));
  });

  test('at the same time, one of them refused: it harms no other', async () => {
    const results = await Promise.allSettled([
      sink.append(positioned(['a'])),
      sink.append(positioned(['x'], 3)),
      sink.append(positioned([1n], 2)),
      sink.append(positioned(['b'], 2)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(textOf(filePath())).toBe(journalText(['a', 'b']));
  });

  test.each<[string, unknown]>([
    ['a bigint', 1n],
    ['undefined', undefined],
  ])('of an entry that cannot be a line (%s): the whole snapshot is refused', async (_, bad) => {
    expect(await rejectionOf(sink.append(positioned(['a', bad, 'c'])))).toBeInstanceOf(SerializationError);
    expect(textOf(filePath())).toBe('');
    await sink.append(positioned(['a']));
    expect(textOf(filePath())).toBe(journalText(['a']));
  });

  test('of a line with a newline in it is refused', async () => {
    const own = new FileAppendSink<unknown>({
      filePath: filePath(),
      serializer: Object.assign(new JsonEntrySerializer(), { serialize: () => 'a\nb' }),
    });
    expect(await rejectionOf(own.append(positioned(['a'])))).toBeInstanceOf(SerializationError);
    await own.close();
    expect(textOf(filePath())).toBe('');
  });

  test('of more than goes at a time: the bytes are exact', async () => {
    const entries = Array.from({ length: 60_000 }, (_, n) => ({ n, text: 'übermäßig 日本語 🙂' }));
    const text = journalText(entries);
    expect(text.length).toBeGreaterThan(3 * 1024 * 1024);
    const writes = jest.spyOn(await fileHandlePrototype(path('probe')), 'write');
    await sink.append(positioned(entries));
    expect(writes.mock.calls.length).toBeLessThan(20); // joined, not line by line
    writes.mockRestore();
    expect(textOf(filePath()) === text).toBe(true);
    await sink.append(positioned(['behind'], 60_001));
    expect(textOf(filePath()) === text + line(60_001, 'behind')).toBe(true);
  });

  test.each([1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1])('of lines whose lengths add up to %i', async (length) => {
    const rest = length - line(1, '').length - line(2, '').length;
    const entries = ['x'.repeat(1000), 'y'.repeat(rest - 1000), 'z', 'é'.repeat(length), ''];
    await sink.append(positioned(entries));
    expect(textOf(filePath()) === journalText(entries)).toBe(true);
    await sink.append(positioned(entries, 6));
    expect(textOf(filePath()) === journalText([...entries, ...entries])).toBe(true);
  });

  test('creates the file and its directories', async () => {
    expect(existsSync(filePath())).toBe(false);
    await sink.append([]);
    expect(existsSync(filePath())).toBe(true);
    const other = new FileAppendSink({ filePath: path('a', 'b'), serializer: new JsonEntrySerializer() });
    await other.append(positioned(['a']));
    await other.close();
    expect(textOf(path('a', 'b'))).toBe(journalText(['a']));
  });
});

describe('close', () => {
  test('twice, at once and later; nothing can be appended after it', async () => {
    await sink.append(positioned(['a']));
    await Promise.all([sink.close(), sink.close()]);
    await sink.close();
    expect(await rejectionOf(sink.append(positioned(['b'], 2)))).toBeInstanceOf(Error);
    expect(await rejectionOf(sink.append([]))).toBeInstanceOf(Error);
    expect(textOf(filePath())).toBe(journalText(['a']));
  });

  test('waits for the appends before it', async () => {
    const order: string[] = [];
    const appends = [1, 2, 3].map((n) => sink.append(positioned([n], n)).then(() => order.push(String(n))));
    const closing = sink.close().then(() => order.push('closed'));
    const late = rejectionOf(sink.append(positioned([4], 4)));
    await Promise.all([...appends, closing, late]);
    expect(order).toEqual(['1', '2', '3', 'closed']);
    expect(textOf(filePath())).toBe(journalText([1, 2, 3]));
  });

  test('of a sink that was never used leaves no file', async () => {
    await sink.close();
    expect(existsSync(filePath())).toBe(false);
    expect(await rejectionOf(sink.append(positioned(['a'])))).toBeInstanceOf(Error);
    expect(existsSync(filePath())).toBe(false);
  });

  onLinux('frees the one handle it has', async () => {
    await sink.append(positioned(['a']));
    await sink.append(positioned(['b'], 2));
    expect(openDescriptors(path())).toEqual([filePath()]);
    await sink.close();
    expect(openDescriptors(path())).toEqual([]);
  });

  onLinux('there is none after an append that could not open', async () => {
    writeFileSync(filePath(), 'no journal');
    await rejectionOf(sink.append(positioned(['a'])));
    expect(openDescriptors(path())).toEqual([]);
  });
});

test("under a flusher of one's own", async () => {
  const scrivener = new InMemoryScrivener<unknown>();
  const flusher = new FlusherDaemon({ scrivener, sink });
  await flusher.start();
  for (let n = 1; n <= 250; n++) scrivener.append({ n });
  await flusher.shutdown();
  expect(await outcomeOf(readJournal(filePath()))).toEqual({
    values: positioned(Array.from({ length: 250 }, (_, n) => ({ n: n + 1 }))),
  });
});

test("with a serializer of one's own, on a torn file", async () => {
  const json = new JsonEntrySerializer<unknown>();
  const own = new FileAppendSink<unknown>({
    filePath: filePath(),
    serializer: { serialize: (record) => json.serialize(record), deserialize: (text) => json.deserialize(text) },
  });
  writeFileSync(filePath(), journalText(['a']) + '{"any');
  await own.append(positioned(['b'], 2));
  await own.close();
  expect(textOf(filePath())).toBe(journalText(['a', 'b']));
});
