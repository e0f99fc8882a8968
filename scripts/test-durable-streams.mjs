// Runs the public conformance suite of the Durable Streams Protocol against the built server, on journals in memory and in a folder:
// `npm run test:durable-streams` (after a build). The suite is installed by npm into a folder that git ignores. Fails when a case fails that
// docs/durable-streams.md does not name, and when one that it names passes.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const SUITE = '@durable-streams/server-conformance-tests';
const VERSION = '0.3.6';
const LONG_POLL_MS = 500;

if (isMainThread) await main();
else await serve(workerData);

/** In a thread of its own, since the suite is waited for. */
async function serve({ backend, folder }) {
  const { inMemoryJournals } = await import('rx-scrivener');
  const { openJournalFolder } = await import('rx-scrivener/file');
  const { durableStreams } = await import('rx-scrivener/durable-streams');
  const { nodeListener } = await import('rx-scrivener/http');
  const journals = backend === 'memory' ? inMemoryJournals() : await openJournalFolder({ folder });
  const options = {
    authorize: 'public',
    longPollMs: LONG_POLL_MS,
    maxBodyBytes: 16 * 1024 * 1024,
    cors: { origin: '*' },
  };
  const onError = (error) => console.error(error);
  const server = createServer(nodeListener(durableStreams(journals, { ...options, onError })));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

async function main() {
  const root = join(import.meta.dirname, '..');
  const home = join(root, '.durable-streams');
  install(home);
  const known = [...readFileSync(join(root, 'docs/durable-streams.md'), 'utf8').matchAll(/^- \*\*(.+)\*\*/gm)].map(
    ([, name]) => name,
  );
  let isGood = true;
  for (const backend of ['memory', 'folder']) {
    const folder = mkdtempSync(join(tmpdir(), 'scrivener-streams-'));
    const server = new Worker(import.meta.filename, { workerData: { backend, folder } });
    const port = await new Promise((resolve, reject) => server.once('message', resolve).once('error', reject));
    const cases = run(home, port);
    await server.terminate();
    rmSync(folder, { recursive: true });
    const failed = cases.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    const skipped = cases.filter(({ status }) => status !== 'failed' && status !== 'passed');
    console.log(
      `${backend}: ${cases.length - failed.length - skipped.length} passed, ${failed.length} failed, ${skipped.length} skipped by the suite`,
    );
    for (const name of failed.filter((name) => !known.includes(name))) {
      isGood = false;
      console.error(`FAILED: ${name}`);
    }
    if (cases.length === 0) isGood = false;
  }
  process.exit(isGood ? 0 : 1);
}

function install(home) {
  if (existsSync(join(home, 'node_modules', SUITE))) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${SUITE}@${VERSION}`], {
    cwd: home,
    stdio: 'inherit',
  });
  const test = `import { runConformanceTests } from '${SUITE}';
runConformanceTests({ baseUrl: process.env.STREAMS_URL, longPollTimeoutMs: ${LONG_POLL_MS} });
`;
  writeFileSync(join(home, 'suite.test.mjs'), test);
  const config = "export default { test: { include: ['suite.test.mjs'], testTimeout: 30000, hookTimeout: 30000 } };\n";
  writeFileSync(join(home, 'vitest.config.mjs'), config);
}

function run(home, port) {
  const env = { ...process.env, STREAMS_URL: `http://127.0.0.1:${port}` };
  const results = join(home, 'results.json');
  rmSync(results, { force: true });
  spawnSync('npx', ['vitest', 'run', '--reporter=json', `--outputFile=${results}`], {
    cwd: home,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return JSON.parse(readFileSync(results, 'utf8')).testResults.flatMap(({ assertionResults }) => assertionResults);
}
