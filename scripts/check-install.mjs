import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import semver from 'semver';
import { pkg } from './entries.mjs';

const root = join(import.meta.dirname, '..');
const read = (...path) => readFileSync(join(...path), 'utf8');

/** Of these there is no version for Node 20. */
const NEWER_ALONE = ['@rxjs/observable-polyfill'];
/** Figures of the README may be off by so much before they have to be measured again. */
const TOLERANCE = 0.15;
const MB = 1e6;

/** What npm says of the package when it is installed and when it is published, and what it takes on the disk. */
export function checkInstall(tarball) {
  const folder = mkdtempSync(join(tmpdir(), `${pkg.name}-alone-`));
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
    quiet('install', ['install', '--prefer-offline', tarball], folder);
    assertEngines(join(folder, 'package-lock.json'), []);
    checkWeight(join(folder, 'node_modules'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  quiet('publish', ['publish', '--dry-run', '--ignore-scripts'], root);
  assertEngines(join(root, 'package-lock.json'), NEWER_ALONE);
  console.log('npm installs and publishes it without a warning');
}

/** Nobody is logged in here: of all warnings, that one says nothing about the package. */
function quiet(what, args, cwd) {
  const { status, stderr } = spawnSync('npm', [...args, '--no-audit', '--no-fund'], { cwd, encoding: 'utf8' });
  const warnings = stderr.split('\n').filter((line) => /^npm (warn|error)/.test(line) && !line.includes('logged in'));
  if (status !== 0 || warnings.length > 0)
    throw new Error(`Expected npm ${what} to say nothing of the package, got ${status}\n${warnings.join('\n')}`);
}

/** What is locked takes every Node that the package was tested on, which docs/runtimes.md names. */
function assertEngines(lockFile, except) {
  const tested = [...read(root, 'docs/runtimes.md').matchAll(/\| Node (\d+\.\d+\.\d+) /g)].map(
    ([, version]) => version,
  );
  if (tested.length === 0) throw new Error('Expected docs/runtimes.md to name the versions of Node');
  for (const [path, { engines, optional, deprecated }] of Object.entries(JSON.parse(read(lockFile)).packages)) {
    if (deprecated) throw new Error(`Expected no deprecated package, got ${path}: ${deprecated}`);
    if (!engines?.node || optional || except.some((name) => path.endsWith(name))) continue;
    for (const version of tested)
      if (!semver.satisfies(version, engines.node))
        throw new Error(`Expected every package to take Node ${version}, got ${path}, which takes ${engines.node}`);
  }
}

/** The README says what is installed. */
function checkWeight(modules) {
  const own = (name) => measure(join(modules, name)).bytes / MB;
  const { bytes, blocks } = measure(modules);
  const parts = { rxjs: own('rxjs'), itself: own(pkg.name), lock: own('fs-native-extensions') };
  const rest = bytes / MB - parts.rxjs - parts.itself - parts.lock;
  const measured = { all: bytes / MB, disk: (blocks * 512) / MB, ...parts, rest };
  const sentence =
    /It installs (?<all>[\d.]+) MB, .*?\((?<disk>[\d.]+) MB on a disk.*?: RxJS (?<rxjs>[\d.]+) MB, the package itself (?<itself>[\d.]+) MB.*?lock (?<lock>[\d.]+) MB.*?the rest (?<rest>[\d.]+) MB/;
  const said = sentence.exec(read(root, 'README.md').replaceAll('\n', ' '))?.groups;
  for (const [what, size] of Object.entries(measured))
    if (Math.abs(Number(said?.[what]) - size) > Math.max(TOLERANCE * size, 0.2))
      throw new Error(`Expected the README to say ${size.toFixed(1)} MB for ${what}, got ${said?.[what]}`);
}

function measure(folder) {
  const all = readdirSync(folder, { recursive: true }).map((path) => lstatSync(join(folder, path)));
  return {
    bytes: all.filter((stats) => stats.isFile()).reduce((sum, { size }) => sum + size, 0),
    blocks: all.reduce((sum, { blocks }) => sum + blocks, 0),
  };
}

/** What the examples import from files beside them is published too. */
export function checkExamples(tarball) {
  const folder = mkdtempSync(join(tmpdir(), `${pkg.name}-examples-`));
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
    const examples = join(folder, 'package/examples');
    const files = readdirSync(examples, { recursive: true }).filter((file) => /\.(mjs|tsx?|css)$/.test(file));
    const entryPoints = files.filter((file) => !file.endsWith('.d.ts')).map((file) => join(examples, file));
    buildSync({
      entryPoints,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      write: false,
      outdir: folder,
    });
    console.log(`the ${entryPoints.length} files of the examples import what is in the tarball`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every link of the README and the guides leads somewhere in what is published, down to its heading. */
export function checkLinks(tarball) {
  const folder = mkdtempSync(join(tmpdir(), `${pkg.name}-links-`));
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
    const published = join(folder, 'package');
    const files = readdirSync(published, { recursive: true });
    const guides = files.filter((path) => path.endsWith('.md') && !path.includes('api-report'));
    const broken = guides.flatMap((guide) =>
      linksOf(read(published, guide))
        .filter((link) => !leadsSomewhere(link, guide, published, files))
        .map((link) => `${guide}: ${link}`),
    );
    if (broken.length > 0)
      throw new Error(`Expected links that lead somewhere in the tarball, got\n${broken.join('\n')}`);
    console.log(`the links of ${guides.length} guides lead somewhere in the tarball`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const withoutCode = (text) =>
  text.replace(/^ *(```|~~~)[^]*?^ *\1.*$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[()[\]]/g, ''));

function linksOf(text) {
  const plain = withoutCode(text);
  const links = [...plain.matchAll(/\]\(([^)\s]+)\)/g), ...plain.matchAll(/(?:src|srcset|href)="([^"]+)"/g)];
  return links.map(([, link]) => link).filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(link, guide, published, files) {
  const { pathname, hash } = new URL(link, `file:///${guide}`);
  const path = decodeURIComponent(pathname).slice(1).replace(/\/$/, '');
  if (!files.includes(path)) return false;
  return hash === '' || headingsOf(read(published, path)).includes(decodeURIComponent(hash.slice(1)));
}

/** The headings of a guide, as GitHub and npm make links of them. */
function headingsOf(text) {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/ /g, '-'),
  );
}
