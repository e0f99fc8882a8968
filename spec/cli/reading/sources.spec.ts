import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalText, line, textOf } from '../../file/support/journal-text';
import { useTempDir } from '../../file/support/temp-dir';
import { useCommand } from '../support/installed-command';
import { runHere } from '../support/run-here';

const command = useCommand();
const path = useTempDir();
const three = journalText([1, { type: 'Said' }, 'ü']);

describe.each([
  ['cat', three],
  ['tail', three],
  ['tail -f', three],
  ['tail -n 1', line(3, 'ü')],
  ['cat --after 2', line(3, 'ü')],
  ['cat --last 1', line(3, 'ü')],
  ['verify', /: 3 entries, last position 3\n$/],
  ['stats', /\nentries {2}3, positions 1 to 3\n/],
])('%s reads', (words, expected) => {
  const expectIt = ({ code, stdout, stderr }: { code: number | null; stdout: string; stderr: string }) => {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    if (typeof expected === 'string') expect(stdout).toBe(expected);
    else expect(stdout).toMatch(expected);
  };
  const args = words.split(' ');

  test('the standard input', async () => {
    expectIt(await runHere([...args, '-'], three));
    writeFileSync(path('talk'), three);
    expectIt({ ...(await command.shell(`rx-scrivener ${words} - <talk`, path())), code: 0 });
    expectIt({ ...(await command.shell(`cat talk | rx-scrivener ${words} -`, path())), code: 0 });
  });

  test('a pipe with a name', async () => {
    writeFileSync(path('talk'), three);
    expectIt({ ...(await command.shell(`rx-scrivener ${words} <(cat talk)`, path())), code: 0 });
    execFileSync('mkfifo', [path('fifo')]);
    expectIt({ ...(await command.shell(`cat talk >fifo & rx-scrivener ${words} fifo`, path())), code: 0 });
  });

  test('a compressed file', async () => {
    writeFileSync(path('talk.gz'), gzipSync(three));
    writeFileSync(path('talk'), gzipSync(three));
    expectIt(await runHere([...args, path('talk.gz')]));
    expectIt(await runHere([...args, path('talk')]));
  });
});

test.each([undefined, 'gzip' as const])(
  'a closed segment is read without its journal, compressed: %s',
  async (compress) => {
    const scrivener = await openFileScrivener<number>({ filePath: path('j'), rotation: { maxBytes: 90, compress } });
    for (const n of [1, 2, 3, 4, 5]) await scrivener.whenFlushed(await scrivener.write(n));
    await scrivener.close();
    mkdirSync(path('alone'));
    const name = readdirSync(path()).find((file) => file.startsWith('j.0000000000000003'))!;
    copyFileSync(path(name), path('alone', name));
    const segment = path('alone', name);
    expect(await runHere(['cat', segment])).toEqual({ code: 0, stdout: journalText([3, 4], 3), stderr: '' });
    expect((await runHere(['verify', segment])).stdout).toBe(`${segment}: 2 entries, last position 4\n`);
    const repaired = await runHere(['repair', segment, '--output', path('new')]);
    expect(repaired).toEqual({ code: 0, stdout: `${path('new')}: 2 entries, positions 3 to 4\n`, stderr: '' });
    expect(textOf(path('new'))).toBe(journalText([3, 4], 3));
  },
);

test('of a file whose closed segments are elsewhere, what is missing is reported', async () => {
  writeFileSync(path('talk'), journalText([5, 6], 5));
  const { code, stderr } = await runHere(['cat', path('talk')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/its position is 5 where 1 is next; put the closed segments .* `rx-scrivener repair`/);
});

test('a pipe may begin anywhere, and is damaged where it does not continue', async () => {
  expect((await runHere(['cat', '-'], journalText([5, 6], 5))).stdout).toBe(journalText([5, 6], 5));
  const { code, stdout } = await runHere(['verify', '-'], journalText([5, 6], 5) + line(8, 8));
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout:
      'standard input, line 3 (byte 90): its position is 8 where 7 is next; before it 2 entries, last position 6\n' +
      '-: it can be read only once, so what comes after the damage was not looked at\n',
  });
});

test.each(['cat', 'verify', 'stats', 'import', 'tail'])('what cannot be decompressed is told: %s', async (name) => {
  const all = gzipSync(journalText(Array.from({ length: 5000 }, (_, n) => ({ n, random: Math.random() }))));
  writeFileSync(path('talk.gz'), all.subarray(0, all.length / 2));
  const { code, stdout, stderr } = await runHere([name, path('talk.gz'), ...(name === 'import' ? [path('new')] : [])]);
  expect(code).toBe(1);
  expect(stdout + stderr).toContain('it cannot be decompressed');
  writeFileSync(path('empty.gz'), '');
  expect((await runHere([name, path('empty.gz'), ...(name === 'import' ? [path('new')] : [])])).code).toBe(1);
});

test('a live pipe is printed as it comes', async () => {
  writeFileSync(path('talk'), journalText([1]));
  const child = command.start(['tail', '-f', 'talk'], path());
  await child.prints(line(1, 1));
  const script = `(cat talk; sleep 30) | rx-scrivener cat - | head -n 1`;
  const begin = performance.now();
  const { stdout } = await command.shell(
    `timeout 5 bash -c '${script.replace('rx-scrivener', `"${process.execPath}" "${command.main}"`)}'`,
    path(),
  );
  expect(stdout).toBe(line(1, 1));
  expect(performance.now() - begin).toBeGreaterThan(0);
});

test('links that lead in a circle are reported', async () => {
  symlinkSync(path('b'), path('a'));
  symlinkSync(path('a'), path('b'));
  expect(await runHere(['cat', path('a')])).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('too many symbolic links') as string,
  });
});
