import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where the packages of the protocol are installed: git ignores it, and the package does not depend on them. */
export const HOME = join(import.meta.dirname, '../../.durable-streams');

const VERSIONS = {
  '@durable-streams/server-conformance-tests': '0.3.6',
  '@durable-streams/client': '0.2.7',
  '@durable-streams/server': '0.3.7',
};

/** Installs what is not installed in the version that is wanted. */
export function installPackages() {
  const missing = Object.entries(VERSIONS).filter(([name, version]) => versionOf(name) !== version);
  if (missing.length === 0) return;
  mkdirSync(HOME, { recursive: true });
  writeFileSync(join(HOME, 'package.json'), '{ "private": true }\n');
  const wanted = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', ...wanted];
  execFileSync('npm', args, { cwd: HOME, stdio: 'inherit' });
}

/** One of them, as it is. */
export const load = (name) => createRequire(join(HOME, 'package.json'))(name);

function versionOf(name) {
  try {
    return JSON.parse(readFileSync(join(HOME, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}
