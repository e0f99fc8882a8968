import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalText, line } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();
const twelve = Array.from({ length: 12 }, (_, n) => n + 1);

test('prints the last ten lines, or as many as wanted', async () => {
  writeFileSync(path('talk.ndjson'), journalText(twelve));
  const ended = (args: string[]) => runHere(['tail', path('talk.ndjson'), ...args]);
  expect(await ended([])).toMatchObject({ code: 0, stdout: journalText(twelve.slice(2), 3), stderr: '' });
  expect(await ended(['-n', '2'])).toMatchObject({ code: 0, stdout: journalText([11, 12], 11) });
  expect(await ended(['-n', '0'])).toMatchObject({ code: 0, stdout: '' });
  expect(await ended(['-n', 'ten'])).toMatchObject({ code: 2, stdout: '' });
});

test('follows a writer in another process, and ends quietly when it is interrupted', async () => {
  const scrivener = await openFileScrivener<string>({ filePath: path('talk.ndjson'), flushIntervalMs: 0 });
  try {
    await scrivener.write('one');
    await scrivener.write('two');
    await scrivener.flush();
    const child = command.start(['tail', '-f', 'talk.ndjson', '-n', '1'], path());
    await child.prints('"two"');
    await scrivener.write('ü🙂');
    await scrivener.flush();
    await child.prints('ü🙂');
    child.process.kill('SIGINT');
    expect(await child.ended).toEqual({
      code: 0,
      signal: null,
      stdout: line(2, 'two') + line(3, 'ü🙂'),
      stderr: '',
    });
  } finally {
    await scrivener.close();
  }
});

test('waits for the rest of a torn line, and follows an empty file', async () => {
  const third = Buffer.from(line(3, 'ü'));
  writeFileSync(path('talk.ndjson'), '');
  const child = command.start(['tail', '--follow', 'talk.ndjson'], path());
  appendFileSync(path('talk.ndjson'), journalText([1, 2]));
  await child.prints(line(2, 2));
  for (const byte of third) appendFileSync(path('talk.ndjson'), Buffer.of(byte));
  await child.prints(line(3, 'ü'));
  child.process.kill('SIGTERM');
  expect(await child.ended).toMatchObject({ code: 0, stdout: journalText([1, 2, 'ü']), stderr: '' });
});

test('follows a journal whose segments were retired and whose active file is still empty', async () => {
  writeFileSync(path('talk.ndjson'), '');
  writeFileSync(path('talk.ndjson.segments'), '{"schemaVersion":"1","first":21,"segments":[]}\n');
  const child = command.start(['tail', '-f', 'talk.ndjson'], path());
  appendFileSync(path('talk.ndjson'), line(21, 'first'));
  await child.prints('"first"');
  child.process.kill('SIGTERM');
  expect(await child.ended).toMatchObject({ code: 0, stdout: line(21, 'first'), stderr: '' });
});

test('a line that waits for its newline is printed once', async () => {
  writeFileSync(path('talk.ndjson'), journalText([1, 2]).trimEnd());
  const child = command.start(['tail', '-f', 'talk.ndjson'], path());
  await child.prints(line(2, 2));
  appendFileSync(path('talk.ndjson'), '\n' + line(3, 3));
  await child.prints(line(3, 3));
  expect(child.stdout).toBe(journalText([1, 2, 3]));
});

test('damage ends it, before it follows and after', async () => {
  writeFileSync(path('bad.ndjson'), journalText([1]) + 'x\n');
  expect(await command.run(['tail', '-f', 'bad.ndjson'], path())).toMatchObject({
    code: 1,
    stdout: journalText([1]),
    stderr: 'rx-scrivener: bad.ndjson, line 2 (byte 45): it is not JSON\n',
  });

  writeFileSync(path('talk.ndjson'), journalText([1, 2]));
  const child = command.start(['tail', '-f', 'talk.ndjson'], path());
  await child.prints(line(2, 2));
  appendFileSync(path('talk.ndjson'), line(3, 3));
  await child.prints(line(3, 3));
  truncateSync(path('talk.ndjson'), 60);
  const { code, stderr } = await child.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^rx-scrivener: talk\.ndjson, line \d+ \(byte 60\): the file was cut to 60 bytes .*\n$/);
});

test('its reader may stop', async () => {
  writeFileSync(path('talk.ndjson'), journalText(twelve));
  // The line that finds nobody comes when the pipe is closed.
  const append = `printf '%s\\n' '${line(13, 13).trimEnd()}' >>talk.ndjson`;
  const script = `(rx-scrivener tail -f talk.ndjson; echo "code $?" >&2) | { head -n 1; exec <&-; ${append}; }`;
  const { stdout, stderr } = await command.shell(script, path());
  expect({ stdout, stderr }).toEqual({ stdout: line(3, 3), stderr: 'code 0\n' });
});

test('a missing file is reported', async () => {
  for (const args of [['tail'], ['tail', '-f']]) {
    expect(await command.run([...args, 'missing'], path())).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'rx-scrivener: missing: no such file or directory\n',
    });
  }
});

test('--after begins there, also where it follows', async () => {
  writeFileSync(path('talk.ndjson'), journalText(twelve));
  const ended = (args: string[]) => runHere(['tail', path('talk.ndjson'), ...args]);
  expect(await ended(['--after', '1'])).toMatchObject({ code: 0, stdout: journalText(twelve.slice(1), 2), stderr: '' });
  expect(await ended(['--after', '1', '-n', '2'])).toMatchObject({ code: 0, stdout: journalText([11, 12], 11) });
  expect(await ended(['--after', '11', '-n', '5'])).toMatchObject({ code: 0, stdout: line(12, 12) });
  expect(await ended(['--after', '99'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  for (const args of [
    ['--after', '10'],
    ['--after', '10', '-n', '9'],
  ]) {
    const child = command.start(['tail', '-f', 'talk.ndjson', ...args], path());
    await child.prints(line(12, 12));
    child.process.kill('SIGINT');
    await child.ended;
    expect(child.stdout).toBe(journalText([11, 12], 11));
  }
});
