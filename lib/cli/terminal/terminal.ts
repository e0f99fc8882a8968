import type { Readable, Writable } from 'node:stream';
import { LineWriter } from './line-writer';
import { printable } from './wording';

/** The streams of a command. */
export class Terminal {
  /** The command's output: what is written to `stdout` line by line. */
  readonly out: LineWriter;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  /** The exit code of the process: 1 as soon as something has failed. */
  exitCode = 0;

  constructor(stdout: Writable, stderr: Writable, stdin: Readable = process.stdin) {
    this.out = new LineWriter(stdout);
    this.stdout = stdout;
    this.stderr = stderr;
    this.stdin = stdin;
  }

  /** Prints a remark, in one line. */
  note(text: string): void {
    this.stderr.write(`rx-scrivener: ${printable(text)}\n`);
  }

  /** Prints what failed, in one line. */
  fail(text: string): void {
    this.exitCode = 1;
    this.note(text);
  }
}

/** Aborted when the user or the system asks the process to end; a second time ends the process at once, as it does any other. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
