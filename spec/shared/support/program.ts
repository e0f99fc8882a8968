import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { buildProgram } from '../../file/support/build-program';

const ROOT = resolve(__dirname, '../../..');

/** A process that has a journal open, and says what happens to it, a line each. */
export class Program {
  readonly said: string[][] = [];
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown>;
  isRunning = true;

  constructor(script: string, args: readonly string[]) {
    const env = { ...process.env, NODE_PATH: join(ROOT, 'node_modules') };
    this.process = spawn(process.execPath, [script, ...args], { env });
    this.process.stderr.pipe(process.stderr);
    this.process.stdin.on('error', () => undefined);
    this.process.once('exit', () => (this.isRunning = false));
    this.ended = once(this.process, 'close');
    createInterface({ input: this.process.stdout }).on('line', (line) => this.said.push(line.split(' ')));
  }

  get role(): string | undefined {
    return this.said.findLast(([word]) => word === 'role')?.[1];
  }

  has(word: string): boolean {
    return this.of(word).length > 0;
  }

  of(word: string): string[][] {
    return this.said.filter(([first]) => first === word).map(([, ...rest]) => rest);
  }

  tell(command: string): void {
    this.process.stdin.write(`${command}\n`);
  }

  kill(): Promise<unknown> {
    this.isRunning = false;
    this.process.kill('SIGKILL');
    return this.ended;
  }
}

/** Starts processes of a program in `support`, bundled from `lib/`; none outlives its test. */
export function usePrograms(name: string): (...args: string[]) => Program {
  const started = new Set<Program>();
  let folder = '';
  let script = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rx-scrivener-programs-'));
    script = join(folder, `${name}.cjs`);
    buildProgram(join(__dirname, `${name}.ts`), script);
  });
  afterEach(async () => {
    await Promise.all([...started].map((program) => program.kill()));
    started.clear();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (...args) => {
    const program = new Program(script, args);
    started.add(program);
    return program;
  };
}
