import { rmSync, writeFileSync } from 'node:fs';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { journalText, line, positioned, textOf } from '../support/journal-text';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

/** What reading and opening give, which have to agree. */
async function outcome(text: string) {
  writeFileSync(filePath(), text);
  const read = await outcomeOf(readJournal<number>(filePath()));
  const opening = openFileScrivener<number>({ filePath: filePath() });
  if (read.error !== undefined) expect(await rejectionOf(opening)).toEqual(read.error);
  else {
    const scrivener = await opening;
    expect(scrivener.head).toBe(read.values.length);
    await scrivener.close();
  }
  return { entries: read.values.map(({ entry }) => entry), error: read.error as { reason?: string } | undefined };
}

describe('newlines that an editor has made two characters', () => {
  async function written(): Promise<string> {
    rmSync(filePath(), { force: true });
    const scrivener = await openFileScrivener<number>({ filePath: filePath(), checksum: 'crc32' });
    await scrivener.write(1);
    await scrivener.writeAll([2, 3, 4]);
    await scrivener.close();
    return textOf(filePath()).replaceAll('\n', '\r\n');
  }

  test('are read', async () => {
    expect(await outcome(await written())).toEqual({ entries: [1, 2, 3, 4], error: undefined });
    expect(await outcome(journalText([1, 2]).replaceAll('\n', '\r\n'))).toEqual({ entries: [1, 2], error: undefined });
  });

  test('hide no altered entry, in a group or not', async () => {
    for (const n of [1, 2, 3, 4]) {
      const { entries, error } = await outcome((await written()).replace(`"entry":${n}`, '"entry":7'));
      expect(entries).toEqual(n === 1 ? [] : [1]);
      expect(error).toMatchObject({ reason: 'its checksum does not agree', line: n });
    }
  });

  test('keep no half of a group', async () => {
    const lines = (await written()).split('\r\n');
    for (const end of ['\r\n', '\r', '']) {
      for (const count of [2, 3]) {
        expect(await outcome(lines.slice(0, count).join('\r\n') + end)).toEqual({ entries: [1], error: undefined });
      }
    }
  });
});

test('a byte order mark is refused as what it is, with the way out', async () => {
  const reason = 'it begins with a byte order mark: remove it, or `npx rx-scrivener repair` makes a journal without it';
  for (const text of ['\uFEFF' + journalText([1]), '\uFEFF' + line(1, 1).trimEnd(), '\uFEFF', '\uFEFF{"sch'])
    expect(await outcome(text)).toMatchObject({ entries: [], error: { line: 1, byteOffset: 0, reason } });
});

test.each(['\n', '\r\n', '  \n', ' ', '\r', '\t\r\n'])('so is a blank line: %j', async (blank) => {
  const reason = 'it is a blank line: remove it, or `npx rx-scrivener repair` makes a journal without it';
  expect(await outcome(journalText([1, 2]) + blank)).toMatchObject({ entries: [1, 2], error: { line: 3, reason } });
});

test('a reader that pauses at a last line without its newline meets it once, though the writer continues and rotates', async () => {
  writeFileSync(filePath(), journalText([1, 2]).trimEnd());
  const read: unknown[] = [];
  for await (const record of readJournal<number>(filePath())) {
    read.push(record);
    if (record.position !== 2) continue;
    const scrivener = await openFileScrivener<number>({ filePath: filePath(), rotation: { maxBytes: 100 } });
    for (const n of [3, 4, 5, 6]) await scrivener.whenFlushed(await scrivener.write(n));
    await scrivener.close();
  }
  expect(read).toEqual(positioned([1, 2, 3, 4, 5, 6]));
});

test('a relative path stays what it was when it was given', async () => {
  const before = process.cwd();
  process.chdir(path());
  try {
    writeFileSync(filePath(), journalText([1, 2]));
    const later = readJournal<number>('journal.ndjson');
    const scrivener = await openFileScrivener<number>({ filePath: filePath(), rotation: { maxBytes: 50 } });
    for (const n of [3, 4, 5]) await scrivener.whenFlushed(await scrivener.write(n));
    await scrivener.close();
    const read: unknown[] = [];
    for await (const record of readJournal<number>('journal.ndjson')) {
      read.push(record);
      process.chdir('/');
    }
    expect(read).toEqual(positioned([1, 2, 3, 4, 5]));
    expect((await outcomeOf(later)).values).toEqual(positioned([1, 2, 3, 4, 5]));
  } finally {
    process.chdir(before);
  }
});
