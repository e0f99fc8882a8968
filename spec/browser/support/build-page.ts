import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const modified = (path: string) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/**
 * Runs the build of an example's page, a folder with a package of its own, unless that was done since its sources changed; its packages are installed
 * when they are missing.
 *
 * @param output - a file that the build writes, in the folder
 * @param sources - files and folders it is made of, in the folder
 */
export function buildPage(folder: string, output: string, sources: readonly string[]): void {
  const npm = (...args: string[]) => {
    console.info(`${basename(dirname(folder))}: npm ${args.join(' ')}`);
    const env = { ...process.env, NODE_ENV: 'production' };
    execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], env });
  };
  if (modified(join(folder, 'node_modules/.package-lock.json')) < modified(join(folder, 'package-lock.json')))
    npm('ci', '--include=dev');
  const files = sources
    .map((source) => join(folder, source))
    .flatMap((source) =>
      statSync(source).isFile()
        ? [source]
        : readdirSync(source, { recursive: true, encoding: 'utf8' }).map((file) => join(source, file)),
    );
  if (modified(join(folder, output)) < Math.max(...files.map(modified))) npm('run', 'build');
}
