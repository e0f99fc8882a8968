// Packs the package, installs the tarball into a folder elsewhere, and checks there what a user gets. Needs `npm run build`.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { checkExamples, checkInstall, checkLinks } from './check-install.mjs';
import { checkBesideRxjs } from './check-rxjs.mjs';
import { entries, nodeOnly, pkg } from './entries.mjs';

/** What people compile with: the oldest that knows `NoInfer`, and each major version since. */
const TYPESCRIPTS = ['5.4', '5.9', '6.0', '7.0'];
const compiler = (version) => `typescript-${version}`;
const CAREFUL = { exactOptionalPropertyTypes: true, isolatedModules: true, verbatimModuleSyntax: true };

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
  checkEntries();
  run('npm', ['pack', '--silent', '--pack-destination', consumer], root);
  const tarball = join(
    consumer,
    readdirSync(consumer).find((file) => file.endsWith('.tgz')),
  );
  run(bin('publint'), ['run', '--strict', tarball]);
  run(bin('attw'), ['--profile', 'node16', tarball]);
  checkLinks(tarball);
  checkInstall(tarball);
  checkExamples(tarball);
  install(tarball);
  checkRuntime();
  checkCommand();
  checkTypes();
  checkBundles();
  checkImports();
  checkClassesAreShared();
  checkBesideRxjs(tarball);
  run(bin('size-limit'), [], root);
  console.log('The package is fine.');
} finally {
  rmSync(consumer, { recursive: true, force: true });
}

function install(tarball) {
  write('package.json', JSON.stringify({ private: true, type: 'module' }));
  // The versions the repository itself is locked to.
  const installed = [...Object.keys(pkg.peerDependencies), '@types/react', 'rxjs'].map(
    (name) => `${name}@${JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version}`,
  );
  const compilers = TYPESCRIPTS.map((version) => `${compiler(version)}@npm:typescript@${version}`);
  run('npm', [
    ...['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'],
    ...[tarball, '@types/node@24', 'vite@8', ...installed, ...compilers],
  ]);
}

/** What cannot be computed in package.json and the README agrees with the list of entries. */
function checkEntries() {
  const versions = Object.fromEntries(
    entries.filter(({ name }) => name !== '').map(({ name, output }) => [name, [`./dist/${output}.d.cts`]]),
  );
  const sorted = (object) => JSON.stringify(Object.entries(object).sort());
  if (sorted(pkg.typesVersions['*']) !== sorted(versions))
    fail(`Expected \`typesVersions\` to be\n${JSON.stringify({ '*': versions }, null, 2)}`);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const { name } of entries) {
    const report = `docs/api-report/${name || 'core'}.api.md`;
    if (!readme.includes(`](${report})`)) fail(`Expected the README to link ${report}`);
  }
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

/** The declarations hold up in strict consumers that check libraries too, whichever compiler, resolution and global types they have. */
function checkTypes() {
  const uses = (some) => [
    ...some.map(({ specifier }, i) => `import * as entry${i} from '${specifier}';`),
    `export const used = [${some.map((_, i) => `entry${i}`)}];`,
  ];
  const peerless = ({ name }) => !['nats', 'nestjs'].includes(name);
  const kinds = {
    all: entries,
    // The NATS client's own declarations (3.4) do not hold up with `exactOptionalPropertyTypes`.
    exact: entries.filter(({ name }) => name !== 'nats'),
    // The declarations of NATS and Nest need a newer TypeScript, and a newer resolution.
    peerless: entries.filter(peerless),
  };
  for (const [kind, some] of Object.entries(kinds))
    for (const extension of ['mts', 'cts', 'ts']) write(`${kind}.${extension}`, uses(some));
  // What is published is written with the compiler before the newest, whose API our tools need; the newest takes our sources as well.
  for (const project of ['tsconfig.json', 'tsconfig.core.json'])
    run(
      process.execPath,
      [join(consumer, 'node_modules', compiler('7.0'), 'bin/tsc'), '-p', join(root, project)],
      root,
    );
  const bundler = { module: 'esnext', moduleResolution: 'bundler' };
  const nodenext = { module: 'nodenext', types: ['node'] };
  const newer = {
    both: [{ ...nodenext, lib: ['es2022', 'dom'] }, ['all.mts', 'all.cts']],
    server: [{ ...nodenext, lib: ['es2022'], ...CAREFUL }, ['exact.mts']],
    common: [{ ...nodenext, lib: ['es2022'] }, ['exact.cts']],
    bundled: [{ ...bundler, lib: ['es2022', 'dom'], types: ['node'] }, ['all.mts']],
  };
  const any = {
    plain: [{ ...nodenext, lib: ['es2022'] }, ['peerless.mts', 'peerless.cts']],
    page: [{ ...bundler, lib: ['es2022', 'dom'], types: [], ...CAREFUL }, ['peerless.mts']],
  };
  // What older Nest and Express projects have.
  const older = {
    older: [{ module: 'commonjs', moduleResolution: 'node', lib: ['es2022'], types: ['node'] }, ['peerless.ts']],
  };
  for (const version of TYPESCRIPTS) {
    const isNewer = version !== '5.4';
    const cases = { ...any, ...(isNewer && newer), ...(!version.startsWith('7') && older) };
    for (const [name, [options, files]] of Object.entries(cases)) {
      const silenced = name === 'older' && version.startsWith('6') ? { ignoreDeprecations: '6.0' } : {};
      const compilerOptions = {
        target: 'es2022',
        noEmit: true,
        strict: true,
        skipLibCheck: false,
        ...silenced,
        ...options,
      };
      write(`${name}.json`, JSON.stringify({ compilerOptions, files }));
      run(process.execPath, [join(consumer, 'node_modules', compiler(version), 'bin/tsc'), '-p', `${name}.json`]);
    }
  }
}

