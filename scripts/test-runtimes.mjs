// Packs the package, installs the tarball elsewhere, and runs scripts/runtimes/ there on every runtime that people have. Needs `npm run build`.
// `--update` writes the table in docs/runtimes.md. Runtimes come from the registry, into a folder that git ignores.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import { pkg } from './entries.mjs';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.runtimes');
const modules = join(folder, 'node_modules');

const NO_ABORT = '--unstable-no-legacy-abort';
const LOCKS = 'excludes the other runtimes from its journal';

const PACKAGES = {
  'node-20': 'npm:node@20',
  'node-22': 'npm:node@22',
  'node-24': 'npm:node@24',
  'node-26': 'npm:node@26',
  '@oven/bun-linux-x64': '1',
  '@deno/linux-x64-glibc': '2',
  miniflare: '4', // Cloudflare's workerd
};
const node = (major) => [join(modules, `node-${major}/bin/node`)];
const runtimes = {
  'Node 20': node(20),
  'Node 22': node(22),
  'Node 24': node(24),
  'Node 26': node(26),
  Bun: [join(modules, '@oven/bun-linux-x64/bin/bun')],
  Deno: [join(modules, '@deno/linux-x64-glibc/deno'), 'run', '--quiet', '--allow-all', '--no-lock'],
};

install();
const consumer = mkdtempSync(join(tmpdir(), `${pkg.name}-runtimes-`));
const failures = [];
const rows = [];
try {
  installPackage();
  for (const [name, command] of Object.entries(runtimes)) testRuntime(name, command);
  testWorkerd();
  await testLocks();
} finally {
  rmSync(consumer, { recursive: true, force: true });
}
report();

function install() {
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, 'package.json');
  const wanted = `${JSON.stringify({ private: true, dependencies: PACKAGES }, null, 2)}\n`;
  const isThere = [...Object.values(runtimes).map(([file]) => file), join(modules, 'miniflare')].every((path) =>
    existsSync(path),
  );
  if (isThere && existsSync(manifest) && readFileSync(manifest, 'utf8') === wanted) return;
  writeFileSync(manifest, wanted);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd: folder, stdio: 'inherit' });
}

function installPackage() {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', consumer], { cwd: root });
  const tarball = readdirSync(consumer).find((file) => file.endsWith('.tgz'));
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const rxjs = `rxjs@${JSON.parse(readFileSync(join(root, 'node_modules/rxjs/package.json'), 'utf8')).version}`;
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
  execFileSync('npm', ['install', ...flags, `./${tarball}`, rxjs], { cwd: consumer, stdio: 'inherit' });
  cpSync(join(root, 'scripts/runtimes'), consumer, { recursive: true });
}

function testRuntime(name, [file, ...args]) {
  const version = execFileSync(file, ['--version'], { encoding: 'utf8' })
    .split('\n')[0]
    .replace(/^(deno|v)\s*/, '')
    .replace(/ .*/, '');
  const data = mkdtempSync(join(consumer, 'data-'));
  const passed = runParts(name, [file, ...args, 'suite.mjs', data]);
  // Here a request's signal aborts when its answer has been given, unless it is told not to.
  if (name === 'Deno') runParts(`${name}, ${NO_ABORT}`, [file, ...args, NO_ABORT, 'http-suite.mjs']);
  const journal = join(data, 'recovered.ndjson');
  const command = join(consumer, `node_modules/${pkg.name}/dist/cli.js`);
  const cli = spawnSync(file, [...args, command, 'verify', journal], { encoding: 'utf8', timeout: 60_000 });
  if (cli.status !== 0 || !/1,?001/.test(cli.stdout)) failures.push(`${name}: the command\n${cli.stdout}${cli.stderr}`);
  else passed.set('the command', 'yes');
  passed.set(LOCKS, 'yes'); // which testLocks fails for
  rows.push({ name, version, passed });
}

