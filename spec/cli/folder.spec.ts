import { mkdirSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { openJournalFolder } from 'rx-scrivener/file';
import { journalText, line } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();
const run = (...args: string[]) => command.run(args, path());

/** Two journals of `openJournalFolder`, one file, and what is none. */
async function fill(): Promise<void> {
  await using journals = await openJournalFolder<{ type: string }>({ folder: path('chats') });
  await journals.journal('Ann/1').write({ type: 'Said' });
  await journals.journal('ben').write({ type: 'Said' });
  await journals.journal('ben').write({ type: 'Left' });
  writeFileSync(path('chats/old.ndjson'), journalText([{ type: 'Said' }]));
  writeFileSync(path('chats/old.ndjson.lock'), '');
  writeFileSync(path('chats/notes.txt'), 'x');
}

test('verify of a folder says of each of its journals whether it is whole', async () => {
  await fill();
  writeFileSync(path('other.ndjson'), journalText([1]));
  expect(await run('verify', 'chats', 'other.ndjson')).toMatchObject({
    code: 0,
    stdout:
      'chats/^ann%2f1/journal.ndjson: 1 entry, last position 1\n' +
      'chats/ben/journal.ndjson: 2 entries, last position 2\n' +
      'chats/old.ndjson: 1 entry, last position 1\n' +
      'other.ndjson: 1 entry, last position 1\n',
    stderr: '',
  });
  writeFileSync(path('chats/old.ndjson'), journalText([1]) + line(3, 'x'));
  const damaged = await run('verify', 'chats');
  expect(damaged.code).toBe(1);
  expect(damaged.stdout).toMatch(/^.*\n.*\nchats\/old\.ndjson, line 2 \(byte \d+\): its position is 3/);
});

test('verify of a folder that cannot be read says so, and continues with the others', async () => {
  const [locked, whole] = [path('locked'), path('whole.ndjson')];
  mkdirSync(locked);
  writeFileSync(whole, journalText([1]));
  const denied = Object.assign(new Error('EACCES: permission denied, scandir'), { code: 'EACCES', path: locked });
  // Root, who may run the specs, may read everything.
  const readdir = jest.spyOn(promises, 'readdir');
  const error = `${locked}: permission denied`;
  readdir.mockRejectedValueOnce(denied);
  expect(await runHere(['verify', locked, whole])).toEqual({
    code: 1,
    stdout: `${whole}: 1 entry, last position 1\n`,
    stderr: `rx-scrivener: ${error}\n`,
  });
  readdir.mockRejectedValueOnce(denied);
  const { code, stdout } = await runHere(['verify', '--json', locked, whole]);
  const [first, second] = stdout.split('\n');
  expect([code, JSON.parse(first!)]).toEqual([1, { file: locked, ok: false, error }]);
  expect(JSON.parse(second!)).toMatchObject({ file: whole, ok: true });
});

test('stats of a folder adds its journals up', async () => {
  await fill();
  const { code, stdout } = await run('stats', 'chats');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^chats\njournals 3\nentries {2}4\nbytes {4}\d+, .* an entry\ntypes {4}Said 3, Left 1\n/);
  const asJson = await run('stats', '--json', 'chats');
  const figures = JSON.parse(asJson.stdout) as object;
  expect(figures).toMatchObject({ file: 'chats', journals: 3, entries: 4 });
  expect(figures).not.toHaveProperty('lastPosition');
});

test('stats of a folder in which one is damaged names that one, and adds nothing up', async () => {
  await fill();
  writeFileSync(path('chats/old.ndjson'), 'damaged\n');
  const { code, stdout, stderr } = await run('stats', 'chats');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('chats/old.ndjson, line 1');
});

test('a folder without a journal is reported in one line', async () => {
  mkdirSync(path('empty'));
  for (const name of ['verify', 'stats']) {
    const { code, stderr } = await run(name, 'empty');
    expect([code, stderr]).toEqual([1, 'rx-scrivener: empty: it is a directory; name a journal in it\n']);
  }
});
