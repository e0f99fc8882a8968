import { entries, nodeOnly } from './scripts/entries.mjs';

const adapters = entries.map(({ name }) => name).filter(Boolean);
const anyOf = (names) => `^lib/(?:${names.join('|')})/`;

/** Who imports an adapter: what wires the file adapter into a container, the command, what serves a file to other processes, and what speaks another protocol with the parts of HTTP. */
const IMPORTERS = {
  file: ['nestjs', 'cli', 'shared'],
  http: ['durable-streams', 'shared', 'cli'],
  view: ['react'],
  'durable-streams': ['cli'],
};

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Imports of types alone are erased, so they may form a cycle.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...adapters.map((adapter) => ({
      name: `nothing-imports-${adapter}`,
      comment: 'But what wires the file adapter into a container, and the command.',
      severity: 'error',
      from: { path: '^lib/', pathNot: anyOf([adapter, ...(IMPORTERS[adapter] ?? [])]) },
      to: { path: anyOf([adapter]) },
    })),
    {
      name: 'nothing-imports-the-command',
      severity: 'error',
      from: { path: '^lib/', pathNot: anyOf(['cli']) },
      to: { path: [anyOf(['cli']), '^node_modules/(?:commander|cli-progress|asciichart)/'] },
    },
    {
      name: 'core-is-lean',
      comment: 'Core imports its own files, rxjs and the stable stringifier; of the schema package only types.',
      severity: 'error',
      from: { path: '^lib/', pathNot: anyOf([...adapters, 'cli']) },
      to: { pathNot: ['^lib/', '^node_modules/(?:rxjs|fast-json-stable-stringify|@standard-schema/spec)/'] },
    },
    {
      name: 'schema-types-only',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^node_modules/@standard-schema/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'portable-entries-without-node',
      severity: 'error',
      from: { path: '^lib/', pathNot: anyOf([...nodeOnly, 'cli']) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'declared-dependencies',
      severity: 'error',
      comment: 'The stringifier is built in.',
      from: { path: '^lib/' },
      to: {
        pathNot: '^node_modules/fast-json-stable-stringify/',
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'types', 'default'] },
  },
};
