import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { ScrivenerError } from 'rx-scrivener';
import { CorruptJournalError, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { bytesOf, journalText, latin1, line, positioned } from '../support/journal-text';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

/** The error that opening rejects with, and reading; both leave the file as it was. */
async function refusal(bytes: string | Buffer, kept: readonly unknown[]): Promise<CorruptJournalError> {
  const filePath = path('journal.ndjson');
  writeFileSync(filePath, bytes);
  const error = await rejectionOf(openFileScrivener({ filePath }));
  expect(bytesOf(filePath)).toBe(latin1(bytes));
  expect(error).toBeInstanceOf(CorruptJournalError);

  const read = await outcomeOf(readJournal(filePath));
  expect(bytesOf(filePath)).toBe(latin1(bytes));
  expect(read.values).toEqual(positioned(kept));
  expect(read.error).toBeInstanceOf(CorruptJournalError);
  expect({ ...(read.error as object) }).toEqual({ ...(error as object) });

  // Nothing holds the lock.
  writeFileSync(filePath, '');
  await (await openFileScrivener({ filePath })).close();
  return error as CorruptJournalError;
}

const ENTRIES = [{ text: 'héllo' }, { text: '日本語 🙂' }, { text: 'drei' }];
const TEXT = journalText(ENTRIES);
/** What is refused as what it is, with the way out. */
const named = (what: string) => `${what}: remove it, or \`npx rx-scrivener repair\` makes a journal without it`;
const NEXT = line(4, { text: 'vier' }).slice(0, -1);

describe('what follows the last newline and is no torn line is refused', () => {
  const notJson = 'it is not JSON';
  test.each<[name: string, tail: string | Buffer, reason: string]>([
    ['a gap', line(5, 'x').trimEnd(), 'its position is 5 where 4 is next'],
    ['a duplicate', line(3, 'x').trimEnd(), 'its position is 3 where 4 is next'],
    ['an earlier position', line(2, 'x').trimEnd(), 'its position is 2 where 4 is next'],
    ['another schemaVersion', NEXT.replace('"1"', '"2"'), 'its schemaVersion is not "1"'],
    ['a schemaVersion that is a number', NEXT.replace('"1"', '1'), 'its schemaVersion is not "1"'],
    ['no schemaVersion', '{"position":4,"entry":1}', 'its schemaVersion is not "1"'],
    ['no entry', '{"schemaVersion":"1","position":4}', 'it has no entry'],
    ['a position that is text', NEXT.replace('4', '"4"'), 'its position is not a safe integer >= 1'],
    ['a position that is no integer', NEXT.replace('4', '4.5'), 'its position is not a safe integer >= 1'],
    ['position 0', NEXT.replace('4', '0'), 'its position is not a safe integer >= 1'],
    ['a negative position', NEXT.replace('4', '-4'), 'its position is not a safe integer >= 1'],
    ['a leading zero', NEXT.replace('4', '04'), notJson],
    ['an array', '[4]', 'it is not a JSON object'],
    ['null', 'null', 'it is not a JSON object'],
    ['a number', '4', 'it is not a JSON object'],
    ['a letter', 'x', notJson],
    ['the beginning of another object', '{"foo":', notJson],
    ['the beginning of another schemaVersion', '{"schemaVersion":"2","pos', notJson],
    ['the beginning of a later line', '{"schemaVersion":"1","position":5', notJson],
    ['the beginning of an earlier line', '{"schemaVersion":"1","position":3,"entry":{"te', notJson],
    ['the beginning of a line that starts again at 1', '{"schemaVersion":"1","position":1,"entry":{"te', notJson],
    ['the beginning of line 40', '{"schemaVersion":"1","position":40,"entry":{"te', notJson],
    ['a line and garbage', NEXT + 'x', notJson],
    ['a line and a brace', NEXT + '}', notJson],
    ['a line, garbage and zeros', NEXT + 'x\0\0\0', notJson],
    ['two lines without a newline between them', NEXT + NEXT, notJson],
    ['a carriage return', '\r', named('it is a blank line')],
    ['a byte order mark', '\uFEFF', notJson],
    ['a byte order mark and the beginning of a line', '\uFEFF{"schema', notJson],
    [
      'a byte order mark and the beginning of a line, into its text',
      '\uFEFF{"schemaVersion":"1","position":4,"entry":"vi',
      notJson,
    ],
    ['a byte order mark and a line', '\uFEFF' + NEXT, notJson],
    ['zeros and text', '\0\0\0x', notJson],
    ['zeros and the beginning of a line', '\0\0{"schemaVersion":"1","posi', notJson],
    ['zeros and a line', '\0' + NEXT, notJson],
    ['a beginning with zeros in it', '{"schemaVersion":"1",\0\0\0"posi', notJson],
    ['a beginning with zeros in its entry', '{"schemaVersion":"1","position":4,"entry":"\0\0\0x', notJson],
    ['a beginning with no value', '{"schemaVersion":"1","position":4,"entry":}', notJson],
    ['a beginning with half a word', '{"schemaVersion":"1","position":4,"entry":tru,', notJson],
    ['a beginning with a comma too many', '{"schemaVersion":"1","position":4,"entry":[1,]', notJson],
    ['a beginning that is not closed as it was opened', '{"schemaVersion":"1","position":4,"entry":[1}', notJson],
    ['a beginning with a tab in a string', '{"schemaVersion":"1","position":4,"entry":"\t', notJson],
    ['a beginning with no such escape', '{"schemaVersion":"1","position":4,"entry":"\\x', notJson],
    ['a torn word that JSON does not know', '{"schemaVersion":"1","position":4,"entry":und', notJson],
    ['two entries, and the beginning of more', '{"schemaVersion":"1","position":4,"entry":1}{', notJson],
    ['invalid UTF-8', Buffer.from([0xff]), 'it is not UTF-8'],
    ['a byte that continues nothing', Buffer.from([0x80]), 'it is not UTF-8'],
    [
      'a beginning with invalid UTF-8',
      Buffer.concat([Buffer.from('{"schemaVersion":"1","position":4,"entry":"'), Buffer.from([0xc3, 0x28])]),
      'it is not UTF-8',
    ],
    ['a surrogate in UTF-8', Buffer.from([0x7b, 0xed, 0xa0, 0x80]), 'it is not UTF-8'],
  ])('%s', async (_, tail, reason) => {
    const error = await refusal(Buffer.concat([Buffer.from(TEXT), Buffer.from(tail)]), ENTRIES);
    expect(error).toMatchObject({
      filePath: path('journal.ndjson'),
      line: 4,
      byteOffset: Buffer.byteLength(TEXT),
      reason,
    });
  });

  test.each<[name: string, tail: Buffer]>([
    ['alone', Buffer.from([0xc3])],
    ['of an emoji', Buffer.from([0xf0, 0x9f, 0x99])],
    ['and zeros', Buffer.from([0xc3, 0, 0])],
    ['in the head', Buffer.concat([Buffer.from('{"schemaVers'), Buffer.from([0xc3])])],
    ['where a value belongs', Buffer.concat([Buffer.from(NEXT.slice(0, -9)), Buffer.from([0xe2, 0x82])])],
    ['behind a whole line', Buffer.concat([Buffer.from(NEXT), Buffer.from([0xe2, 0x82])])],
  ])('half a character outside of a string, which no line has: %s', async (_, tail) => {
    const error = await refusal(Buffer.concat([Buffer.from(TEXT), tail]), ENTRIES);
    expect(error).toMatchObject({ line: 4, byteOffset: Buffer.byteLength(TEXT) });
  });

  test.each<[name: string, tail: string]>([
    ['a second position', '{"schemaVersion":"1","position":4,"entry":1,"position":0}'],
    ['a second schemaVersion', '{"schemaVersion":"1","position":4,"entry":1,"schemaVersion":"2"}'],
  ])('a whole JSON text that is no line, for all it begins as one: %s', async (_, tail) => {
    const error = await refusal(TEXT + tail, ENTRIES);
    expect(error).toMatchObject({ line: 4, byteOffset: Buffer.byteLength(TEXT) });
  });
});

describe('a file that is not a journal is refused and left unchanged', () => {
  test.each<[name: string, bytes: string | Buffer]>([
    ['a text', 'Dear diary,\ntoday nothing happened.\n'],
    ['a text without a newline', 'Dear diary'],
    ['one letter', 'x'],
    ['a blank line', '\n'],
    ['spaces', '   '],
    ['a JSON object', '{"name":"rx-scrivener","version":"1.0.0"}'],
    ['a JSON object, printed', '{\n  "name": "rx-scrivener"\n}\n'],
    ['a JSON array', '[]'],
    ['a JSON text that begins as a line does', '{"schemaVersion":"1","position":1}'],
    ['another NDJSON', '{"level":30,"msg":"hi"}\n{"level":30,"msg":"hi"}\n'],
    ['a torn line of another NDJSON', '{"level":30,"ms'],
    ['an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13])],
    ['an image, cut', Buffer.from([0x89, 0x50, 0x4e, 0x47])],
    ['one byte of a longer character', Buffer.from([0xc3])],
    ['three bytes of a longer character', Buffer.from([0xf0, 0x9f, 0x98])],
    ['Latin-1', Buffer.from('Ü', 'latin1')],
    ['UTF-16', Buffer.from('\uFEFF{"schemaVersion"', 'utf16le')],
    ['a byte order mark', '\uFEFF'],
    ['a journal behind a byte order mark', '\uFEFF' + TEXT],
    ['zeros, then data', Buffer.concat([Buffer.alloc(100), Buffer.from('data')])],
    ['zeros and a newline', '\0\0\0\n'],
    ['a journal that does not begin at 1', line(2, 'x')],
  ])('%s', async (_, bytes) => {
    const error = await refusal(bytes, []);
    expect(error).toMatchObject({ line: 1, byteOffset: 0 });
  });

  test('two megabytes without a newline', async () => {
    const error = await refusal(Buffer.alloc(2 * 1024 * 1024, 'x'), []);
    expect(error).toMatchObject({ line: 1, byteOffset: 0, reason: 'it is no line of a journal' });
  });
});

describe('damage before the last newline', () => {
  const damages: [name: string, damage: (k: number) => string | Buffer, reason: (k: number) => string][] = [
    ['a blank line', () => '\n', () => named('it is a blank line')],
    ['zeros', () => '\0\0\0\0\n', () => 'it is not JSON'],
    ['a text', () => 'Dear diary 🙂\n', () => 'it is not JSON'],
    ['a torn line', (k) => line(k, 'torn').slice(0, -4) + '\n', () => 'it is not JSON'],
    [
      'a torn line, and the next glued to it',
      (k) => line(k, 'torn').slice(0, -9) + line(k, 'x'),
      () => 'it is not JSON',
    ],
    ['a line and garbage', (k) => line(k, 'x').trimEnd() + 'x\n', () => 'it is not JSON'],
    ['an array', () => '[]\n', () => 'it is not a JSON object'],
    [
      'a byte order mark',
      (k) => '\uFEFF' + line(k, 'x'),
      (k) => (k === 1 ? named('it begins with a byte order mark') : 'it is not JSON'),
    ],
    [
      'invalid UTF-8',
      (k) => Buffer.concat([Buffer.from(line(k, 'x').slice(0, -3)), Buffer.from([0xc3]), Buffer.from('"}\n')]),
      () => 'it is not UTF-8',
    ],
    ['a gap', (k) => line(k + 1, 'x'), (k) => `its position is ${k + 1} where ${k} is next`],
    ['another schemaVersion', (k) => line(k, 'x').replace('"1"', '"0"'), () => 'its schemaVersion is not "1"'],
    ['no entry', (k) => `{"schemaVersion":"1","position":${k}}\n`, () => 'it has no entry'],
  ];
  const entries = Array.from({ length: 9 }, (_, n) => ({ n, text: 'zwölf 日本 🙂'.slice(0, n + 3) }));

  test.each(damages)('%s, at every line', async (_, damage, reason) => {
    for (let k = 1; k <= 9; k++) {
      const before = journalText(entries.slice(0, k - 1));
      const after = journalText(entries.slice(k), k + 1);
      const bytes = Buffer.concat([Buffer.from(before), Buffer.from(damage(k)), Buffer.from(after)]);
      const error = await refusal(bytes, entries.slice(0, k - 1));
      const filePath = path('journal.ndjson');
      const byteOffset = Buffer.byteLength(before);
      expect({ ...(error as object) }).toEqual({
        name: 'CorruptJournalError',
        code: 'ERR_CORRUPT_JOURNAL',
        filePath,
        line: k,
        byteOffset,
        reason: reason(k),
      });
      expect(error).toBeInstanceOf(ScrivenerError);
      expect(error.message).toBe(`${filePath}, line ${k} (byte ${byteOffset}): ${reason(k)}`);
    }
  });

  test.each([
    ['a duplicate', [1, 2, 2], 3, 'its position is 2 where 3 is next'],
    ['descending positions', [1, 2, 3, 2], 4, 'its position is 2 where 4 is next'],
    ['a gap', [1, 2, 4], 3, 'its position is 4 where 3 is next'],
    ['a beginning after 1', [2], 1, 'its position is 2 where 1 is next'],
  ])('%s', async (_, positions, at, reason) => {
    const lines = positions.map((position) => line(position, 'ü'));
    const error = await refusal(lines.join(''), Array<string>(at - 1).fill('ü'));
    const byteOffset = Buffer.byteLength(lines.slice(0, at - 1).join(''));
    expect(error).toMatchObject({ line: at, byteOffset, reason });
  });

  test('positions that start again at 1: the message names the remedy', async () => {
    const error = await refusal(journalText(['a', 'b']) + journalText(['c']), ['a', 'b']);
    expect(error).toMatchObject({ line: 3, byteOffset: Buffer.byteLength(journalText(['a', 'b'])) });
    expect(error.reason).toMatch(/start again at 1 where 3 is next/);
    expect(error.message).toContain("restarts: 'renumber'");
    // Position 1 as the second line is a run of one entry and a further one.
    expect((await refusal(line(1, 'a') + line(1, 'b'), ['a'])).reason).toContain("restarts: 'renumber'");
    // Other breaks have no such remedy.
    expect((await refusal(line(1, 'a') + line(3, 'b'), ['a'])).message).not.toContain('renumber');
  });

  test('the first of two is reported, whatever its kind', async () => {
    const bad = Buffer.from([0xff, 0x0a]);
    expect(await refusal(Buffer.concat([Buffer.from(line(1, 'a') + 'x\n'), bad]), ['a'])).toMatchObject({
      line: 2,
      reason: 'it is not JSON',
    });
    expect(await refusal(Buffer.concat([Buffer.from(line(1, 'a')), bad, Buffer.from('x\n')]), ['a'])).toMatchObject({
      line: 2,
      reason: 'it is not UTF-8',
    });
  });

  test('line ends of other systems are read, a carriage return alone is none', async () => {
    const filePath = path('journal.ndjson');
    writeFileSync(filePath, TEXT.replaceAll('\n', '\r\n'));
    expect(await outcomeOf(readJournal(filePath))).toEqual({ values: positioned(ENTRIES) });
    expect(await refusal(line(1, 'a').replace('\n', '\r') + line(2, 'b'), [])).toMatchObject({
      line: 1,
      byteOffset: 0,
    });
  });
});

describe('in files longer than what is read at a time', () => {
  const BLOCK = 1024 * 1024;
  const entries = Array.from({ length: 30_000 }, (_, n) => ({ n, text: 'übermäßig lang, 日本語 🙂 '.repeat(3) }));
  const lines = entries.map((entry, index) => line(index + 1, entry));
  const offsets: number[] = [0];
  for (const text of lines) offsets.push(offsets.at(-1)! + Buffer.byteLength(text));

  test('the file is longer than three blocks', () => expect(offsets.at(-1)).toBeGreaterThan(3 * BLOCK));

  const firstOfBlock2 = offsets.findIndex((offset) => offset >= BLOCK);
  test.each([1, 2, firstOfBlock2 - 1, firstOfBlock2, firstOfBlock2 + 1, firstOfBlock2 + 2, 20_000, 29_999, 30_000])(
    'line %i',
    async (k) => {
      for (const [damage, reason] of [
        [Buffer.from('Dear diary\n'), 'it is not JSON'],
        [Buffer.from([0xc3, 0x28, 0x0a]), 'it is not UTF-8'],
      ] as const) {
        const bytes = Buffer.concat([
          Buffer.from(lines.slice(0, k - 1).join('')),
          damage,
          Buffer.from(lines.slice(k).join('')),
        ]);
        const filePath = path('journal.ndjson');
        writeFileSync(filePath, bytes);
        const expected = { filePath, line: k, byteOffset: offsets[k - 1], reason };
        expect(await rejectionOf(openFileScrivener({ filePath }))).toMatchObject(expected);
        expect(bytesOf(filePath)).toBe(latin1(bytes));
        const { values, error } = await outcomeOf(readJournal<{ n: number }>(filePath));
        expect(error).toMatchObject(expected);
        expect(values.length).toBe(k - 1);
        expect(values.every(({ position, entry }, i) => position === i + 1 && entry.n === i)).toBe(true);
      }
    },
  );

  /** A line of so many bytes, its newline included. */
  const lineOf = (position: number, length: number) => {
    const rest = length - Buffer.byteLength(line(position, ''));
    return line(position, 'ü'.repeat(Math.floor(rest / 2)) + 'x'.repeat(rest % 2));
  };

  test.each([BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 17])(
    'a line of %i bytes, and what follows it',
    async (length) => {
      const filePath = path('journal.ndjson');
      for (const [before, expected] of [
        [0, length],
        [1, length - Buffer.byteLength(line(1, 'short'))], // so that the long one ends there
      ] as const) {
        const long = (before ? line(1, 'short') : '') + lineOf(before + 1, expected);
        const next = before + 2;
        const head = Buffer.from(long + line(next, 'behind'));
        expect(Buffer.byteLength(long)).toBe(length);

        writeFileSync(filePath, Buffer.concat([head, Buffer.from('x\n')]));
        const damaged = { line: next + 1, byteOffset: head.length, reason: 'it is not JSON' };
        expect(await rejectionOf(openFileScrivener({ filePath }))).toMatchObject(damaged);
        const { values, error } = await outcomeOf(readJournal<string>(filePath));
        expect(values.map(({ position }) => position)).toEqual(before ? [1, 2, 3] : [1, 2]);
        expect(values.at(-1)!.entry).toBe('behind');
        expect(error).toMatchObject(damaged);

        // Nothing behind the newline of the long line, or its newline missing, or it torn.
        writeFileSync(filePath, long);
        expect((await outcomeOf(readJournal(filePath))).values.length).toBe(before + 1);
        writeFileSync(filePath, long.slice(0, -1));
        expect((await outcomeOf(readJournal(filePath))).values.length).toBe(before + 1);
        const torn = Buffer.from(long).subarray(0, length - 2);
        writeFileSync(filePath, torn);
        const scrivener = await openFileScrivener({ filePath });
        const kept = before ? Buffer.byteLength(line(1, 'short')) : 0;
        expect(scrivener.recovered).toEqual({
          entries: before,
          lastPosition: before,
          truncatedBytes: torn.length - kept,
        });
        await scrivener.close();
      }
    },
  );
});

describe('no error quotes what was written', () => {
  const SECRET = 'hunter2';
  test.each<[name: string, damaged: string | Buffer]>([
    ['no JSON', `${SECRET}\n`],
    ['bad JSON', `{"schemaVersion":"1","position":2,"entry":{"password":"${SECRET}"}\n`],
    ['bad JSON at the secret', `{"schemaVersion":"1","position":2,"entry":${SECRET}}\n`],
    ['garbage behind', `{"schemaVersion":"1","position":2,"entry":1}${SECRET}\n`],
    ['a schemaVersion', `{"schemaVersion":"${SECRET}","position":2,"entry":1}\n`],
    ['a position', `{"schemaVersion":"1","position":"${SECRET}","entry":1}\n`],
    ['a key', `{"${SECRET}":"1","position":2,"entry":1}\n`],
    ['text', `"${SECRET}"\n`],
    ['a gap', line(3, SECRET)],
    ['a duplicate', line(1, SECRET)],
    ['invalid UTF-8', Buffer.concat([Buffer.from(SECRET), Buffer.from([0xff, 0x0a])])],
    ['a tail', SECRET],
    ['a torn tail of another line', line(3, SECRET).slice(0, -2)],
    ['a tail with garbage', line(2, SECRET).slice(0, -1) + SECRET],
    ['zeros and a tail', '\0\0' + SECRET],
  ])('%s', async (_, damaged) => {
    const error = await refusal(Buffer.concat([Buffer.from(line(1, 'a')), Buffer.from(damaged)]), ['a']);
    const read = (await outcomeOf(readJournal(path('journal.ndjson')))).error;
    for (let link: unknown = error; link instanceof Error; link = link.cause) {
      expect([link.message, link.stack, JSON.stringify(link)].join('\n')).not.toContain(SECRET);
    }
    expect(inspect([error, read], { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });
});
