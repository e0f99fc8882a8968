import { readFileSync } from 'node:fs';

/** The package's own description: `exports` in it is the one list of entries. */
export const pkg = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/**
 * One object an entry: `{ specifier: 'rx-scrivener/file', name: 'file', output: 'file/index', source: 'lib/file/index.ts' }`.
 * The core's `name` is ''.
 */
export const entries = Object.entries(pkg.exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([subpath]) => {
    const name = subpath.slice(2);
    const output = name === '' ? 'index' : `${name}/index`;
    return { specifier: pkg.name + subpath.slice(1), name, output, source: `lib/${output}.ts` };
  });

/** Entries that only Node can load. The others must import nothing of Node. */
export const nodeOnly = ['file', 'nats', 'nestjs', 'shared'];
