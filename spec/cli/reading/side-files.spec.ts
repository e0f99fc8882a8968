import { readdirSync, writeFileSync } from 'node:fs';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalText, line } from '../../file/support/journal-text';
import { useTempDir } from '../../file/support/temp-dir';
import { runHere } from '../support/run-here';

const path = useTempDir();

async function rotated(): Promise<void> {
  const scrivener = await openFileScrivener<number>({ filePath: path('j'), rotation: { maxBytes: 90 } });
  for (const n of [1, 2, 3, 4, 5]) await scrivener.whenFlushed(await scrivener.write(n));
  await scrivener.close();
  writeFileSync(path('j.0000000000000003.gz.tmp'), 'x');
}

test.each(['cat', 'tail', 'stats', 'repair', 'import'])('%s says what a file beside a journal is', async (name) => {
  await rotated();
  for (const [file, what] of [
    ['j.lock', 'the lock of j'],
    ['j.segments', 'the record of the segments of j'],
    ['j.0000000000000003.gz.tmp', 'what a crash has left beside j'],
  ] as const) {
    const before = readdirSync(path());
    expect(await runHere([name, path(file), ...(name === 'import' ? [path('new')] : [])])).toEqual({
      code: 1,
      stdout: '',
      stderr: `rx-scrivener: ${path(file)} is no journal, but ${what}\n`,
    });
    expect(readdirSync(path())).toEqual(before);
  }
});

test('verify of all files of a folder passes over them', async () => {
  await rotated();
  const { code, stdout, stderr } = await runHere(['verify', ...readdirSync(path()).map((name) => path(name))]);
  expect(code).toBe(0);
  expect(stderr.match(/ is no journal, but /g)).toHaveLength(3);
  expect(stdout).toBe(
    `${path('j')}: 5 entries, last position 5\n` +
      `${path('j.0000000000000001')}: 2 entries, last position 2\n` +
      `${path('j.0000000000000003')}: 2 entries, last position 4\n`,
  );
});

test('a journal may have such a name', async () => {
  for (const name of ['a.lock', 'a.segments']) {
    writeFileSync(path(name), journalText([1]));
    expect(await runHere(['cat', path(name)])).toMatchObject({ code: 0, stdout: line(1, 1) });
  }
});

test.each([[[]], [['--renumber']]])(
  'repair --dry-run %j says what repair does, and writes nothing',
  async (options) => {
    writeFileSync(path('talk'), journalText([1, 2]) + 'x\n' + line(4, 4));
    const dry = await runHere(['repair', '--dry-run', ...options, path('talk')]);
    expect(readdirSync(path())).toEqual(['talk']);
    const real = await runHere(['repair', ...options, path('talk')]);
    expect(dry.code).toBe(real.code);
    expect(dry.stdout).toBe(real.stdout);
    expect(dry.stderr.replace('rx-scrivener: a dry run: nothing is written; there would be\n', '')).toBe(real.stderr);
    expect(dry.stderr).not.toBe(real.stderr);
  },
);
