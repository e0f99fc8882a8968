// Runs spec/nats on the nats-servers that newer suites of Debian have, beside the one that is installed: `npm run test:nats`. They are fetched by apt from the
// sites it is configured with, checked by its keys, and unpacked into a folder that git ignores; nothing is installed. Arguments are Jest's, in place of
// spec/nats: `NATS_KILLS=50 npm run test:nats -- spec/nats/faults-cluster -t 'again and again'` kills the leader of a cluster 50 times.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** By suite: the version that docs/nats.md names. */
const SUITES = { trixie: '2.10.27', sid: '2.15.1' };

const specs = process.argv.length > 2 ? process.argv.slice(2) : ['spec/nats'];
const failures = [];
for (const [suite, known] of Object.entries(SUITES)) {
  const server = fetchServer(suite);
  const [version = '?'] = /\d+(\.\d+)+/.exec(execFileSync(server, ['--version'], { encoding: 'utf8' })) ?? [];
  console.log(`\n--- nats-server ${version} of ${suite}`);
  if (version !== known) console.log(`${suite} HAS MOVED ON from ${known}: name ${version} here and in docs/nats.md`);
  const env = { ...process.env, NATS_SERVER: server, REQUIRE_NATS: '1' };
  const { status } = spawnSync('npx', ['jest', ...specs], { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) failures.push(`${version} of ${suite}`);
}
if (failures.length > 0) {
  console.error(`${specs.join(' ')} failed on nats-server ${failures.join(', ')}`);
  process.exit(1);
}

/** The binary of a suite, fetched anew so that it is the newest there. */
function fetchServer(suite) {
  const folder = join(root, '.nats', suite);
  const binary = join(folder, 'usr/sbin/nats-server');
  try {
    unpack(suite, folder);
  } catch (error) {
    if (!existsSync(binary)) throw error;
    console.log(`${suite} cannot be asked (${error.message.split('\n')[0]}): the one that was fetched before is used`);
  }
  return binary;
}

function unpack(suite, folder) {
  for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), `deb ${site()} ${suite} main\n`);
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::Cache': join(folder, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  const apt = (...command) => {
    const settings = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return execFileSync('apt-get', [...settings, '-qq', ...command], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  apt('update');
  const isPackage = (name) => name.endsWith('.deb');
  for (const old of readdirSync(folder).filter(isPackage)) rmSync(join(folder, old));
  apt('download', 'nats-server');
  execFileSync('dpkg-deb', ['-x', join(folder, readdirSync(folder).find(isPackage)), folder]);
}

/** Where apt gets its packages: the site that has the pool of all suites, not that of security updates. */
function site() {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(SITE) $(RELEASE) $(COMPONENT)'], {
    encoding: 'utf8',
  });
  const rows = targets.split('\n').map((row) => row.split(' '));
  const row = rows.find(([, release, component]) => component === 'main' && !/security|updates/.test(release));
  if (!row) throw new Error('apt is configured with no site: run apt-get update');
  return row[0];
}
