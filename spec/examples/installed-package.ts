import { buildSync } from 'esbuild';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ROOT = join(__dirname, '../..');

interface PackageJson {
  readonly exports: Record<string, { import: { default: string } }>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

/**
 * A temporary folder in which the package is installed as users have it: what is to be run from there imports `rx-scrivener` through its
 * `exports`. Bundled from `lib/`, so that `npm test` needs no build before it.
 */
export class InstalledPackage {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'rx-scrivener-')));

  /**
   * @param entries - those to be had, as in `exports`
   * @param packages - those that a user has installed beside it
   */
  constructor(entries: readonly string[] = ['.', './file'], packages: readonly string[] = []) {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson;
    const published = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    const modules = join(this.folder, 'node_modules');
    const installed = join(modules, 'rx-scrivener');
    const outputs = entries.map((entry) => manifest.exports[entry]!.import.default);
    buildSync({
      absWorkingDir: ROOT,
      entryPoints: outputs.map((output) => output.replace('./dist/', 'lib/').replace(/\.js$/, '.ts')),
      outbase: 'lib',
      outdir: join(installed, 'dist'),
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: published,
    });
    writeFileSync(
      join(installed, 'package.json'),
      JSON.stringify({ name: 'rx-scrivener', type: 'module', exports: manifest.exports }),
    );
    for (const name of [...published, ...packages]) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'junction');
    }
  }

  /** A new empty folder inside, to run in. */
  newFolder(): string {
    return mkdtempSync(join(this.folder, 'run-'));
  }

  /** Copies the files of a folder of the repository, and returns where they are. */
  copy(folder: string): string {
    const target = join(this.folder, folder);
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(join(ROOT, folder))) {
      writeFileSync(join(target, file), readFileSync(join(ROOT, folder, file)));
    }
    return target;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