/** A server that is bundled runs: with its lock where the native package is beside it, and to read where it is not. */
function checkBundles() {
  write('server.mjs', [
    `import { openFileScrivener, readJournal } from 'rx-scrivener/file';`,
    `const [, , filePath, mode] = process.argv;`,
    `async function main() {`,
    `  if (mode === 'write') {`,
    `    const scrivener = await openFileScrivener({ filePath });`,
    `    await scrivener.write({ type: 'Said' });`,
    `    await scrivener.close();`,
    `  }`,
    `  for await (const { position } of readJournal(filePath)) console.log(position);`,
    `}`,
    `main().catch(({ code, message }) => console.log(code, message));`,
  ]);
  const elsewhere = mkdtempSync(join(tmpdir(), `${pkg.name}-bundle-`));
  try {
    for (const [format, extension] of [
      ['esm', 'mjs'],
      ['cjs', 'cjs'],
    ]) {
      const bundle = (folder) => join(folder, `bundled.${extension}`);
      const options = { absWorkingDir: consumer, entryPoints: ['server.mjs'], bundle: true, platform: 'node', format };
      for (const folder of [consumer, elsewhere]) buildSync({ ...options, outfile: bundle(folder), logLevel: 'error' });
      const journal = join(elsewhere, `${format}.ndjson`);
      const says = (folder, mode) =>
        execFileSync(process.execPath, [bundle(folder), journal, mode], { cwd: elsewhere, encoding: 'utf8' }).trim();
      const expected = {
        beside: says(consumer, 'write'),
        read: says(elsewhere, 'read'),
        without: says(elsewhere, 'write'),
      };
      if (expected.beside !== '1' || expected.read !== '1' || !expected.without.includes('`fs-native-extensions`'))
        fail(`Expected bundles to write and to read, and to say what they miss, got ${JSON.stringify(expected)}`);
    }
    checkVite(elsewhere);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
  console.log('bundles run');
}

/** The same server, as Vite builds it: with its packages left outside, which is what it does by itself, and with all of them inside. */
function checkVite(elsewhere) {
  write('vite.mjs', [
    `import { build } from 'vite';`,
    `const [, , outDir, noExternal] = process.argv;`,
    `const ssr = noExternal === 'all' ? { noExternal: true } : {};`,
    `await build({ configFile: false, logLevel: 'warn', ssr, build: { ssr: 'server.mjs', outDir, emptyOutDir: false } });`,
  ]);
  const journal = join(elsewhere, 'vite.ndjson');
  const says = (folder, mode) =>
    execFileSync(process.execPath, [join(folder, 'server.js'), journal, mode], {
      cwd: elsewhere,
      encoding: 'utf8',
    }).trim();
  const built = join(elsewhere, 'built');
  run(process.execPath, ['vite.mjs', 'outside']);
  run(process.execPath, ['vite.mjs', 'inside', 'all']);
  cpSync(join(consumer, 'inside'), built, { recursive: true });
  write('inside/package.json', '{"type":"module"}');
  writeFileSync(join(built, 'package.json'), '{"type":"module"}');
  const got = {
    outside: says(join(consumer, 'outside'), 'write'),
    inside: says(join(consumer, 'inside'), 'write'),
    read: says(built, 'read'),
    without: says(built, 'write'),
  };
  const isRight = got.outside === '1' && got.inside === '1\n2' && got.read === '1\n2';
  if (!isRight || !got.without.includes('`fs-native-extensions`'))
    fail(`Expected what Vite builds to write and to read, and to say what it misses, got ${JSON.stringify(got)}`);
}

/** What the built files reach: only declared packages, and nothing of Node from the portable entries. */
function checkImports() {
  const declared = Object.keys({ ...pkg.dependencies, ...pkg.peerDependencies });
  for (const { name, specifier, output } of entries) {
    for (const extension of ['.js', '.cjs']) {
      const allowed = name === '' ? ['rxjs'] : nodeOnly.includes(name) ? [...declared, 'node:'] : declared;
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
