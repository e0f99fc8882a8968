import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(__dirname, '../..');
const SOURCE = `
  import { InMemoryScrivener } from './lib/index';
  import { scrivenerConformance } from './lib/testing/index';
  scrivenerConformance({ test: globalThis.test, create: (options) => ({ scrivener: new InMemoryScrivener(options) }) });
`;
const BUILD = `
  const [contents, outfile] = process.argv.slice(1);
  require('esbuild').buildSync({ stdin: { contents, resolveDir: '.' }, bundle: true, platform: 'browser', format: 'iife', outfile });
`;
const BARE = `
  const cases = [];
  const names = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'queueMicrotask', 'AbortController', 'AbortSignal', 'DOMException', 'Event', 'EventTarget'];
  const sandbox = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  sandbox.test = (name, run) => cases.push(run);
  require('node:vm').runInNewContext(require('node:fs').readFileSync(process.argv[1], 'utf8'), sandbox);
  (async () => {
    for (const run of cases) await run();
    console.log(cases.length > 0 ? 'all passed' : 'nothing ran');
  })();
`;

describe('The suite', () => {
  let folder: string;
  let bundle: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scrivener-portable-'));
    bundle = join(folder, 'suite.js');
    // For browsers: an import of a module of Node's would not resolve.
    await run(process.execPath, ['-e', BUILD, SOURCE, bundle], { cwd: ROOT });
  }, 30_000);

  afterAll(() => rm(folder, { recursive: true }));

  test('runs under node:test', async () => {
    const prelude = join(folder, 'prelude.cjs');
    await writeFile(prelude, `globalThis.test = require('node:test').test;`);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;

    const { stdout } = await run(process.execPath, ['--require', prelude, '--test-reporter=tap', bundle], {
      env,
      maxBuffer: 2 ** 24,
    });

    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toMatch(/^# pass [1-9]\d+$/m);
  }, 60_000);

  test('runs with what browsers have, and nothing of Node', async () => {
    const { stdout } = await run(process.execPath, ['-e', BARE, bundle]);

    expect(stdout.trim()).toBe('all passed');
  }, 60_000);
});
