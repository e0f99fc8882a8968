import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process whose output is collected as it comes. */
export class Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves once the process has ended and its output is complete. */
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  readonly #changes = new Set<() => void>();

  constructor(command: string, args: readonly string[], cwd: string) {
    this.process = spawn(command, args, { cwd });
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => this.#change(() => (this.stdout += text)));
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => this.#change(() => (this.stderr += text)));
    // One that has ended takes no input.
    this.process.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#change(() => undefined);
      });
    });
  }

  /** Resolves once the standard output holds a text; rejects when the process ends without it. */
  async prints(text: string | RegExp): Promise<void> {
    const printed = () => (typeof text === 'string' ? this.stdout.includes(text) : text.test(this.stdout));
    while (!printed()) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        await this.ended;
        if (printed()) return;
        throw new Error(`Ended without ${String(text)}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#changes.add(resolve));
    }
  }

  #change(apply: () => void): void {
    apply();
    for (const notify of this.#changes) notify();
    this.#changes.clear();
  }
}

/** Runs Node with an input, to its end. */
export function runNode(args: readonly string[], cwd: string, input: string | Buffer = ''): Promise<Ended> {
  const child = new Child(process.execPath, args, cwd);
  child.process.stdin.end(input);
  return child.ended;
}