/** What Cloudflare runs: no files there, but the core and what serves it. */
function testWorkerd() {
  const script = join(consumer, 'bundled-worker.mjs');
  buildSync({
    absWorkingDir: consumer,
    entryPoints: ['worker.mjs'],
    outfile: script,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['cloudflare:workers'],
    logLevel: 'error',
  });
  const { version } = JSON.parse(readFileSync(join(modules, 'workerd/package.json'), 'utf8'));
  const miniflare = createRequire(join(folder, 'package.json')).resolve('miniflare');
  const passed = runParts('workerd', [...runtimes['Node 24'], 'workerd.mjs', miniflare, script]);
  rows.push({ name: 'workerd', version, passed });
}

/** Runs a program that prints `passed: PART` or `FAILED: PART` for each of its parts; gives what to say of those that passed. */
function runParts(name, [file, ...args]) {
  const run = spawnSync(file, args, { cwd: consumer, encoding: 'utf8', timeout: 300_000 });
  const passed = new Map(
    [...run.stdout.matchAll(/^passed: (.*?)(?: \((\d+ cases)\))?$/gm)].map(([, part, cases = 'yes']) => [part, cases]),
  );
  const failed = [...run.stdout.matchAll(/^FAILED: (.*)$/gm)].map(([, part]) => part);
  if (run.status !== 0 || passed.size === 0) {
    failures.push(`${name}: ${failed.join('; ') || `the suite ended with ${run.status ?? run.signal}`}\n${run.stderr}`);
  }
  console.log(`${name}: ${passed.size} parts passed, ${failed.length} failed`);
  for (const [line] of run.stdout.matchAll(/^skipped: .*$/gm)) console.log(`${name}: ${line}`);
  return passed;
}

/** What one runtime holds, every other one is refused; what is killed lets go. */
async function testLocks() {
  for (const [holder, [file, ...args]] of Object.entries(runtimes)) {
    const path = join(mkdtempSync(join(consumer, 'lock-')), 'journal.ndjson');
    const child = spawn(file, [...args, 'holder.mjs', path], { cwd: consumer, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value: said } = await lines.next();
    if (said !== 'open') failures.push(`${holder}: cannot hold a journal: ${said}`);
    const tryAll = () =>
      Object.entries(runtimes).map(([name, [other, ...more]]) => {
        const { stdout, stderr } = spawnSync(other, [...more, 'holder.mjs', path, 'try'], {
          cwd: consumer,
          encoding: 'utf8',
        });
        return [name, stdout.trim() || stderr];
      });
    for (const [name, outcome] of tryAll())
      if (outcome !== 'ERR_JOURNAL_LOCKED') failures.push(`${name} is not refused what ${holder} holds: ${outcome}`);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    for (const [name, outcome] of tryAll())
      if (outcome !== 'head 100')
        failures.push(`${name} cannot open what ${holder} held when it was killed: ${outcome}`);
    console.log(`${holder}: the lock was tried by ${Object.keys(runtimes).length} runtimes`);
  }
}

function report() {
  if (failures.length > 0) {
    console.error(`\n${failures.join('\n\n')}\n\n${failures.length} failures`);
    process.exit(1);
  }
  const parts = new Set(rows.flatMap(({ passed }) => [...passed.keys()]));
  const table = [
    `| | ${rows.map(({ name, version }) => (name.startsWith('Node') ? `Node ${version}` : `${name} ${version}`)).join(' | ')} |`,
    `| --- | ${rows.map(() => '---').join(' | ')} |`,
    ...[...parts].map((part) => `| ${part} | ${rows.map(({ passed }) => passed.get(part) ?? '').join(' | ')} |`),
  ].join('\n');
  if (process.argv.includes('--update')) {
    const guide = join(root, 'docs/runtimes.md');
    const text = readFileSync(guide, 'utf8');
    const [before, after] = [text.split('<!-- runtimes:start -->')[0], text.split('<!-- runtimes:end -->')[1]];
    writeFileSync(guide, `${before}<!-- runtimes:start -->\n\n${table}\n\n<!-- runtimes:end -->${after}`);
    execFileSync(join(root, 'node_modules/.bin/prettier'), ['--write', guide]);
  }
  console.log(`\n${table}\n\nEvery runtime passed.`);
}
