import { rmSync, writeFileSync } from 'node:fs';
import { InMemoryScrivener, PositionTrimmedError, type Positioned } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { lineOfTime, rowsOf, search } from '../../../lib/cli/viewer/answers';
import { JournalLines, type OpenJournal } from '../../../lib/cli/viewer/journal-lines';
import type { LineSource } from '../../../lib/cli/viewer/line-source';
import { openSource } from '../../../lib/cli/viewer/open-source';
import { findSegments } from '../../../lib/file/store/manifest';
import { line, textOf } from '../../file/support/journal-text';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
const opened: LineSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

/** Two hundred entries, and several segments. */
async function write(compress?: 'gzip', padding = ''): Promise<void> {
  const filePath = path('talk.ndjson');
  const maxBytes = 60 * line(100, { n: 100, padding }).length;
  const scrivener = await openFileScrivener<object>({
    filePath,
    rotation: { maxBytes, ...(compress && { compress }) },
  });
  for (let n = 1; n <= 200; n++) {
    await scrivener.write({ n, padding });
    if (n % 10 === 0) await scrivener.flush();
  }
  await scrivener.close();
}

async function segmentOf(position: number): Promise<string> {
  return (await findSegments(path('talk.ndjson'))).findLast(({ first }) => first <= position)!.filePath;
}

/** Replaces the line of a position; gives where it begins. */
async function replaceLine(position: number, by: string): Promise<{ line: number; byteOffset: number }> {
  const filePath = await segmentOf(position);
  const lines = textOf(filePath).split(/(?<=\n)/);
  const index = lines.findIndex((text) => text.includes(`"position":${position},`));
  writeFileSync(filePath, lines.with(index, by).join(''));
  return { line: index + 1, byteOffset: Buffer.byteLength(lines.slice(0, index).join('')) };
}

