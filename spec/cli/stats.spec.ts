import { writeFileSync } from 'node:fs';
import { journalText, line } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();

/** What is said of a journal of these entries, as text and as JSON. */
async function statsOf(entries: readonly unknown[]) {
  writeFileSync(path('talk'), journalText(entries));
  const text = await runHere(['stats', path('talk')]);
  const json = await runHere(['stats', path('talk'), '--json']);
  expect([text.code, text.stderr, json.code, json.stderr]).toEqual([0, '', 0, '']);
  return { text: text.stdout, json: JSON.parse(json.stdout) as Record<string, unknown> };
}

test('says what a journal is made of', async () => {
  const entries = [
    { at: '2026-01-01T00:00:00.000Z', text: 'ü'.repeat(20), type: 'Said' },
    { at: '2026-01-01T00:00:30.000Z', text: 'ü'.repeat(150), type: 'Said' },
    { at: '2026-01-01T00:01:00.000Z', text: 'ü'.repeat(15), type: 'Asked' },
    null,
  ];
  const lengths = entries.map((entry) => Buffer.byteLength(line(1, entry)));
  expect(lengths).toEqual([141, 401, 132, 48]);
  writeFileSync(path('talk'), journalText(entries));

  expect(await command.run(['stats', 'talk'], path())).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: `talk
entries  4, positions 1 to 4
bytes    722, 180.5 an entry
types    Said 2, Asked 1, without a type 1
rate     2 a minute, 2026-01-01T00:00:00.000Z to 2026-01-01T00:01:00.000Z, by "at" of 3 entries
sizes    entries by the bytes of their lines

  2 ┤            ╭─────╮
  1 ┤╭─────╮     │     ╰─────╮
  0 ┤╯     ╰─────╯           ╰
        ≤64  ≤128  ≤256  ≤512
`,
  });
  const { stdout } = await command.run(['stats', 'talk', '--json'], path());
  expect(JSON.parse(stdout)).toEqual({
    file: 'talk',
    entries: 4,
    firstPosition: 1,
    lastPosition: 4,
    bytes: 722,
    tornBytes: 0,
    meanBytes: 180.5,
    types: [
      { type: 'Said', entries: 2 },
      { type: 'Asked', entries: 1 },
    ],
    others: 0,
    untyped: 1,
    sizes: [
      { upToBytes: 64, entries: 1 },
      { upToBytes: 128, entries: 0 },
      { upToBytes: 256, entries: 2 },
      { upToBytes: 512, entries: 1 },
    ],
    rate: {
      field: 'at',
      entries: 3,
      first: '2026-01-01T00:00:00.000Z',
      last: '2026-01-01T00:01:00.000Z',
      perSecond: 2 / 60,
    },
  });
});

test('an empty journal', async () => {
  const { text, json } = await statsOf([]);
  expect(text).toBe(`${path('talk')}\nentries  0\nbytes    0\n`);
  expect(json).toMatchObject({
    entries: 0,
    firstPosition: null,
    lastPosition: 0,
    meanBytes: null,
    sizes: [],
    rate: null,
  });
});

test('a torn end is reported, and not part of the mean', async () => {
  writeFileSync(path('talk'), line(1, 1) + '{"sch');
  expect((await runHere(['stats', path('talk')])).stdout).toMatch('bytes    45, 45 an entry, then a torn end of 5\n');
});

test('the ten most frequent types, and how many entries are of others', async () => {
  const types = Array.from({ length: 12 }, (_, n) => new Array<string>(n + 1).fill(`type ${n + 1}`)).flat();
  const { text, json } = await statsOf(types.map((type) => ({ type })));
  expect(text).toMatch(
    'types    type 12 12, type 11 11, type 10 10, type 9 9, type 8 8, type 7 7, type 6 6, type 5 5, type 4 4, type 3 3, others 3\n',
  );
  expect(json).toMatchObject({ others: 3, untyped: 0 });
});

test('types of the reference implementation, and names that would command a terminal', async () => {
  const { text } = await statsOf([{ $type: 'ChatAck' }, { type: '\u001b[2J' }, { type: 7 }, ['x'], 'type']);
  expect(text).toMatch('types    \\u001b[2J 1, ChatAck 1, without a type 3\n');
});

test.each([
  [[{ time: 'soon' }, { at: 7 }, { timestamp: 1_700_000_000 }, { createdAt: null }], /^no entry says .*"timestamp"/],
  [[{ time: 1_700_000_000_000 }, { time: 1_700_000_000_000 }], /^all at 2023-11-14T22:13:20.000Z, by "time" of 2 e/],
  [[{ time: 1_700_000_000_000 }, { time: 1_700_000_000_500 }], /^2 a second, /],
  [[{ timestamp: '2026-01-01' }, {}, { timestamp: '2026-01-03T00:00:00+01:00' }], /^0.511 a day, .* of 2 entries/],
  [[{ at: '2026-01-02', time: 1 }, { at: '2026-01-01' }], /^1 a day, 2026-01-01T00:00:00.000Z to 2026-01-02T/],
  // By the field that most entries have.
  [[{ timestamp: '2026-01-01' }, { at: '2026-01-01' }, { at: '2026-01-01T01:00Z' }], /^1 an hour, .*by "at" of 2/],
])('the rate of %j', async (entries, expected) => {
  const { text } = await statsOf(entries);
  expect(/^rate {5}(.*)$/m.exec(text)?.[1]).toMatch(expected);
});

test('damage, and a file that is not there', async () => {
  writeFileSync(path('bad'), line(1, 1) + 'x\n');
  expect(await runHere(['stats', path('bad'), '--json'])).toEqual({
    code: 1,
    stdout: '',
    stderr: `rx-scrivener: ${path('bad')}, line 2 (byte 45): it is not JSON\n`,
  });
  expect(await runHere(['stats', path('missing')])).toEqual({
    code: 1,
    stdout: '',
    stderr: `rx-scrivener: ${path('missing')}: no such file or directory\n`,
  });
});
