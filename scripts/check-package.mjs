// Packs the package, installs the tarball into a folder elsewhere, and checks there what a user gets. Needs `npm run build`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { entries, nodeOnly, pkg } from './entries.mjs';

const root = join(import.meta.dirname, '..');
const bin = (name) => join(root, 'node_modules/.bin', name);
const consumer = mkdtempSync(join(tmpdir(), `${pkg.name}-consumer-`));

const run = (command, args, cwd = consumer) => {
  console.log(`$ ${[command.replace(`${root}/`, ''), ...args].join(' ')}`);
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
};
const write = (file, lines) => writeFileSync(join(consumer, file), [lines].flat().join('\n') + '\n');
const fail = (message) => {
  throw new Error(message);
};

try {
  run('npm', ['pack', '--silent', '--pack-destination', consumer], root);
  const tarball = join(
    consumer,
    readdirSync(consumer).find((file) => file.endsWith('.tgz')),
  );
  run(bin('publint'), ['run', '--strict', tarball]);
  run(bin('attw'), ['--profile', 'node16', tarball]);
  install(tarball);
  checkRuntime();
  checkCommand();
  checkTypes();
  checkImports();
  checkClassesAreShared();
  run(bin('size-limit'), [], root);
  console.log('The package is fine.');
} finally {
  rmSync(consumer, { recursive: true, force: true });
}

function install(tarball) {
  write('package.json', JSON.stringify({ private: true, type: 'module' }));
  // The versions the repository itself is locked to.
  const installed = [...Object.keys(pkg.peerDependencies), 'typescript', '@types/node'].map(
    (name) => `${name}@${JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version}`,
  );
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error', tarball, ...installed]);
}

/** Every entry loads both ways and exports the same names. */
function checkRuntime() {
  write('names.mjs', [
    `const names = {};`,
    ...entries.map(({ specifier }) => `names['${specifier}'] = Object.keys(await import('${specifier}'));`),
    `console.log(JSON.stringify(names));`,
  ]);
  write('names.cjs', [
    `const names = {};`,
    ...entries.map(({ specifier }) => `names['${specifier}'] = Object.keys(require('${specifier}')).sort();`),
    `console.log(JSON.stringify(names));`,
  ]);
  const [esm, cjs] = ['names.mjs', 'names.cjs'].map((file) =>
    execFileSync(process.execPath, [file], { cwd: consumer, encoding: 'utf8' }),
  );
  if (esm !== cjs) fail(`Expected ESM and CJS to export the same names, got\n${esm}${cjs}`);
  console.log(`import and require agree: ${esm.trim()}`);
}

/** The command runs under its name. */
function checkCommand() {
  const command = join(consumer, 'node_modules/.bin', Object.keys(pkg.bin)[0]);
  const version = execFileSync(command, ['--version'], { encoding: 'utf8' }).trim();
  if (version !== pkg.version) fail(`Expected ${command} to be of version ${pkg.version}, got ${version}`);
}

/** The declarations hold up in a strict consumer that checks libraries too: ESM, CJS, and a bundler's resolution. */
function checkTypes() {
  const uses = (some) => [
    ...some.map(({ specifier }, i) => `import * as entry${i} from '${specifier}';`),
    `export const used = [${some.map((_, i) => `entry${i}`)}];`,
  ];
  const portable = entries.filter(({ name }) => !nodeOnly.includes(name));
  // The NATS client's own declarations (3.4) do not hold up with `exactOptionalPropertyTypes`.
  const exact = entries.filter(({ name }) => name !== 'nats');
  for (const extension of ['mts', 'cts']) {
    write(`all.${extension}`, uses(entries));
    write(`exact.${extension}`, uses(exact));
  }
  write('portable.mts', uses(portable));
  const flags = ['--noEmit', '--strict', '--skipLibCheck', 'false'];
  const lib = ['--target', 'es2022', '--lib', 'es2023,dom,dom.asynciterable,esnext.disposable'];
  const tsc = (...args) => run(join(consumer, 'node_modules/.bin/tsc'), ['--ignoreConfig', ...flags, ...lib, ...args]);
  for (const more of [
    ['all.mts', 'all.cts'],
    ['--exactOptionalPropertyTypes', 'exact.mts', 'exact.cts'],
  ])
    tsc('--module', 'nodenext', '--types', 'node', ...more);
  tsc('--module', 'esnext', '--moduleResolution', 'bundler', '--types', 'node', 'all.mts');
  // Without `--types` there is nothing of Node.
  tsc('--module', 'esnext', '--moduleResolution', 'bundler', '--exactOptionalPropertyTypes', 'portable.mts');
}

/** What the built files reach: only declared packages, and nothing of Node from the portable entries. */
function checkImports() {
  const declared = Object.keys({ ...pkg.dependencies, ...pkg.peerDependencies });
  for (const { name, specifier, output } of entries) {
    for (const extension of ['.js', '.cjs']) {
      const allowed =
        name === ''
          ? ['rxjs']
          : nodeOnly.includes(name)
            ? [...declared, 'node:']
            : declared;
      for (const path of externalsOf(`dist/${output}${extension}`)) {
        if (!allowed.some((prefix) => path === prefix || path.startsWith(prefix.endsWith(':') ? prefix : `${prefix}/`)))
          fail(`Expected ${specifier} (${extension}) to import only ${allowed.join(', ')}; got ${path}`);
      }
    }
  }
}

function externalsOf(file) {
  const { metafile } = buildSync({
    absWorkingDir: join(consumer, 'node_modules', pkg.name),
    entryPoints: [file],
    outfile: 'out.js',
    bundle: true,
    packages: 'external',
    external: ['node:*'],
    platform: 'neutral',
    metafile: true,
    write: false,
  });
  return new Set(metafile.outputs['out.js'].imports.map(({ path }) => path));
}

/** No class is defined in two files of one format; otherwise `instanceof` and private members would fail across entries. */
function checkClassesAreShared() {
  const dist = join(consumer, 'node_modules', pkg.name, 'dist');
  for (const extension of ['.d.ts', '.d.cts', '.js', '.cjs']) {
    const definedIn = new Map();
    for (const file of readdirSync(dist, { recursive: true }).filter((path) => path.endsWith(extension))) {
      for (const [, name] of readFileSync(join(dist, file), 'utf8').matchAll(
        /^(?:export |declare |abstract )*class (\w+)/gm,
      )) {
        if (definedIn.has(name)) fail(`Expected one definition of ${name}, got ${definedIn.get(name)} and ${file}`);
        definedIn.set(name, file);
      }
    }
  }
}
