import { readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { resolve } from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import typescript from '@rollup/plugin-typescript';
import { dts } from 'rollup-plugin-dts';
import { entries, pkg } from './scripts/entries.mjs';
import { viewerPage } from './scripts/viewer-page.mjs';

rmSync('dist', { recursive: true, force: true });

const packages = [...Object.keys(pkg.dependencies), ...Object.keys(pkg.peerDependencies)];

const coreEntry = resolve('lib/index.ts');
// All entries are built together and share chunks, so that a class is one class whichever entry it came from.
const input = Object.fromEntries(entries.map(({ output, source }) => [output, source]));

const shared = {
  external: (id) =>
    id.startsWith('node:') || builtinModules.includes(id) || packages.some((p) => id === p || id.startsWith(`${p}/`)),
  onwarn: (warning) => {
    // A class that a file uses only as a type.
    if (warning.code !== 'UNUSED_EXTERNAL_IMPORT') throw new Error(warning.message);
  },
};

let core;
/** The core is one chunk, whatever else uses parts of it: each further one costs a browser the names it imports again. */
const coreChunk = (id, { getModuleInfo }) => {
  core ??= reachableFrom(coreEntry, getModuleInfo);
  return core.has(id) && !getModuleInfo(id).isExternal && id !== coreEntry ? 'core' : undefined;
};

function reachableFrom(entry, getModuleInfo) {
  const reached = new Set([entry]);
  for (const id of reached) for (const imported of getModuleInfo(id).importedIds) reached.add(imported);
  return reached;
}

const output = (format, extension) => ({
  dir: 'dist',
  format,
  entryFileNames: `[name]${extension}`,
  chunkFileNames: `shared/[name]${extension}`,
  minifyInternalExports: false,
  hoistTransitiveImports: false,
});

// The command is built with the entries, but nobody requires it.
const withoutCommand = {
  name: 'without-command',
  generateBundle(_, bundle) {
    for (const file of ['cli.cjs', 'cli.cjs.map']) delete bundle[file];
  },
};

// What a browser loads is ESM alone: the stringifier, which is CommonJS, is built in.
const stringifier = 'fast-json-stable-stringify';
const builtIn = [
  nodeResolve({ resolveOnly: [stringifier] }),
  commonjs({ strictRequires: false }),
  {
    name: 'licence-of-the-stringifier',
    generateBundle() {
      const source = readFileSync(`node_modules/${stringifier}/LICENSE`, 'utf8');
      this.emitFile({ type: 'asset', fileName: `LICENSE-${stringifier}.txt`, source });
    },
  },
];

/** What `rx-scrivener view` shows journals in. */
const page = {
  name: 'viewer-page',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'viewer.html', source: viewerPage() });
  },
};

export default [
  {
    ...shared,
    input: { ...input, cli: 'lib/cli/main.ts' },
    plugins: [typescript({ tsconfig: 'tsconfig.build.json' }), ...builtIn, page],
    output: [
      {
        ...output('es', '.js'),
        sourcemap: true,
        manualChunks: coreChunk,
        banner: ({ name }) => (name === 'cli' ? '#!/usr/bin/env node' : ''),
      },
      { ...output('cjs', '.cjs'), sourcemap: true, manualChunks: coreChunk, plugins: [withoutCommand] },
    ],
  },
  {
    ...shared,
    input,
    plugins: [dts({ tsconfig: 'tsconfig.build.json' })],
    output: ['.d.ts', '.d.cts'].map((extension) => ({
      ...output('es', extension),
      // What the declarations name beyond ES2022.
      banner: '/// <reference lib="esnext.disposable" />',
    })),
  },
];
