// What `npx rx-scrivener` runs. It is built only as an ES module, and no spec imports it, so it may use `import.meta`.
import { readFileSync } from 'node:fs';
import { describeError } from './terminal/describe-error';
import { run } from './program';
import { Terminal } from './terminal/terminal';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const terminal = new Terminal(process.stdout, process.stderr);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of the pipe has stopped reading.
  if (error.code !== 'EPIPE') terminal.fail(describeError(error, 'standard output'));
  process.exit(terminal.exitCode);
});
process.stderr.on('error', () => undefined);

const page = new URL('viewer.html', import.meta.url);

void run(process.argv.slice(2), version, terminal, page).then((exitCode) => (process.exitCode = exitCode));
