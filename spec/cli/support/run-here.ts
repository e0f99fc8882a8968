import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../../../lib/cli/program';
import { Terminal } from '../../../lib/cli/terminal/terminal';

/** Runs the command in this process, which is quicker: what it prints, and its exit code. */
export async function runHere(
  args: readonly string[],
  input: string | Buffer = '',
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const printed = Promise.all([text(stdout), text(stderr)]);
  const code = await run(args, '0.0.0', new Terminal(stdout, stderr, Readable.from([Buffer.from(input)])));
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { code, stdout: out, stderr: err };
}
