import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { journalText, line } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();
const verify = (...args: string[]) => command.run(['verify', ...args], path());
const objects = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as unknown);

test('says what whole journals hold', async () => {
  writeFileSync(path('a.ndjson'), journalText(['ü', 2, 3]));
  writeFileSync(path('b.ndjson'), journalText([1]));
  writeFileSync(path('empty'), '');
  expect(await verify('a.ndjson', 'b.ndjson', 'empty')).toEqual({
    code: 0,
    signal: null,
    stdout:
      'a.ndjson: 3 entries, last position 3\nb.ndjson: 1 entry, last position 1\nempty: 0 entries, last position 0\n',
    stderr: '',
  });
});

test('damaged, missing and whole ones in one go', async () => {
  writeFileSync(path('whole'), journalText([1]));
  writeFileSync(path('bad'), journalText(['ü']) + line(3, 'secret'));
  mkdirSync(path('folder'));
  const args = ['bad', 'missing', 'folder', 'whole'];
  const { code, stdout, stderr } = await verify(...args);
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout:
      'bad, line 2 (byte 48): its position is 3 where 2 is next; before it 1 entry, last position 1\n' +
      'whole: 1 entry, last position 1\n',
  });
  expect(stderr).toMatch(
    /^rx-scrivener: missing: no such file or directory\nrx-scrivener: folder: it is a directory; name a journal in it\n$/,
  );

  const asJson = await verify('--json', ...args);
  expect(asJson.code).toBe(1);
  expect(objects(asJson.stdout)).toEqual([
    {
      file: 'bad',
      ok: false,
      entries: 1,
      lastPosition: 1,
      bytes: 48,
      line: 2,
      byteOffset: 48,
      reason: 'its position is 3 where 2 is next',
      damage: [{ file: 'bad', line: 2, byteOffset: 48, reason: 'its position is 3 where 2 is next' }],
      more: 0,
      readable: 2,
      tornBytes: 0,
    },
    { file: 'missing', ok: false, error: 'missing: no such file or directory' },
    { file: 'folder', ok: false, error: 'folder: it is a directory; name a journal in it' },
    { file: 'whole', ok: true, entries: 1, lastPosition: 1, bytes: 45, tornBytes: 0 },
  ]);
});

test.each([
  ['nothing', '', 0],
  ['the beginning of a line', '{"schemaVersion":"1","posi', 26],
  ['a cut character', Buffer.from('{"schemaVersion":"1","position":3,"entry":"ü').subarray(0, -1), 44],
  ['zeros', '\0'.repeat(5), 5],
  ['a whole line without its newline', line(3, 3).trimEnd(), 0],
  ['a whole line and zeros', line(3, 3).trimEnd() + '\0\0\0', 3],
])('a torn end: %s', async (_, end, tornBytes) => {
  writeFileSync(path('talk'), Buffer.concat([Buffer.from(journalText(['ü', 2])), Buffer.from(end)]));
  const { code, stdout } = await runHere(['verify', path('talk'), '--json']);
  expect(code).toBe(0);
  expect(objects(stdout)).toEqual([expect.objectContaining({ ok: true, tornBytes })]);
  const { stdout: text } = await runHere(['verify', path('talk')]);
  expect(text).toMatch(
    tornBytes > 0 ? `, then a torn end of ${tornBytes} bytes, which opening the journal cuts off\n` : /\d\n$/,
  );
});

test('a file that is torn in its first line has no entries', async () => {
  writeFileSync(path('talk'), '{"schema');
  expect((await verify('talk')).stdout).toBe(
    'talk: 0 entries, last position 0, then a torn end of 8 bytes, which opening the journal cuts off\n',
  );
  writeFileSync(path('text'), 'hello');
  expect((await verify('text')).stdout).toMatch('text, line 1 (byte 0): it is not JSON');
});

test('names the way out of a file of several runs', async () => {
  const sample = join(__dirname, '../file/samples/coven-many-runs.ndjson');
  const { code, stdout } = await verify(sample);
  expect(code).toBe(1);
  expect(stdout).toMatch(/, line 7 \(byte 799\): positions start again at 1 .*`rx-scrivener import OLD NEW`/);
  expect(stdout).not.toMatch('readJournal');
});

test('a name cannot command the terminal', async () => {
  writeFileSync(path('a\u001b[31m'), '');
  expect((await verify('a\u001b[31m', 'b\u001b[31m')).stdout).toBe('a\\u001b[31m: 0 entries, last position 0\n');
  expect((await verify('b\u001b[31m')).stderr).toBe('rx-scrivener: b\\u001b[31m: no such file or directory\n');
});

test('needs a file', async () => {
  expect(await verify()).toEqual({
    code: 2,
    signal: null,
    stdout: '',
    stderr: "rx-scrivener: missing required argument 'file'\n",
  });
});

test('what is not a journal is said with what to do', async () => {
  writeFileSync(path('log.jsonl'), '{"role":"user"}\n');
  writeFileSync(path('a.gz'), 'hello\n');
  expect((await verify('log.jsonl')).stdout).toMatch(
    /`rx-scrivener import OLD NEW` makes a journal of it; before it 0/,
  );
  expect((await command.run(['cat', 'log.jsonl'], path())).stderr).toMatch('`rx-scrivener import OLD NEW`');
  expect((await verify('a.gz')).stdout).toMatch('; its name ends with .gz, but it is not compressed with gzip;');
});

