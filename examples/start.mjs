// The main job: installs and builds what is missing or outdated, then runs the chat in this very process,
// so that its arguments, its standard input and signals are the chat's own.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const modified = (path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0);

// Standard output belongs to the chat, so npm's goes to standard error.
const npm = (...args) =>
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });

// npm writes this file last, after an install that went well.
if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) npm('ci');

const sources = readdirSync(join(root, 'lib'), { recursive: true }).map((file) => join('lib', file));
const newestSource = Math.max(...['rollup.config.mjs', 'package.json', 'lib', ...sources].map(modified));
// The declarations come last in a build.
if (modified('dist/index.d.cts') < newestSource) npm('run', 'build');

await import('./console-chat/main.mjs');
