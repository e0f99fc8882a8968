import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { readJournal } from 'rx-scrivener/file';
import { journalText, line, textOf } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();
const samples = join(__dirname, '../file/samples');
const imported = (old: string, output = path('new')) => runHere(['import', old, output]);

test('the runs of the reference implementation become one journal', async () => {
  const old = join(samples, 'coven-many-runs.ndjson');
  expect(await command.run(['import', old, 'new/talk.ndjson'], path())).toEqual({
    code: 0,
    signal: null,
    stdout: 'new/talk.ndjson: 78 entries of 29 runs\n',
    stderr: '',
  });
  const records = (filePath: string, restarts?: 'renumber') =>
    lastValueFrom(readJournal(filePath, { restarts }).pipe(toArray()));
  const converted = await records(path('new', 'talk.ndjson'));
  expect(converted).toHaveLength(78);
  expect(converted).toEqual(await records(old, 'renumber'));
  // All but the positions stays as it stands.
  const unnumbered = (filePath: string) => textOf(filePath).replaceAll(/(?<="position":)\d+(?=,"entry")/gm, '');
  expect(unnumbered(path('new', 'talk.ndjson'))).toBe(unnumbered(old));
});

test('a single run is copied as it is', async () => {
  const old = join(samples, 'coven-single-run.ndjson');
  expect(await imported(old)).toEqual({ code: 0, stdout: `${path('new')}: 11 entries of 1 run\n`, stderr: '' });
  expect(textOf(path('new'))).toBe(textOf(old));
});

test('what JavaScript would change in an entry stays as it is', async () => {
  const entry = '{"z":12345678901234567890,"a":1.0,"e":"\\u00fc\\ud83d","position":1}';
  const lines = [1, 1, 2].map((position) => `{"schemaVersion":"1","position":${position},"entry":${entry}}\n`);
  writeFileSync(path('old'), lines.join(''));
  expect((await imported(path('old'))).code).toBe(0);
  expect(textOf(path('new'))).toBe(lines[0]! + lines[2]! + lines[2]!.replace('2', '3'));
});

test('a line that is laid out otherwise is written again', async () => {
  writeFileSync(
    path('old'),
    line(1, 1) +
      '{"position":1,"schemaVersion":"1","entry":{"b":"ü","a":0}}\n' +
      '{"schemaVersion":"1","position":7,"entry":3,"position":2}\n' +
      '{"schemaVersion" : "1", "position" : 3, "entry" : 4}\n',
  );
  expect((await imported(path('old'))).code).toBe(0);
  expect(textOf(path('new'))).toBe(
    line(1, 1) + line(2, { a: 0, b: 'ü' }) + line(3, 3) + '{"schemaVersion" : "1", "position" : 4, "entry" : 4}\n',
  );
});

test('more lines than go into a batch', async () => {
  const run = journalText(Array.from({ length: 2500 }, (_, n) => n));
  writeFileSync(path('old'), run + run);
  expect((await imported(path('old'))).stdout).toBe(`${path('new')}: 5000 entries of 2 runs\n`);
  expect(textOf(path('new'))).toBe(
    run +
      journalText(
        Array.from({ length: 2500 }, (_, n) => n),
        2501,
      ),
  );
});

test('a torn end is left out, and an empty file makes an empty journal', async () => {
  writeFileSync(path('old'), line(1, 1) + line(1, 2) + '{"schemaVersion":"1","position":2,"en');
  expect(await imported(path('old'))).toEqual({
    code: 0,
    stdout: `${path('new')}: 2 entries of 2 runs\n`,
    stderr: 'rx-scrivener: left out a torn end of 37 bytes\n',
  });
  writeFileSync(path('empty'), '');
  expect((await imported(path('empty'), path('new2'))).stdout).toBe(`${path('new2')}: 0 entries of 0 runs\n`);
  expect(textOf(path('new2'))).toBe('');
});

test('damage ends it, and leaves nothing behind', async () => {
  writeFileSync(path('old'), journalText([1, 2]) + line(1, 3) + line(3, 4));
  const { code, stdout, stderr } = await imported(path('old'));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/old, line 4 \(byte 135\): its position is 3 where 2 is next; .*repair --renumber/);
  expect(readdirSync(path())).toEqual(['old']);
});

test('an existing file is not overwritten, and a missing one is reported', async () => {
  writeFileSync(path('old'), journalText([1]));
  writeFileSync(path('new'), 'precious');
  expect(await imported(path('old'))).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `rx-scrivener: ${path('new')} is there already, and is not overwritten\n`,
  });
  expect(textOf(path('new'))).toBe('precious');
  expect(await imported(path('old'), path('old'))).toMatchObject({ code: 1 });
  expect(textOf(path('old'))).toBe(journalText([1]));
  expect(await imported(path('missing'), path('x', 'y'))).toEqual({
    code: 1,
    stdout: '',
    stderr: `rx-scrivener: ${path('missing')}: no such file or directory\n`,
  });
  expect(readdirSync(path()).sort()).toEqual(['new', 'old']);
});
