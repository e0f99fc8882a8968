import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pkg } from './entries.mjs';

const root = join(import.meta.dirname, '..');
const NINE = '9.0.0-beta.0';
const SEVEN = JSON.parse(readFileSync(join(root, 'node_modules/rxjs/package.json'), 'utf8')).version;

/** What npm makes of the package beside each RxJS that an app may have: whether it installs, which copies there are, and whether a program runs. */
export function checkBesideRxjs(tarball) {
  const apps = [
    { name: 'no RxJS', has: [], copies: [SEVEN] },
    { name: 'RxJS 7.8.0', has: ['rxjs@7.8.0'], copies: ['7.8.0'] },
    { name: `RxJS ${SEVEN}`, has: [`rxjs@${SEVEN}`], copies: [SEVEN] },
    { name: `RxJS ${NINE}`, has: [`rxjs@${NINE}`, `rxjs-7@npm:rxjs@${SEVEN}`], copies: [SEVEN, SEVEN, NINE] },
  ];
  for (const { name, has, copies } of apps) {
    const app = mkdtempSync(join(tmpdir(), `${pkg.name}-app-`));
    try {
      writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
      const install = (...packages) =>
        execFileSync(
          'npm',
          ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error', ...packages],
          { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] },
        );
      if (has.length > 0) install(...has);
      install(tarball);
      expect(`the copies of RxJS beside ${name}`, copiesIn(app), copies);
      cpSync(join(root, 'scripts/rxjs'), app, { recursive: true });
      if (has.includes(`rxjs@${NINE}`)) runBoth(app);
      else expect(`what the app with ${name} says`, run(app, 'one.mjs'), '1 hello true');
    } finally {
      rmSync(app, { recursive: true, force: true });
    }
  }
  console.log(`installs beside ${apps.map(({ name }) => name).join(', ')}`);
}

function runBoth(app) {
  expect('what the parts on RxJS 7 and 9 read', JSON.parse(run(app, 'both.mjs')), {
    in9: ['from 9', 'from 7', 'later'],
    in7: ['Said', 'Counted', 'Said', 'Said'],
    taken: ['from 9', 'from 7'],
    pulled: ['from 9', 'from 7'],
    observed: false,
  });
  const compilerOptions = { allowJs: true, checkJs: true, strict: true, noEmit: true, skipLibCheck: false };
  const target = { target: 'es2022', module: 'nodenext', lib: ['es2022', 'dom'], types: [] };
  writeFileSync(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...target }, files: ['both.mjs'] }),
  );
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', app], { stdio: 'inherit' });
}

const run = (app, program) =>
  execFileSync(process.execPath, [program], { cwd: app, encoding: 'utf8', timeout: 60_000 }).trim();

function copiesIn(app) {
  const versions = readdirSync(app, { recursive: true })
    .filter((path) => /node_modules[/\\]rxjs(-7)?[/\\]package\.json$/.test(path))
    .map((path) => JSON.parse(readFileSync(join(app, path), 'utf8')).version);
  return versions.sort();
}

function expect(what, got, expected) {
  const [is, wanted] = [got, expected].map((value) => JSON.stringify(value));
  if (is !== wanted) throw new Error(`Expected ${what} to be ${wanted}, got ${is}`);
}
