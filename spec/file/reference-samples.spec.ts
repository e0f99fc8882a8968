import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptJournalError, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { bytesOf, latin1, line, textOf } from './support/journal-text';
import { outcomeOf, rejectionOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();

interface Chat {
  $type: string;
  sender: string;
}

const SINGLE = readFileSync(join(__dirname, 'samples/coven-single-run.ndjson'));
const MANY = readFileSync(join(__dirname, 'samples/coven-many-runs.ndjson'));
const parse = (bytes: Buffer) =>
  bytes
    .toString()
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as { position: number; entry: Chat });

function copyOf(name: string): string {
  copyFileSync(join(__dirname, 'samples', name), path(name));
  return path(name);
}

describe('recorded by the reference implementation', () => {
  test('a single run opens unchanged, and continues', async () => {
    const filePath = copyOf('coven-single-run.ndjson');
    const scrivener = await openFileScrivener<Chat>({ filePath });
    expect(scrivener.recovered).toEqual({ entries: 11, lastPosition: 11, truncatedBytes: 0 });
    expect(bytesOf(filePath)).toBe(latin1(SINGLE));
    const seen: unknown[] = [];
    scrivener.tail().subscribe((record) => seen.push(record));
    expect(seen).toEqual(parse(SINGLE).map(({ position, entry }) => ({ position, entry })));
    expect(await scrivener.write({ $type: 'ChatAck', sender: 'BOT' })).toBe(12);
    await scrivener.close();
    expect(textOf(filePath)).toBe(SINGLE.toString() + line(12, { $type: 'ChatAck', sender: 'BOT' }));
  });

  test('a single run, torn at every byte of its last two lines, is recovered', async () => {
    const filePath = path('journal.ndjson');
    const text = SINGLE.toString();
    expect(text.length).toBe(SINGLE.length); // escaped: a byte a character
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1);
    for (const [k, end] of [
      [9, ends[9]!],
      [10, ends[10]!],
    ] as const) {
      for (let cut = ends[k - 1]!; cut < end - 1; cut++) {
        copyFileSync(copyOf('coven-single-run.ndjson'), filePath);
        const { truncateSync } = await import('node:fs');
        truncateSync(filePath, cut);
        const scrivener = await openFileScrivener({ filePath });
        expect(scrivener.recovered).toEqual({ entries: k, lastPosition: k, truncatedBytes: cut - ends[k - 1]! });
        await scrivener.close();
        expect(textOf(filePath)).toBe(text.slice(0, ends[k - 1]));
      }
    }
  });

  test('several runs are refused, and the message says so and names the remedy', async () => {
    const filePath = copyOf('coven-many-runs.ndjson');
    const error = await rejectionOf(openFileScrivener({ filePath }));
    expect(error).toBeInstanceOf(CorruptJournalError);
    const firstRun = parse(MANY).findIndex(({ position }, index) => position !== index + 1);
    expect(error).toMatchObject({ filePath, line: firstRun + 1 });
    expect((error as Error).message).toMatch(/several runs.*readJournal\(.*restarts: 'renumber'/);
    expect(bytesOf(filePath)).toBe(latin1(MANY));
    const read = await outcomeOf(readJournal(filePath));
    expect(read.values.length).toBe(firstRun);
    expect({ ...(read.error as object) }).toEqual({ ...(error as object) });
  });

  test('several runs are one journal when renumbered, from any position', async () => {
    const filePath = copyOf('coven-many-runs.ndjson');
    const expected = parse(MANY).map(({ entry }, index) => ({ position: index + 1, entry }));
    expect(expected.length).toBeGreaterThan(70);
    expect(await outcomeOf(readJournal(filePath, { restarts: 'renumber' }))).toEqual({ values: expected });
    for (const after of [1, 6, 7, expected.length - 1, expected.length, expected.length + 1]) {
      expect(await outcomeOf(readJournal(filePath, { restarts: 'renumber', after }))).toEqual({
        values: expected.slice(after),
      });
    }
    expect(bytesOf(filePath)).toBe(latin1(MANY));
  });

  test('renumbering does not hide other breaks', async () => {
    const { writeFileSync } = await import('node:fs');
    const filePath = path('journal.ndjson');
    const cases: [positions: number[], line: number, reason: string][] = [
      [[1, 2, 1, 3], 4, 'its position is 3 where 2 is next'],
      [[1, 2, 1, 2, 2], 5, 'its position is 2 where 3 is next'],
      [[1, 2, 4], 3, 'its position is 4 where 3 is next'],
      [[2], 1, 'its position is 2 where 1 is next'],
      [[1, 1, 1, 3], 4, 'its position is 3 where 2 is next'],
    ];
    for (const [positions, at, reason] of cases) {
      writeFileSync(filePath, positions.map((position) => line(position, 'x')).join(''));
      const { values, error } = await outcomeOf(readJournal(filePath, { restarts: 'renumber' }));
      expect(values.map(({ position }) => position)).toEqual(positions.slice(0, at - 1).map((_, index) => index + 1));
      expect(error).toMatchObject({
        line: at,
        reason,
        byteOffset: positions.slice(0, at - 1).length * line(1, 'x').length,
      });
    }
  });

  test('a single run is the same, renumbered', async () => {
    const filePath = copyOf('coven-single-run.ndjson');
    expect(await outcomeOf(readJournal(filePath, { restarts: 'renumber' }))).toEqual(
      await outcomeOf(readJournal(filePath)),
    );
  });
});
