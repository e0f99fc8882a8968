import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { readFileSync } from 'node:fs';
import { InstalledPackage } from '../examples/installed-package';
import { entriesIn } from './support/entries-in';

jest.setTimeout(60_000);

const installed = new InstalledPackage(['.', './file', './nestjs']);
afterAll(() => installed.remove());

/** Runs the program, sends it a signal once it has written something, and gives what it said that it wrote. */
async function terminated(signal: NodeJS.Signals, args: readonly string[], file: string) {
  const cwd = installed.newFolder();
  const source = readFileSync(join(__dirname, 'support/sigterm-program.ts'), 'utf8');
  const { code } = transformSync(source, {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
  });
  writeFileSync(join(cwd, 'program.mjs'), code);
  const child = spawn(process.execPath, ['program.mjs', ...args], { cwd });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
    if (stdout.includes('entry 100\n') && !child.killed) child.kill(signal);
  });
  const ended = await new Promise<unknown>((resolve) => child.on('close', (code, by) => resolve(by ?? code)));
  expect(stderr).toBe('');
  return { ended, written: stdout.split('\n').slice(0, -1), entries: entriesIn(join(cwd, file)) };
}

test.each([
  ['SIGTERM', ['file', 'journal.ndjson'], 'SIGTERM', 'journal.ndjson'],
  ['SIGINT', ['file', 'journal.ndjson'], 'SIGINT', 'journal.ndjson'],
  ['SIGTERM', ['file', 'journal.ndjson', 'exit'], 0, 'journal.ndjson'],
  ['SIGTERM', ['folder', 'chats'], 'SIGTERM', 'chats/ann/journal.ndjson'],
] as const)('every entry is kept through %s %p', async (signal, args, end, file) => {
  const { ended, written, entries } = await terminated(signal, args, file);
  expect(ended).toBe(end);
  expect(written.length).toBeGreaterThan(100);
  expect(written).toEqual(
    expect.arrayContaining(
      ['onModuleDestroy', 'beforeApplicationShutdown', `onApplicationShutdown ${signal}`].flatMap((hook) => [
        hook,
        `${hook}, later`,
      ]),
    ),
  );
  expect(entries).toEqual(written);
});
