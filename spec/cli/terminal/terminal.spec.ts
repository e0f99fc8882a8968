import { mkdirSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../../../lib/cli/program';
import { Terminal } from '../../../lib/cli/terminal/terminal';
import { journalText } from '../../file/support/journal-text';
import { useTempDir } from '../../file/support/temp-dir';
import { runHere } from '../support/run-here';

const path = useTempDir();

const codes = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const COMMANDS = [
  ...codes(0x7f, 0x9f),
  0x061c,
  ...codes(0x200e, 0x200f),
  ...codes(0x202a, 0x202e),
  ...codes(0x2066, 0x2069),
];
const raw = String.fromCharCode(...COMMANDS);
const escaped = COMMANDS.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');

/** Runs a command whose output is a terminal. */
async function atTerminal(...args: string[]): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { isTTY: true });
  const printed = text(stdout);
  await run(args, '0.0.0', new Terminal(stdout, new PassThrough()));
  stdout.end();
  return printed;
}

test.each([['cat'], ['cat', '--last', '1'], ['tail']])('a text cannot command a terminal: %j', async (...args) => {
  const all = journalText([`ü🙂\u2028${raw}\u001b[31m`]);
  writeFileSync(path('talk'), all);
  const printed = await atTerminal(...args, path('talk'));
  expect(printed).toBe(all.replace(raw, escaped));
  expect(JSON.parse(printed)).toEqual(JSON.parse(all));
  expect((await runHere([...args, path('talk')])).stdout).toBe(all);
});

test('nor can a type, or a name, wherever it is printed', async () => {
  mkdirSync(path(raw));
  const file = path(raw, `talk${raw}`);
  writeFileSync(file, journalText([{ type: raw }]));
  const outputs = [
    await atTerminal('stats', file),
    await atTerminal('stats', '--json', file),
    await atTerminal('verify', file),
    await atTerminal('verify', '--json', file),
    (await runHere(['verify', file])).stdout,
    (await runHere(['stats', file])).stdout,
    (await runHere(['repair', file])).stdout,
    (await runHere(['import', file, `${file}.new`])).stdout,
    ...(await Promise.all(
      [
        ['cat', `${file}.missing`],
        ['tail', `${file}.missing`],
        ['verify', `${file}.missing`],
        ['repair', file],
        [`--${raw}`],
        ['tail', '-n', raw, file],
        [raw],
      ].map(async (args) => (await runHere(args)).stderr),
    )),
  ];
  for (const output of outputs) {
    expect(output).toContain(escaped);
    for (const char of raw) expect(output).not.toContain(char);
  }
});
