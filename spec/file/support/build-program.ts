import { buildSync } from 'esbuild';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../..');

/** Makes one file of a program and of the library, for `node` to run. */
export function buildProgram(source: string, outfile: string): void {
  buildSync({
    entryPoints: [source],
    outfile,
    tsconfig: join(ROOT, 'tsconfig.json'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['fs-native-extensions'],
    // It is found by NODE_PATH, which `import` does not look at.
    supported: { 'dynamic-import': false },
  });
}
