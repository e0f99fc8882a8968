import { mkdirSync, writeFileSync } from 'node:fs';
import { journalText, line } from '../file/support/journal-text';
import { onLinux } from '../file/support/open-descriptors';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();
const cat = (...args: string[]) => command.run(['cat', ...args], path());
const NOTHING = { code: 0, signal: null, stdout: '', stderr: '' };

test('prints the lines unchanged, as in the file', async () => {
  const text =
    '{ "position": 1, "schemaVersion": "1", "more": [], "entry": 12345678901234567890 }\n' +
    line(2, { b: 'ü🙂\u2028', a: '\\u0041' }) +
    '{"schemaVersion":"1","position":3,"entry":"\\u00fc"}\r\n';
  writeFileSync(path('talk.ndjson'), text);
  expect(await cat('talk.ndjson')).toEqual({ ...NOTHING, stdout: text });
});

test('a last line without a newline gets one; a torn one is left out', async () => {
  writeFileSync(path('a'), journalText([1, 2]).trimEnd());
  writeFileSync(path('b'), journalText([1, 2]) + '{"schemaVersion":"1","pos');
  expect(await cat('a')).toEqual({ ...NOTHING, stdout: journalText([1, 2]) });
  expect(await cat('b')).toEqual({ ...NOTHING, stdout: journalText([1, 2]) });
});

test('an empty file has no lines', async () => {
  writeFileSync(path('empty'), '');
  expect(await cat('empty')).toEqual(NOTHING);
  expect(await cat('empty', '--last', '3')).toEqual(NOTHING);
});

test.each([
  [
    ['--after', '0'],
    [1, 2, 3, 4, 5],
  ],
  [
    ['--after', '3'],
    [4, 5],
  ],
  [['--after', '5'], []],
  [['--after', '6'], []],
  [['--after', String(Number.MAX_SAFE_INTEGER)], []],
  [['--last', '0'], []],
  [
    ['--last', '2'],
    [4, 5],
  ],
  [
    ['--last', '5'],
    [1, 2, 3, 4, 5],
  ],
  [
    ['--last', '9'],
    [1, 2, 3, 4, 5],
  ],
  [
    ['--after', '1', '--last', '9'],
    [2, 3, 4, 5],
  ],
  [
    ['--after', '1', '--last', '3'],
    [3, 4, 5],
  ],
] as const)('%j', async (args, positions) => {
  writeFileSync(path('talk.ndjson'), journalText(['a', 'b', 'c', 'd', 'e']));
  const stdout = positions.map((position) => line(position, 'abcde'[position - 1])).join('');
  expect(await runHere(['cat', path('talk.ndjson'), ...args])).toEqual({ code: 0, stdout, stderr: '' });
});

test.each(['x', '-1', '1.5', '1e3', '0x10', '', '9007199254740992'])('%j is no number of entries', async (value) => {
  writeFileSync(path('talk.ndjson'), journalText(['a']));
  for (const option of ['--after', '--last']) {
    const { code, stdout, stderr } = await runHere(['cat', path('talk.ndjson'), `${option}=${value}`]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^rx-scrivener: option '${option} .*Expected a safe integer >= 0\\.\n$`));
  }
});

test('what comes before damage is printed, then the damage is reported', async () => {
  writeFileSync(path('bad.ndjson'), journalText(['ü', 2, 3]) + 'secret\n' + line(4, 4));
  const stderr = `rx-scrivener: bad.ndjson, line 4 (byte ${Buffer.byteLength(journalText(['ü', 2, 3]))}): it is not JSON\n`;
  expect(await cat('bad.ndjson')).toEqual({ code: 1, signal: null, stdout: journalText(['ü', 2, 3]), stderr });
  expect(await cat('bad.ndjson', '--last', '1')).toEqual({ code: 1, signal: null, stdout: line(3, 3), stderr });
});

test('garbage after the last newline is damage, not a torn end', async () => {
  writeFileSync(path('bad.ndjson'), journalText([1]) + 'garbage');
  expect(await cat('bad.ndjson')).toMatchObject({ code: 1, stdout: line(1, 1) });
});

test('a missing file, a folder and a file that is not to be read are reported in one line', async () => {
  mkdirSync(path('folder'));
  expect(await cat('missing')).toEqual({
    ...NOTHING,
    code: 1,
    stderr: 'rx-scrivener: missing: no such file or directory\n',
  });
  const folder = await cat('folder');
  expect(folder).toMatchObject({ code: 1, stdout: '' });
  expect(folder.stderr).toBe('rx-scrivener: folder: it is a directory; name a journal in it\n');
});

test('its reader may stop, while it prints and before', async () => {
  writeFileSync(path('talk.ndjson'), journalText(Array.from({ length: 20_000 }, (_, n) => `${n} ${'x'.repeat(200)}`)));
  const { code, stdout, stderr } = await command.shell(
    'rx-scrivener cat talk.ndjson | head -n 1; echo "${PIPESTATUS[@]}"; rx-scrivener cat talk.ndjson | true; echo "${PIPESTATUS[@]}"',
    path(),
  );
  const first = line(1, `0 ${'x'.repeat(200)}`);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${first}0 0\n0 0\n`, stderr: '' });
});

onLinux('an output that takes no more is reported', async () => {
  writeFileSync(path('talk.ndjson'), journalText([1]));
  const { code, stderr } = await command.shell('rx-scrivener cat talk.ndjson >/dev/full', path());
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'rx-scrivener: standard output: no space left on device\n' });
});

test('more than a pipe holds arrives whole at a slow reader', async () => {
  const text = journalText(Array.from({ length: 5000 }, (_, n) => ({ n, text: 'ü🙂'.repeat(50) })));
  writeFileSync(path('talk.ndjson'), text);
  const { stdout } = await command.shell(
    '(rx-scrivener cat talk.ndjson | (sleep 0.5; cat) | cmp - talk.ndjson) && echo same',
    path(),
  );
  expect(stdout).toBe('same\n');
});

test('memory stays bounded, whatever the file', async () => {
  const lines = Array.from({ length: 40 }, (_, block) =>
    journalText(new Array<string>(1000).fill('x'.repeat(2000)), block * 1000 + 1),
  );
  writeFileSync(path('talk.ndjson'), lines.join('')); // 80 MB
  const limited = await command.shell(
    `"${process.execPath}" --max-old-space-size=24 "${command.main}" cat talk.ndjson --last 2`,
    path(),
  );
  expect(limited).toMatchObject({ code: 0, stdout: journalText(new Array<string>(2).fill('x'.repeat(2000)), 39_999) });
});

test('--type prints the entries of some types', async () => {
  const entries = [
    { type: 'Said' },
    { type: 'Asked' },
    { $type: 'ChatAck' },
    { type: 'a,b' },
    'Said',
    { type: 'Said' },
  ];
  writeFileSync(path('talk'), journalText(entries));
  const lines = journalText(entries).split(/(?<=\n)/);
  const printed = async (...args: string[]) => (await runHere(['cat', path('talk'), ...args])).stdout;
  expect(await printed('--type', 'Said')).toBe(lines[0]! + lines[5]!);
  expect(await printed('--type', 'Asked', '--type', 'ChatAck')).toBe(lines[1]! + lines[2]!);
  expect(await printed('--type', 'Asked,ChatAck')).toBe(lines[1]! + lines[2]!);
  expect(await printed('--type', 'a,b')).toBe(lines[3]);
  expect(await printed('--type', 'Said', '--last', '1')).toBe(lines[5]);
  expect(await printed('--type', 'Said', '--after', '1')).toBe(lines[5]);
  expect(await printed('--type', 'none')).toBe('');
});
