import { writeFileSync } from 'node:fs';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { journalText, line, positioned } from '../support/journal-text';
import { outcomeOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

async function read(text: string, after?: number) {
  writeFileSync(filePath(), text);
  const { values, error } = await outcomeOf(readJournal<unknown>(filePath(), after === undefined ? {} : { after }));
  return { values, error: error as Error | undefined };
}

/** Entries of every kind, which do not all have room in one run, and some that have none in any. */
const ENTRIES = Array.from({ length: 3_000 }, (_, n): unknown => {
  const kinds = [
    n,
    `text ${n}`,
    { type: 'Said', text: 'x'.repeat(n % 300), n },
    [n, [n], { n: null }],
    null,
    n % 2 === 0,
    'Grüße, 世界 🖋️',
    '',
    {},
    [],
    '],[',
    '"\\',
    { ['__proto__']: n },
  ];
  return n % 700 === 699 ? 'y'.repeat(70_000) : kinds[n % kinds.length];
});

test('entries of every kind are read as they were written, from any position on', async () => {
  const text = journalText(ENTRIES);
  for (const after of [0, 1, 698, 699, 700, 1_500, 2_999, 3_000]) {
    const { values, error } = await read(text, after);
    expect(error).toBeUndefined();
    expect(values).toEqual(positioned(ENTRIES).slice(after));
  }
});

test('lines of other layouts stand between them', async () => {
  const texts = ENTRIES.map((entry, n) => {
    const position = n + 1;
    if (n % 50 === 10) return JSON.stringify({ position, entry, schemaVersion: '1' }) + '\n';
    if (n % 50 === 20) return line(position, entry).replace(/\}\n$/, ',"further":[1,2]}\n');
    if (n % 50 === 30) return line(position, entry).replace('"entry":', '"entry": ');
    if (n % 50 === 40) return line(position, entry).replace(/\}\n$/, '}\r\n');
    return line(position, entry);
  });
  expect(await read(texts.join(''))).toEqual({ values: positioned(ENTRIES), error: undefined });
});

test('groups and checksums stand between them', async () => {
  const scrivener = await openFileScrivener<unknown>({ filePath: filePath(), checksum: 'crc32' });
  for (const entry of ENTRIES.slice(0, 100)) await scrivener.write(entry);
  await scrivener.close();
  const plain = await openFileScrivener<unknown>({ filePath: filePath() });
  await plain.writeAll(ENTRIES.slice(100, 120));
  for (const entry of ENTRIES.slice(120, 200)) await plain.write(entry);
  await plain.writeAll(ENTRIES.slice(200, 210));
  await plain.close();
  const { values, error } = await outcomeOf(readJournal<unknown>(filePath()));
  expect([error, values]).toEqual([undefined, positioned(ENTRIES.slice(0, 210))]);
});

describe.each([
  ['a comma', '1,2'],
  ['nothing', ''],
  ['a bracket that is not closed', '[1'],
  ['a bracket too many', '1]'],
  ['what would close the array', '1],[2'],
  ['a text that is not closed', '"abc'],
  ['a number that JSON does not have', '01'],
  ['a word', 'undefined'],
  ['two values', '1 2'],
])('an entry that is %s', (_, json) => {
  test.each([0, 1, 150, 298, 299])('is damage, and what comes before it is read (line %p)', async (at) => {
    const lines = Array.from({ length: 300 }, (_, n) => line(n + 1, `entry ${n}`));
    lines[at] = `{"schemaVersion":"1","position":${at + 1},"entry":${json}}\n`;
    const { values, error } = await read(lines.join(''));
    const byteOffset = Buffer.byteLength(lines.slice(0, at).join(''));
    expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: at + 1, byteOffset, reason: 'it is not JSON' });
    expect(values).toEqual(Array.from({ length: at }, (_, n) => ({ position: n + 1, entry: `entry ${n}` })));
  });
});

test('a bracket in one line is not closed by the next', async () => {
  const lines = ['"a"', '[1', '2]', '"b"'].map(
    (json, n) => `{"schemaVersion":"1","position":${n + 1},"entry":${json}}\n`,
  );
  const { values, error } = await read(lines.join(''));
  expect([values, error]).toMatchObject([[{ position: 1, entry: 'a' }], { line: 2, reason: 'it is not JSON' }]);
});
