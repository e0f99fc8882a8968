import { buildSync } from 'esbuild';
import { resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../..');

/** A script for a page, made of a module's source; `rx-scrivener` is this checkout's. An import of a module of Node's fails. */
export function bundle(contents: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: ROOT, loader: 'tsx' },
    tsconfig: resolve(ROOT, 'tsconfig.json'),
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
  });
  return outputFiles[0]!.text;
}
