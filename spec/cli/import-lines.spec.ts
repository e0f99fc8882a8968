import { readdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { readJournal } from 'rx-scrivener/file';
import { line, textOf } from '../file/support/journal-text';
import { outcomeOf } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { runHere } from './support/run-here';

const path = useTempDir();
const PINO =
  '{"level":30,"time":1700000000000,"pid":1,"msg":"ü"}\n{"level":50,"time":1700000000001,"pid":1,"err":{}}\n';

async function imported(text: string | Buffer, ...args: string[]) {
  writeFileSync(path('old'), text);
  const { code, stdout, stderr } = await runHere(['import', path('old'), path('new'), ...args]);
  const { values } = await outcomeOf(readJournal(path('new')));
  return { code, stdout: stdout.replaceAll(path() + '/', ''), stderr, entries: values.map(({ entry }) => entry) };
}

test('each line becomes an entry, in their order, unchanged', async () => {
  const text = PINO + '12345678901234567890\n"text"\n[1, 2]\nnull\n{ "b": 1.0, "a": 2 }\n';
  expect(await imported(text)).toMatchObject({ code: 0, stdout: 'new: 7 entries\n', stderr: '' });
  const lines = text.trimEnd().split('\n');
  const expected = lines.map((json, n) => `{"schemaVersion":"1","position":${n + 1},"entry":${json}}\n`);
  expect(textOf(path('new'))).toBe(expected.join(''));
});

test('from the standard input, or compressed', async () => {
  expect(await runHere(['import', '-', path('piped')], PINO)).toMatchObject({ code: 0, stderr: '' });
  expect((await imported(gzipSync(PINO))).code).toBe(0);
  expect(textOf(path('piped'))).toBe(textOf(path('new')));
  expect(await runHere(['import', '-', path('empty')])).toMatchObject({
    code: 0,
    stdout: `${path('empty')}: 0 entries of 0 runs\n`,
  });
  const runs = await runHere(['import', '-', path('runs')], line(1, 'a') + line(1, 'b'));
  expect(runs.stdout).toBe(`${path('runs')}: 2 entries of 2 runs\n`);
});

test('a byte order mark, blank lines, carriage returns and a last line without its end are no matter', async () => {
  const { entries, code } = await imported('\uFEFF{"a":1}\r\n\r\n\n  {"a":2}  \n{"a":3}');
  expect({ entries, code }).toEqual({ entries: [{ a: 1 }, { a: 2 }, { a: 3 }], code: 0 });
});

test('a line may be longer than a block', async () => {
  const long = { text: 'ü'.repeat(2_000_000) };
  expect((await imported(`${JSON.stringify(long)}\n{"a":1}\n`)).entries).toEqual([long, { a: 1 }]);
});

test.each<[string, string | Buffer, number, string]>([
  ['no JSON', '{"a":1}\nhello\n', 2, 'it is not JSON'],
  ['a torn one', '{"a":1}\n\n{"a":', 3, 'it is not JSON'],
  ['no UTF-8', Buffer.from([0x7b, 0x7d, 10, 0x22, 0xff, 0x22, 10]), 2, 'it is not UTF-8'],
  ['two on one line', '{"a":1}{"a":2}\n', 1, 'it is not JSON'],
])('a line that is none is told with its number, and nothing is imported: %s', async (_, text, at, reason) => {
  expect(await imported(text)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `rx-scrivener: ${path('old')}, line ${at}: ${reason}; nothing was imported\n`,
  });
  expect(readdirSync(path())).toEqual(['old']);
});

describe('--type', () => {
  test('names the field that tells the type', async () => {
    expect((await imported(PINO, '--type', 'level')).entries).toEqual([
      { type: '30', level: 30, time: 1700000000000, pid: 1, msg: 'ü' },
      { type: '50', level: 50, time: 1700000000001, pid: 1, err: {} },
    ]);
    expect(textOf(path('new'))).toContain('"entry":{"type":"30","level":30,"time"');
  });

  test('says which entries have none', async () => {
    const { entries, stderr } = await imported('{"role":"user"}\n{"role":null}\n[1]\n{}\n', '--type', 'role');
    expect(entries).toEqual([{ type: 'user', role: 'user' }, { role: null }, [1], {}]);
    expect(stderr).toBe('rx-scrivener: 3 lines without "role" made entries without a type\n');
  });

  test('does not replace another type', async () => {
    expect((await imported('{"type":"user","role":"user"}\n', '--type', 'role')).entries).toEqual([
      { type: 'user', role: 'user' },
    ]);
    const { code, stderr } = await runHere(
      ['import', '-', path('other'), '--type', 'role'],
      '{"type":"a","role":"b"}\n',
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'rx-scrivener: standard input, line 1: it has another "type" already; nothing was imported\n',
    });
  });

  test('is not for journals', async () => {
    expect(await imported(line(1, { role: 'user' }), '--type', 'role')).toMatchObject({
      code: 1,
      stderr: `rx-scrivener: ${path('old')} is a journal: its entries keep their types\n`,
    });
  });
});
