// The demo: installs and builds what is missing or outdated, then runs the server of the web chat in this very process,
// so that its arguments and signals are the server's own.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const client = 'examples/web-chat/client';
const modified = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);
const npm = (...args) =>
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });

const filesOf = (folder) => [
  folder,
  ...readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file)),
];
const newest = (paths) => Math.max(...paths.map(modified));

// npm writes this file last, after an install that went well.
const isInstalled = (folder) =>
  modified(join(folder, 'node_modules/.package-lock.json')) >= modified(join(folder, 'package-lock.json'));

if (!isInstalled('.')) npm('ci');
// The declarations come last in a build.
if (modified('dist/index.d.cts') < newest(['rollup.config.mjs', 'package.json', ...filesOf('lib')]))
  npm('run', 'build');

if (!isInstalled(client)) npm('ci', '--include=dev', '--prefix', client);
const sources = [...filesOf('lib'), ...filesOf(`${client}/src`), `${client}/index.html`, `${client}/vite.config.mjs`];
if (modified(`${client}/dist/index.html`) < newest(sources)) npm('run', 'build', '--prefix', client);

await import('./web-chat/main.mjs');
