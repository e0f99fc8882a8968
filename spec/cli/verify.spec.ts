import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  expect(stderr).toMatch(/^rx-scrivener: missing: no such file or directory\nrx-scrivener: folder: [^\n]*directory\n$/);

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
    },
    { file: 'missing', ok: false, error: 'missing: no such file or directory' },
    { file: 'folder', ok: false, error: expect.stringMatching(/^folder: .*directory$/) as string },
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
  expect(text).toMatch(tornBytes > 0 ? `, then a torn end of ${tornBytes} bytes\n` : /\d\n$/);
});

test('a file that is torn in its first line has no entries', async () => {
  writeFileSync(path('talk'), '{"schema');
  expect((await verify('talk')).stdout).toBe('talk: 0 entries, last position 0, then a torn end of 8 bytes\n');
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
