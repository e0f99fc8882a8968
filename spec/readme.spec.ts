import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import ts from 'typescript';
import { useCommand } from './cli/support/installed-command';
import { codeBlocks } from './docs/markdown';
import { InstalledPackage, ROOT } from './examples/installed-package';
import { Child, runNode } from './examples/run-node';

const first = (page: string, language: string) =>
  codeBlocks(readFileSync(join(ROOT, page), 'utf8')).find((block) => block.language === language)!;

const installed = new InstalledPackage(['.', './file', './http', './shared', './durable-streams']);

/** What Node runs of TypeScript. */
function javascriptOf(text: string): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const command = useCommand();
afterAll(() => installed.remove());

describe('the example of the README', () => {
  const example = first('README.md', 'ts');

  test('continues where it was killed, and is followed by another process', async () => {
    const cwd = installed.newFolder();
    writeFileSync(join(cwd, 'count.mjs'), javascriptOf(example.text));
    const children: Child[] = [];
    const start = () => {
      const child = new Child(process.execPath, ['count.mjs'], cwd);
      children.push(child);
      return child;
    };
    const kill = async (child: Child) => {
      child.process.kill('SIGKILL');
      await child.ended;
      return [...child.stdout.matchAll(/^(\d+) (\d+)$/gm)].map(([, position, count]) => [
        Number(position),
        Number(count),
      ]);
    };
    try {
      const one = start();
      await one.prints(/^4 3$/m);
      const follower = command.start(['tail', '-f', 'data/count.ndjson'], cwd);
      await follower.prints('"position":4');
      const before = await kill(one);
      expect(one.stdout).toMatch(/^Continues after 0\n2 1\n3 2\n4 3\n/);

      const two = start();
      await two.prints(/^\d+ \d+$/m);
      const after = await kill(two);
      const last = Number(/^Continues after (\d+)\n/.exec(two.stdout)![1]);
      // What was printed is in the file; more may be.
      expect(last).toBeGreaterThanOrEqual(before.at(-1)![1]!);
      // After the further start, which is an entry, too.
      expect(after[0]).toEqual([last + 3, last + 1]);
      await follower.prints(`"position":${last + 3},`);
      follower.process.kill('SIGINT');
      expect((await follower.ended).stderr).toBe('');
    } finally {
      for (const child of children) child.process.kill('SIGKILL');
    }
  });

  test('has no more than 20 lines', () => {
    expect(example.text.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  });
});

describe('the five lines of the README', () => {
  const example = codeBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8')).find(({ text }) =>
    text.includes('openSharedScrivener'),
  )!;

  test.each([0, 1])(
    'two terminals talk to each other; number %d is killed first',
    async (killed) => {
      const cwd = installed.newFolder();
      writeFileSync(join(cwd, 'chat.mjs'), javascriptOf(example.text));
      let terminals: Child[] = [];
      const start = () => new Child(process.execPath, ['chat.mjs'], cwd);
      let count = 0;
      const talk = async () => {
        for (const { process } of terminals) {
          process.stdin.write(`hello ${++count}\n`);
          for (const terminal of terminals) await terminal.prints(`${count} hello ${count}\n`);
        }
      };
      try {
        terminals = [start(), start()];
        await talk();
        for (const victim of [killed, 1 - killed]) {
          terminals[victim]!.process.kill('SIGKILL');
          await terminals[victim]!.ended;
          const [left] = terminals.splice(1 - victim, 1);
          terminals.splice(0, 1, left!);
          await talk();
          terminals.push(start());
          await talk();
        }
        for (const { stderr } of terminals) expect(stderr).toBe('');
      } finally {
        for (const { process } of terminals) process.kill('SIGKILL');
      }
    },
    60_000,
  );

  test('are five', () => {
    expect(example.text.trimEnd().split('\n').length).toBeLessThanOrEqual(5);
  });
});

describe('the Durable Streams of the README', () => {
  const example = codeBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8')).find(({ text }) =>
    text.includes('openDurableStream'),
  )!;

  test('are written and read, also after a restart', async () => {
    const cwd = installed.newFolder();
    const port = await freePort();
    writeFileSync(join(cwd, 'streams.mjs'), javascriptOf(example.text).replaceAll('4437', String(port)));
    for (const lines of ['1 hello\n', '1 hello\n2 hello\n']) {
      const server = new Child(process.execPath, ['streams.mjs'], cwd);
      try {
        await server.prints(lines);
      } finally {
        server.process.kill('SIGKILL');
      }
      expect((await server.ended).stderr).toBe('');
    }
  });

  test('are ten lines', () => {
    expect(example.text.split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(10);
  });
});

test("the example of the user's guide runs as printed", async () => {
  const example = first('docs/guide.md', 'js');
  const cwd = installed.newFolder();
  writeFileSync(join(cwd, 'talk.mjs'), example.text);
  expect(example.next?.language).toBe('text');
  expect(await runNode(['talk.mjs'], cwd)).toEqual({ code: 0, signal: null, stderr: '', stdout: example.next?.text });

  const again = await runNode(['talk.mjs'], cwd);
  expect(again.stdout).toContain('position: 4,');
  expect(existsSync(join(cwd, 'data/talk.ndjson'))).toBe(true);
}, 30_000);

test('the todo list of the README is kept, with a checkpoint', async () => {
  const text = codeBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8')).find(({ text }) =>
    text.includes('todos'),
  )!.text;
  const cwd = installed.newFolder();
  writeFileSync(join(cwd, 'todo.mjs'), javascriptOf(text));
  const run = async (...args: string[]) => {
    const child = new Child(process.execPath, ['todo.mjs', ...args], cwd);
    const { code, stdout, stderr } = await child.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  expect(await run('Added', 'buy milk')).toBe('buy milk\n');
  expect(await run('Added', 'call Ann')).toBe('buy milk\ncall Ann\n');
  expect(await run('Done', 'buy milk')).toBe('call Ann\n');
  const checkpoint = JSON.parse(readFileSync(join(cwd, 'data/todo.json'), 'utf8')) as unknown;
  expect(checkpoint).toEqual({ version: '1', position: 3, state: ['call Ann'] });
  // It is what a run begins with.
  writeFileSync(join(cwd, 'data/todo.json'), JSON.stringify({ version: '1', position: 3, state: ['as it was kept'] }));
  expect(await run('Added', 'sleep')).toBe('as it was kept\nsleep\n');
});
