import type { Readable, Writable } from 'node:stream';
import { LineWriter } from './line-writer';
import { printable } from './wording';

/** What a command speaks with. */
export class Terminal {
  /** The command's output: what is written to `stdout` line by line. */
  readonly out: LineWriter;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  /** What the process ends with: 1 as soon as something failed. */
  exitCode = 0;

  constructor(stdout: Writable, stderr: Writable, stdin: Readable = process.stdin) {
    this.out = new LineWriter(stdout);
    this.stdout = stdout;
    this.stderr = stderr;
    this.stdin = stdin;
  }

  /** Says in one line what is worth knowing. */
  note(text: string): void {
    this.stderr.write(`rx-scrivener: ${printable(text)}\n`);
  }

  /** Says in one line what failed. */
  fail(text: string): void {
    this.exitCode = 1;
    this.note(text);
  }
}

/** Aborted when the user, or the system, asks the process to end; again, and it ends as any process does. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