describe('all damage', () => {
  const torn = (text: string) => text.slice(0, 20) + '\n';

  test('each damaged line is reported, and reading continues with the next whole one', async () => {
    const lines = [line(1, 'a'), torn(line(2, 'b')), line(3, 'c'), '\n', line(4, 'd'), line(4, 'e'), line(9, 'f')];
    const text = lines.join('') + '{"schemaVersion":"1","pos';
    writeFileSync(path('bad'), text);
    const at = (index: number) => Buffer.byteLength(lines.slice(0, index).join(''));
    const { code, stdout, stderr } = await verify('bad');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toBe(
      `bad, line 2 (byte ${at(1)}): it is not JSON; before it 1 entry, last position 1\n` +
        `bad, line 4 (byte ${at(3)}): it is not JSON\n` +
        `bad, line 6 (byte ${at(5)}): its position is 4 where 5 is next\n` +
        `bad, line 7 (byte ${at(6)}): its position is 9 where 5 is next\n` +
        'bad: 4 damaged lines; 5 entries can be read\n' +
        'bad: at the end a torn line of 25 bytes\n',
    );
    const [found] = objects((await verify('bad', '--json')).stdout);
    expect(found).toMatchObject({ ok: false, entries: 1, line: 2, more: 0, readable: 5, tornBytes: 25 });
    expect(found).toMatchObject({
      damage: [
        { file: 'bad', line: 2, byteOffset: at(1), reason: 'it is not JSON' },
        { file: 'bad', line: 4, byteOffset: at(3) },
        { file: 'bad', line: 6, byteOffset: at(5) },
        { file: 'bad', line: 7, byteOffset: at(6) },
      ],
    });
    expect(readFileSync(path('bad'), 'utf8')).toBe(text);
    expect(readdirSync(path())).toEqual(['bad']);
  });

  test('20 are described, the others counted', async () => {
    writeFileSync(path('bad'), journalText([1]) + 'x\n'.repeat(5000) + line(5002, 2));
    const { code, stdout } = await runHere(['verify', path('bad')]);
    expect(code).toBe(1);
    expect(stdout.match(/it is not JSON/g)).toHaveLength(20);
    expect(stdout).toMatch(/: 4980 further damaged lines not shown\n.*: 5000 damaged lines; 2 entries can be read\n$/);
    const [found] = objects((await runHere(['verify', path('bad'), '--json'])).stdout) as [{ damage: unknown[] }];
    expect(found).toMatchObject({ more: 4980, readable: 2 });
    expect(found.damage).toHaveLength(20);
  });

  test('in closed segments, compressed ones and the active file', async () => {
    writeFileSync(path('talk.0000000000000001.gz'), gzipSync(line(1, 1) + 'x\n' + line(3, 3)));
    writeFileSync(path('talk.0000000000000004'), line(4, 4) + '\0\n');
    writeFileSync(path('talk'), line(6, 6) + 'x\n' + line(8, 8));
    const { code, stdout } = await verify('talk');
    expect(code).toBe(1);
    expect([...stdout.matchAll(/^(.*, line \d+) \(byte/gm)].map(([, where]) => where)).toEqual([
      'talk.0000000000000001.gz, line 2',
      'talk.0000000000000004, line 2',
      'talk, line 2',
    ]);
    expect(stdout).toMatch('talk: 3 damaged lines; 5 entries can be read\n');
  });

  test('entries that are glued together are one damaged line', async () => {
    const glued = (first: number) => [0, 1, 2].map((n) => line(first + n, n).trimEnd()).join('') + '\n';
    writeFileSync(path('bad'), line(1, 1) + glued(2) + line(5, 5) + glued(6) + line(9, 9) + 'x\n');
    const { stdout } = await verify('bad');
    expect([...stdout.matchAll(/, line (\d+) /g)].map(([, found]) => found)).toEqual(['2', '4', '6']);
    expect(stdout).toMatch('bad: 3 damaged lines; 9 entries can be read\n');
  });

  test('a segment that is missing is reported once', async () => {
    writeFileSync(path('talk.0000000000000001'), line(1, 1));
    writeFileSync(path('talk.0000000000000003'), line(3, 3) + 'x\n');
    writeFileSync(path('talk'), line(5, 5));
    const { stdout } = await verify('talk');
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^talk, line 1 \(byte 0\): the segment that begins with position 2 is missing/),
      'talk.0000000000000003, line 2 (byte 45): it is not JSON',
      'talk: 2 damaged lines; 3 entries can be read',
    ]);
  });

  test('a group that is not whole is damaged in each of its lines', async () => {
    const begun = line(2, 'b').replace('}\n', '} }\n').replace('} }', ' }');
    writeFileSync(path('bad'), line(1, 1) + begun + line(9, 9) + line(10, 10));
    const { stdout } = await verify('bad');
    expect(stdout).toMatch(
      /, line 2 \(byte 45\): its group is not whole\n.*, line 3 .*: its position is 9 where 3 is next; before it/,
    );
    expect(stdout).toMatch('2 damaged lines; 3 entries can be read');
  });

  test('what comes through a pipe is not read a second time', async () => {
    const { code, stdout } = await runHere(['verify', '-'], line(1, 1) + 'x\nx\n');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /, line 2 .*\n-: it can be read only once, so what comes after the damage was not looked at\n$/,
    );
  });
});
