import { useTempDir } from '../file/support/temp-dir';
import { useCommand, VERSION } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();

test('says its version and what it can do', async () => {
  expect(await command.run(['--version'], path())).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  const help = await runHere(['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  for (const name of ['cat', 'tail', 'verify', 'repair', 'import', 'stats', 'view']) {
    expect(help.stdout).toMatch(`\n  ${name} `);
    expect(await runHere([name, '--help'])).toMatchObject({ code: 0, stderr: '' });
  }
});

test.each([
  [[], /^Usage: rx-scrivener/],
  [['nope'], /^rx-scrivener: unknown command 'nope'/],
  [['cat'], /^rx-scrivener: missing required argument 'file'/],
  [['import', 'old'], /^rx-scrivener: missing required argument 'new'/],
  [['cat', 'a', 'b'], /^rx-scrivener: too many arguments/],
  [['cat', 'a', '--lst', '1'], /^rx-scrivener: unknown option '--lst'/],
  [['cat', 'a', '--last'], /^rx-scrivener: option '--last <count>' argument missing/],
] as const)('%j is a wrong use', async (args, message) => {
  const { code, stdout, stderr } = await runHere(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('as a process it ends with that code, too', async () => {
  expect(await command.run(['nope'], path())).toMatchObject({ code: 2, stdout: '' });
});
