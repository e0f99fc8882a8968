import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { buildProgram } from './build-program';

const ROOT = resolve(__dirname, '../../..');

/** A process that runs one of the programs in child-program.ts. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it said so far. */
  readonly said: readonly string[];
  /** The next thing it says; rejects when it ends instead. */
  says(): Promise<string>;
  /** What it wrote to stderr so far. */
  readonly complained: string;
  tell(text: string): void;
  /** Resolves once it is gone. */
  readonly ended: Promise<void>;
  /** Ends it as a crash does. */
  crash(): Promise<void>;
}

/** Starts processes; those that are left at the end of a test are killed. `shell` wraps the command line, in which "$@" is the program's. */
export function useChildren(): (args: readonly string[], shell?: string) => Child {
  const children = new Set<Child>();
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'rx-scrivener-child-'));
    buildProgram(join(__dirname, 'child-program.ts'), join(dir, 'child.cjs'));
  });
  afterEach(async () => {
    await Promise.all([...children].map((child) => child.crash()));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  return (args, shell) => {
    const command = [process.execPath, join(dir, 'child.cjs'), ...args];
    const child = run(shell === undefined ? command : ['bash', '-c', shell, 'bash', ...command]);
    children.add(child);
    void child.ended.then(() => children.delete(child));
    return child;
  };
}

function run([file, ...args]: readonly string[]): Child {
  const child = spawn(file!, args, { env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') } });
  const said: string[] = [];
  let read = 0;
  let stderr = '';
  let gone = false;
  let notice = () => {};
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<void>((resolve) =>
    child.once('close', () => {
      gone = true;
      notice();
      resolve();
    }),
  );
  createInterface({ input: child.stdout }).on('line', (text) => {
    said.push(text);
    notice();
  });
  return {
    process: child,
    said,
    get complained() {
      return stderr;
    },
    ended,
    async says() {
      while (read >= said.length) {
        if (gone) throw new Error(`The child has ended: ${stderr}`);
        await new Promise<void>((resolve) => (notice = resolve));
      }
      return said[read++]!;
    },
    tell: (text) => void child.stdin.write(text + '\n'),
    async crash() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