async function look(): Promise<LineSource> {
  const source = await openSource(path('talk.ndjson'), new AbortController().signal);
  opened.push(source);
  return source;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** The numbers, and the damage of each that has any. */
async function numbersOf(source: LineSource, from: number, to: number) {
  const rows = await rowsOf(source, from, to);
  const damage = rows.flatMap(({ n, damage }) => (damage === undefined ? [] : [{ n, damage }]));
  return { numbers: rows.map(({ n }) => n), damage };
}

test.each([
  ['small', ''],
  ['large', 'x'.repeat(4_000)],
])('a damaged line of a %s closed segment is shown where it is, between all others', async (_, padding) => {
  await write(undefined, padding);
  const where = await replaceLine(85, 'damaged\n');
  const source = await look();
  const damage = [
    {
      n: 85,
      damage: expect.stringContaining(`line ${where.line} (byte ${where.byteOffset}): it is not JSON`) as string,
    },
  ];
  expect(await numbersOf(source, 1, 100)).toEqual({ numbers: range(1, 100), damage });
  expect(await numbersOf(source, 85, 85)).toEqual({ numbers: [85], damage });
  expect(await numbersOf(source, 1, 200)).toEqual({ numbers: range(1, 200), damage });
  expect(await numbersOf(source, 90, 100)).toEqual({ numbers: range(90, 100), damage: [] });
  expect((await search(source, 'is:damaged', { from: 1, before: 201 })).rows).toMatchObject(damage);
  expect((await search(source, 'n=84', { from: 1, before: 201 })).rows).toMatchObject([{ n: 84 }]);
});

test('a line that stands between two entries, one that is gone, and several that are damaged', async () => {
  await write();
  await replaceLine(72, `${line(72, 'whole')}between\n`);
  await replaceLine(75, '');
  await replaceLine(80, 'a\n');
  await replaceLine(81, 'b\n');
  const { numbers, damage } = await numbersOf(await look(), 62, 90);
  expect(numbers).toEqual(range(62, 90).filter((n) => n !== 75));
  expect(damage).toEqual([
    { n: 73, damage: expect.stringContaining('it is not JSON') as string },
    { n: 76, damage: 'its position is 76 where 75 is next' },
    { n: 80, damage: expect.stringContaining('it is not JSON') as string },
    { n: 81, damage: expect.stringContaining('it is not JSON') as string },
  ]);
});

test('a compressed segment that is damaged is shown as far as it can be read, and those after it', async () => {
  await write('gzip');
  const filePath = await segmentOf(85);
  writeFileSync(filePath, 'damaged');
  const source = await look();
  const { numbers, damage } = await numbersOf(source, 1, 200);
  expect(damage.length).toBeGreaterThan(0);
  expect(numbers).toEqual(expect.arrayContaining([1, 50, 150, 200]));
  expect(new Set(numbers).size).toBe(numbers.length);
});

test('an entry that is nested too deep is shown without its tree, beside the others', async () => {
  await write();
  const [from, to] = ['['.repeat(6_000), ']'.repeat(6_000)];
  await replaceLine(85, `{"schemaVersion":"1","position":85,"entry":${from}${to}}\n`);
  const damage = [{ n: 85, damage: expect.stringContaining('nested deeper') as string }];
  expect(await numbersOf(await look(), 62, 100)).toEqual({ numbers: range(62, 100), damage });
});

test('what retention drops meanwhile is no damage: the lines begin with the oldest that is kept', async () => {
  await write();
  const source = await look();
  expect(source.extent.first).toBe(1);
  const [oldest, next] = await findSegments(path('talk.ndjson'));
  const manifest = path('talk.ndjson.segments');
  const record = JSON.parse(textOf(manifest)) as { closed: number };
  writeFileSync(manifest, JSON.stringify({ ...record, first: next!.first, closed: record.closed - 1 }));
  rmSync(oldest!.filePath);
  expect(await numbersOf(source, 1, 100)).toEqual({ numbers: range(next!.first, 100), damage: [] });
});

describe('A server', () => {
  /** A journal that gives no more than is asked for, and says how many entries it has given. */
  class Served extends InMemoryScrivener<object> {
    given = 0;
    readonly #failsAt: (position: number) => unknown;

    constructor(failsAt: (position: number) => unknown = () => undefined) {
      super();
      this.#failsAt = failsAt;
    }

    async close(): Promise<void> {}

    override readBackward(before?: number): never {
      const records = super.readBackward(before);
      const read = async function* (this: Served): AsyncGenerator<Positioned<object>> {
        for await (const record of records) {
          const error = this.#failsAt(record.position);
          if (error !== undefined) throw error as Error;
          this.given++;
          yield record;
        }
      };
      return read.call(this) as never;
    }
  }

  async function linesOf(served: Served, count: number): Promise<JournalLines> {
    for (let n = 1; n <= count; n++) await served.write({ at: 1.7e12 + n });
    const lines = new JournalLines(served as OpenJournal, 'served');
    opened.push(lines);
    return lines;
  }

  test('that fails at one entry: all that it gave, and the others, are shown', async () => {
    const source = await linesOf(new Served((position) => (position === 150 ? new Error('broken') : undefined)), 400);
    const { numbers, damage } = await numbersOf(source, 1, 400);
    expect(numbers).toEqual([...range(1, 100), ...range(150, 400)]);
    expect(damage).toEqual([{ n: 150, damage: 'broken' }]);
  });

  test('that has dropped what it is asked for: the lines begin with the oldest', async () => {
    const trimmed = new PositionTrimmedError(49, 50);
    const source = await linesOf(new Served((position) => (position < 50 ? trimmed : undefined)), 120);
    expect(await numbersOf(source, 1, 120)).toEqual({ numbers: range(50, 120), damage: [] });
  });

  test('is asked for a part of the lines where the first of them is enough', async () => {
    const served = new Served();
    const source = await linesOf(served, 1_000);
    expect(await lineOfTime(source, 1.7e12 + 700)).toBe(700);
    expect(served.given).toBeLessThan(10 * 100 + 1);
  });
});
