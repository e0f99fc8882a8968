import { readdirSync, writeFileSync } from 'node:fs';
import { PositionTrimmedError, type Positioned } from 'rx-scrivener';
import { openFileScrivener, type FileScrivenerConfig, type Rotation } from 'rx-scrivener/file';
import { join } from 'node:path';
import { useChildren, type Child } from './support/child';
import { endsWhole, matrixEntry, matrixStep, type MatrixEntry } from './support/matrix-entries';
import { outcomeOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';
import { concatMap, EMPTY, from, lastValueFrom, takeWhile, toArray, type Observable } from 'rxjs';

const path = useTempDir();
const child = useChildren();

type Options = Pick<FileScrivenerConfig<MatrixEntry>, 'durability' | 'rotation' | 'retain' | 'checksum'>;

const small = { maxBytes: 20_000 };
/** Less than a batch takes often, and more than one takes sometimes. */
const young = { maxAgeMs: 5 };
const HOUR = 3_600_000;

interface Folder {
  readonly rotations: readonly (Rotation | undefined)[];
  /** How many closed segments are kept at the least. */
  readonly closed?: number;
}

const FOLDERS: Record<string, Folder> = {
  'without rotation': { rotations: [undefined] },
  'with rotation': { rotations: [small] },
  'with rotation and gzip': { rotations: [{ ...small, compress: 'gzip' }] },
  'rotated by age': { rotations: [young] },
  'keeping two segments': { rotations: [{ ...small, keep: { segments: 2 } }], closed: 2 },
  'rotated by age, keeping three segments, with gzip': {
    rotations: [{ ...young, compress: 'gzip', keep: { segments: 3 } }],
    closed: 3,
  },
  'keeping some bytes, with gzip': { rotations: [{ ...small, compress: 'gzip', keep: { bytes: 30_000 } }] },
  'rotated by age, keeping what is no older than a moment': { rotations: [{ ...young, keep: { ageMs: 15 } }] },
  'keeping what is no older than an hour': { rotations: [{ ...young, keep: { ageMs: HOUR } }], closed: Infinity },
  'with any of them, one after another': {
    rotations: [
      undefined,
      small,
      { ...young, ...small, compress: 'gzip' },
      { ...young, keep: { segments: 4, ageMs: HOUR } },
      { ...small, compress: 'gzip', keep: { segments: 3 } },
    ],
    closed: 3,
  },
};

const BATCHES = [
  { flushThreshold: 1, flushIntervalMs: 2 },
  { flushThreshold: 30, flushIntervalMs: 2 },
  { flushThreshold: 800, flushIntervalMs: 50 },
];

/** Enough that each folder sees each combination of the other options once. */
const COMBINATIONS = 12;
const ROUNDS = Math.ceil(
  Number(process.env.CRASH_ROUNDS ?? 6 * Object.keys(FOLDERS).length) / Object.keys(FOLDERS).length,
);

function optionsOf(round: number, rotations: readonly (Rotation | undefined)[]): Options {
  const combination = (round * 5) % COMBINATIONS; // 5 and 12 are coprime: each once
  const retain = [undefined, 1, 10][combination % 3];
  const rotation = rotations[(round * 7) % rotations.length];
  return {
    durability: combination % 2 === 0 ? 'os' : 'disk',
    ...(retain !== undefined && { retain }),
    ...(rotation !== undefined && { rotation }),
    ...(Math.floor(combination / 6) === 1 && { checksum: 'crc32' as const }),
  };
}

const random = (below: number) => Math.floor(Math.random() * below);
const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The closed segments on the disk, by the position that they begin with. */
function segments(dir: string): number[] {
  const names = readdirSync(dir).map((name) => /^journal\.ndjson\.(\d{16})(?:\.gz)?$/.exec(name)?.[1]);
  return [...new Set(names.filter((digits) => digits !== undefined).map(Number))].sort((a, b) => a - b);
}

/** Kills a writer at a random moment behind a random report; resolves with the positions that it has reported. */
async function crash(writer: Child): Promise<number[]> {
  const reports = 1 + random(15);
  for (let i = 0; i < reports; i++) await writer.says();
  await delay(Math.random() * 40);
  await writer.crash();
  expect(writer.said.filter((text) => text.startsWith('failed'))).toEqual([]);
  return writer.said.map((text) => Number(/^flushed (\d+)$/.exec(text)?.[1]));
}

const totals = { rounds: 0, entries: 0, torn: 0, retired: 0 };
afterAll(() =>
  console.info(
    `${totals.rounds} crashes, ${totals.entries} entries, ${totals.torn} torn ends, ${totals.retired} retired`,
  ),
);

test.each(Object.entries(FOLDERS))(
  'a journal %s is whole after every crash',
  async (_, { rotations, closed }) => {
    const keeps = closed !== Infinity && rotations.some((rotation) => rotation?.keep);
    let last = 0;
    let oldest = 1;
    let highest = 0;
    let retired = 0;
    let files = 0;
    /** Where batches have ended: segments end nowhere else. */
    let ends = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      if (round % COMBINATIONS === 0) [last, oldest, ends] = [0, 1, new Set([0])];
      const dir = path(String(Math.floor(round / COMBINATIONS)));
      const filePath = join(dir, 'journal.ndjson');
      const options = { ...optionsOf(round, rotations), ...BATCHES[random(BATCHES.length)] };
      const reports = await crash(child(['write-with', filePath, JSON.stringify(options)]));
      for (const report of reports) ends.add(report);
      const reported = Math.max(...reports);
      expect(reported).toBeGreaterThanOrEqual(last);

      const again = optionsOf(round + random(2) * random(COMBINATIONS), rotations);
      const told = `${JSON.stringify(options)}, then ${JSON.stringify(again)}`;
      const scrivener = await openFileScrivener<MatrixEntry>({ ...again, filePath });
      const { entries, lastPosition, truncatedBytes } = scrivener.recovered;
      const first = lastPosition - entries + 1;
      expect([lastPosition >= reported, endsWhole(lastPosition), scrivener.head, told]).toEqual([
        true,
        true,
        lastPosition,
        told,
      ]);

      // What is missing was retired: whole segments, and no more of them than may be.
      expect(first).toBeGreaterThanOrEqual(oldest);
      if (!keeps) expect(first).toBe(1);
      expect([ends.has(first - 1), first, told]).toEqual([true, first, told]);
      ends.add(lastPosition);
      const begins = segments(dir);
      files += begins.length;
      if (first > 1) {
        if (closed !== undefined)
          expect(begins.filter((begin) => begin >= first).length).toBeGreaterThanOrEqual(closed);
        if (begins.length > 0) expect(begins).toContain(first);
        const below = await outcomeOf(scrivener.tail(0));
        expect([below.values, below.error]).toEqual([[], expect.any(PositionTrimmedError)]);
        expect(below.error).toMatchObject({ requested: 1, first });
      }
      const all = await lastValueFrom(
        from(entries === 0 ? [] : [first - 1]).pipe(
          concatMap((after) => scrivener.tail(after)),
          takeWhile(({ position }) => position < lastPosition, true),
          toArray(),
        ),
      );
      expect([all.length, told]).toEqual([entries, told]);
      for (const [index, { position, entry }] of all.entries()) {
        if (position !== first + index) throw new Error(`${position} where ${first + index} is next: ${told}`);
        const { n, text } = matrixEntry(position);
        if (entry.n !== n || entry.text !== text) throw new Error(`${position} is another entry: ${told}`);
      }
      const back: Observable<Positioned<MatrixEntry>> = entries === 0 ? EMPTY : scrivener.readBackward();
      const backward = await lastValueFrom(
        back.pipe(
          takeWhile(({ position }) => position > first, true),
          toArray(),
        ),
      );
      expect([backward.reverse(), told]).toEqual([all, told]);

      // It goes on from there.
      await scrivener.writeAll(matrixStep(lastPosition + 1));
      const before = last;
      last = scrivener.head;
      ends.add(last);
      await scrivener.close();
      const left = readdirSync(dir).filter(
        (name) => !/^journal\.ndjson(\.lock|\.segments|\.\d{16}(\.gz)?)?$/.test(name),
      );
      expect(left.filter((name) => !name.startsWith('journal.ndjson.segments.'))).toEqual([]);
      totals.rounds++;
      totals.entries += last - before;
      totals.torn += truncatedBytes > 0 ? 1 : 0;
      retired += first - oldest;
      oldest = first;
      highest = Math.max(highest, last);
    }
    expect(highest).toBeGreaterThan(100);
    totals.retired += retired;
    if (rotations.every((rotation) => rotation !== undefined)) expect(files + retired).toBeGreaterThan(0);
    if (keeps) expect(retired).toBeGreaterThan(0);
  },
  60_000 + ROUNDS * 5_000,
);

test('what a crash leaves of the list of segments is cleared away', async () => {
  const filePath = path('journal.ndjson');
  const left = `${filePath}.segments.0f0e0d0c-0b0a-4908-8706-050403020100.tmp`;
  writeFileSync(left, '{"schema');
  await (await openFileScrivener({ filePath, rotation: small })).close();
  expect(readdirSync(path()).sort()).toEqual(['journal.ndjson', 'journal.ndjson.lock']);
});
