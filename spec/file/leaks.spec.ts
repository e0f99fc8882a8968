import { buildSync } from 'esbuild';
import { join, resolve } from 'node:path';
import { runNode } from '../examples/run-node';
import { onLinux } from './support/open-descriptors';
import { useTempDir } from './support/temp-dir';

const ROOT = resolve(__dirname, '../..');
const path = useTempDir();

/** LEAK_ENTRIES=1000000 LEAK_TAILERS=10000 npx jest spec/file/leaks.spec.ts */
const ENTRIES = Number(process.env.LEAK_ENTRIES ?? 200_000);
const TAILERS = Number(process.env.LEAK_TAILERS ?? 10_000);
const MB = 1024 * 1024;

interface Measured {
  readonly heap: number;
  readonly buffers: number;
  readonly descriptors: readonly string[];
}

async function run<R>(program: string, argument: number): Promise<R> {
  const outfile = path('leaks.cjs');
  buildSync({
    entryPoints: [join(__dirname, 'support/leaks-program.ts')],
    outfile,
    tsconfig: join(ROOT, 'tsconfig.json'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    alias: { 'fs-native-extensions': join(ROOT, 'node_modules/fs-native-extensions') },
    packages: 'bundle',
    external: [join(ROOT, 'node_modules/fs-native-extensions')],
    supported: { 'dynamic-import': false }, // of a folder
  });
  const { code, stdout, stderr } = await runNode([outfile, program, path('journal.ndjson'), String(argument)], ROOT);
  if (code !== 0) throw new Error(stderr);
  if (process.env.LEAK_FIGURES !== undefined) process.stderr.write(stdout);
  return JSON.parse(stdout) as R;
}

onLinux(
  'entries that are on the disk take no memory, nor does having read them',
  async () => {
    const { before, after, read, count, wrong } = await run<{
      before: Measured;
      after: Measured;
      read: Measured;
      count: number;
      wrong: number;
    }>('entries', ENTRIES);
    expect([count, wrong]).toEqual([ENTRIES, 0]);
    for (const then of [after, read]) {
      expect(then.heap - before.heap).toBeLessThan(3 * MB);
      expect(then.buffers - before.buffers).toBeLessThan(3 * MB);
      expect(then.descriptors).toEqual(before.descriptors);
    }
  },
  300_000,
);

onLinux(
  'tailers that leave leave nothing: no memory, no open file, no listener',
  async () => {
    const { before, after, counts, wrong, left, listeners } = await run<{
      before: Measured;
      after: Measured;
      counts: number[][];
      wrong: number;
      left: number[];
      listeners: number;
    }>('tailers', TAILERS);
    // From the disk and from the head: subscribed, they get everything; iterating, what they ask for.
    expect(counts).toEqual([[303], [2], [3], [3]]);
    expect([wrong, left]).toEqual([0, [0, 0]]);
    expect(listeners).toBe(1); // of all tailers together
    expect(after.descriptors).toEqual(before.descriptors);
    expect(after.heap - before.heap).toBeLessThan(5 * MB);
    expect(after.buffers - before.buffers).toBeLessThan(5 * MB);
  },
  300_000,
);
