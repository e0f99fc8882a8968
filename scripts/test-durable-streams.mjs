// Runs what others have of the Durable Streams Protocol against the built package: the public conformance suite on our server (on journals in memory, in a
// folder, and in a folder that is closed and opened anew before each case), the official client on our server, our client on the reference server:
// `npm run test:durable-streams` (after a build). npm installs them in a folder that git ignores. Fails when a case of the suite fails that
// docs/durable-streams.md does not name, and when one that it names passes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { HOME, installPackages } from './durable-streams/packages.mjs';

const LONG_POLL_MS = 500;
const PARTS = join(import.meta.dirname, 'durable-streams');

installPackages();
writeSuite();
const known = [
  ...readFileSync(join(import.meta.dirname, '../docs/durable-streams.md'), 'utf8').matchAll(/^- \*\*(.+)\*\*/gm),
].map(([, name]) => name);
let isGood = true;
for (const backend of ['memory', 'folder', 'restarted']) {
  const cases = await runSuite(backend);
  const namesOf = (status) => cases.filter((one) => one.status === status).map(({ fullName }) => fullName);
  const [passed, failed] = [namesOf('passed'), namesOf('failed')];
  const skipped = cases.length - passed.length - failed.length;
  console.log(`${backend}: ${passed.length} passed, ${failed.length} failed, ${skipped} skipped by the suite`);
  const wrong = [
    ...failed.filter((name) => !known.includes(name)).map((name) => `FAILED: ${name}`),
    ...passed.filter((name) => known.includes(name)).map((name) => `passes, and is named as one that fails: ${name}`),
  ];
  for (const line of wrong) console.error(line);
  if (wrong.length > 0 || passed.length === 0) isGood = false;
}
for (const file of ['official-client.test.mjs', 'our-client.test.mjs']) {
  console.log(`\n${file}`);
  const { status } = spawnSync(process.execPath, ['--test', join(PARTS, file)], { stdio: 'inherit' });
  if (status !== 0) isGood = false;
}
process.exit(isGood ? 0 : 1);

async function runSuite(backend) {
  const folder = mkdtempSync(join(tmpdir(), 'scrivener-streams-'));
  const workerData = { backend, folder, longPollMs: LONG_POLL_MS };
  const server = new Worker(join(PARTS, 'serve-suite.mjs'), { workerData });
  const port = await new Promise((resolve, reject) => server.once('message', resolve).once('error', reject));
  const results = join(HOME, 'results.json');
  rmSync(results, { force: true });
  const args = ['vitest', 'run', '--reporter=json', `--outputFile=${results}`];
  // No case runs while the server is closed for another one.
  if (backend === 'restarted') args.push('--maxConcurrency=1');
  spawnSync('npx', args, {
    cwd: HOME,
    env: { ...process.env, STREAMS_URL: `http://127.0.0.1:${port}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await server.terminate();
  rmSync(folder, { recursive: true });
  return JSON.parse(readFileSync(results, 'utf8')).testResults.flatMap(({ assertionResults }) => assertionResults);
}

function writeSuite() {
  const test = `import { runConformanceTests } from '@durable-streams/server-conformance-tests';
import { beforeEach } from 'vitest';

const baseUrl = process.env.STREAMS_URL;
beforeEach(() => fetch(\`\${baseUrl}/.restart\`));
runConformanceTests({ baseUrl, longPollTimeoutMs: ${LONG_POLL_MS} });
`;
  writeFileSync(join(HOME, 'suite.test.mjs'), test);
  const config = "export default { test: { include: ['suite.test.mjs'], testTimeout: 30000, hookTimeout: 30000 } };\n";
  writeFileSync(join(HOME, 'vitest.config.mjs'), config);
}
