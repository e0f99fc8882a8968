import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { CorruptJournalError, openFileScrivener, readJournal, type FileScrivenerConfig } from 'rx-scrivener/file';
import { take } from 'rxjs';
import { bytesOf, journalText, latin1, line, positioned, textOf } from '../support/journal-text';
import { outcomeOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

const ENTRIES = ['zwölf 🙂', { text: 'ä' }, 3];

const open = (options: Partial<FileScrivenerConfig<unknown>> = {}) =>
  openFileScrivener<unknown>({ filePath: filePath(), checksum: 'crc32', flushIntervalMs: Infinity, ...options });

/** A checksummed file: one entry, and a group of two. */
async function write(first = 0): Promise<Buffer> {
  const scrivener = await open();
  if (first === 0) await scrivener.write(ENTRIES[0]);
  await scrivener.writeAll(ENTRIES.slice(1));
  await scrivener.close();
  return readFileSync(filePath());
}

/** What a file opens and reads as: its entries, or the damage, and the entries before it. */
async function readAll(file: string, retain: number): Promise<{ values: unknown[]; error?: unknown }> {
  let scrivener;
  try {
    scrivener = await open({ filePath: file, retain });
  } catch (error) {
    return { values: [], error };
  }
  const { head, recovered } = scrivener;
  const forward = await outcomeOf(scrivener.tail().pipe(take(head)));
  const backward = await outcomeOf(scrivener.readBackward());
  await scrivener.close();
  if (recovered.truncatedBytes > 0) throw new Error('Something was cut off');
  if (forward.error === undefined) expect(backward.values).toEqual([...forward.values].reverse());
  expect(backward.error === undefined).toBe(forward.error === undefined);
  return forward;
}

test('lines have the CRC-32 of what comes before it as a further key', async () => {
  await write();
  const parsed = textOf(filePath())
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as object);
  expect(parsed).toEqual(
    ENTRIES.map((entry, index) => ({
      schemaVersion: '1',
      position: index + 1,
      entry,
      crc32: expect.stringMatching(/^[0-9a-f]{8}$/) as unknown,
    })),
  );
  const outcome = await outcomeOf(readJournal(filePath()));
  expect(outcome).toEqual({ values: positioned(ENTRIES) });
});

test.each([
  ['when all is read at the opening', Infinity],
  ['when the file is read later', 1],
])(
  'each bit of a file that flips is found, %s',
  async (_, retain) => {
    const whole = await write();
    const accepted: string[] = [];
    for (let at = 0; at < whole.length; at++) {
      await Promise.all(
        [0, 1, 2, 3, 4, 5, 6, 7].map(async (bit) => {
          const damaged = Buffer.from(whole);
          damaged[at]! ^= 1 << bit;
          const file = path(`damaged-${at}-${bit}.ndjson`);
          writeFileSync(file, damaged);
          const what = `byte ${at} (${JSON.stringify(String.fromCharCode(whole[at]!))}), bit ${bit}`;
          try {
            const { values, error } = await readAll(file, retain);
            if (!(error instanceof CorruptJournalError)) accepted.push(`${what}: ${String(error)}`);
            if (JSON.stringify(values) !== JSON.stringify(positioned(ENTRIES).slice(0, values.length))) {
              accepted.push(`${what}: other entries`);
            }
          } catch (error) {
            accepted.push(`${what}: ${String(error)}`);
          }
          if (bytesOf(file) !== latin1(damaged)) accepted.push(`${what}: the file was changed`);
          const beside = await outcomeOf(readJournal(file));
          // Of a torn end it knows nothing: the last newline, gone, is one.
          if (!(beside.error instanceof CorruptJournalError)) accepted.push(`${what}: readJournal`);
          rmSync(file);
        }),
      );
    }
    expect(accepted).toEqual([]);
  },
  60_000,
);

test.each([1, Infinity])(
  'a file that a crash cut at any byte gives what is whole, with retain %p',
  async (retain) => {
    const whole = await write();
    const lines = whole.toString().split('\n').slice(0, 3);
    const first = Buffer.byteLength(lines[0]!) + 1;
    for (let bytes = 0; bytes <= whole.length; bytes++) {
      writeFileSync(filePath(), whole.subarray(0, bytes));
      const scrivener = await open({ retain });
      const kept = bytes >= whole.length - 1 ? 3 : bytes >= first - 1 ? 1 : 0;
      const end = [0, first, 0, whole.length][kept]!;
      expect([bytes, scrivener.recovered]).toEqual([
        bytes,
        { entries: kept, lastPosition: kept, truncatedBytes: Math.max(0, bytes - end) },
      ]);
      expect((await outcomeOf(scrivener.tail().pipe(take(kept)))).values).toEqual(positioned(ENTRIES.slice(0, kept)));
      expect(await scrivener.write('next')).toBe(kept + 1);
      await scrivener.close();
      expect(bytesOf(filePath()).startsWith(latin1(whole.subarray(0, end)))).toBe(true);
      const { values } = await outcomeOf(readJournal(filePath()));
      expect(values).toEqual(positioned([...ENTRIES.slice(0, kept), 'next']));
    }
  },
  30_000,
);

describe('files without checksums, and mixed ones, stay readable', () => {
  const PLAIN = ['alt', '","crc32":"00000000', { crc32: '01234567' }, '01234567'];

  test.each([1, Infinity])('with retain %p', async (retain) => {
    writeFileSync(filePath(), journalText(PLAIN));
    let scrivener = await open({ retain });
    await scrivener.write('checked');
    await scrivener.close();
    scrivener = await open({ retain, checksum: undefined });
    await scrivener.writeAll(['plain', 'again']);
    await scrivener.close();
    expect(
      textOf(filePath())
        .split('\n')
        .map((text) => /"crc32":"[0-9a-f]{8}" ?\}$/.test(text)),
    ).toEqual(
      [false, false, false, false, true, false, false, false], // `{"crc32":…}` ends in two braces
    );
    const all = positioned([...PLAIN, 'checked', 'plain', 'again']);
    scrivener = await open({ retain });
    expect((await outcomeOf(scrivener.tail().pipe(take(7)))).values).toEqual(all);
    expect((await outcomeOf(scrivener.readBackward())).values).toEqual([...all].reverse());
    await scrivener.close();
    expect((await outcomeOf(readJournal(filePath()))).values).toEqual(all);
  });

  test('a checksum that does not agree is damage, whatever `checksum` says', async () => {
    writeFileSync(filePath(), line(1, 'one').replace('}\n', ',"crc32":"00000000"}\n') + line(2, 'two'));
    for (const retain of [1, Infinity]) {
      for (const checksum of [undefined, 'crc32' as const]) {
        const { error } = await readAllOf({ retain, checksum });
        expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 1, byteOffset: 0 });
      }
    }
  });

  async function readAllOf(options: Partial<FileScrivenerConfig<unknown>>) {
    try {
      await (await open(options)).close();
      return {};
    } catch (error) {
      return { error };
    }
  }
});
