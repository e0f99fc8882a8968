import { buildSync } from 'esbuild';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Child, type Ended } from '../../examples/run-node';

const ROOT = resolve(__dirname, '../../..');
export const VERSION = '1.2.3-spec';

/** The command as it is installed, to be run as a process; bundled from `lib/`, so that no build has to go before. */
export class InstalledCommand {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'rx-scrivener-cli-')));
  readonly main = join(this.folder, 'dist/cli.js');
  readonly #children = new Set<Child>();

  constructor() {
    mkdirSync(join(this.folder, 'dist'));
    buildSync({
      absWorkingDir: ROOT,
      entryPoints: ['lib/cli/main.ts'],
      outfile: this.main,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      // As users have them; RxJS is bundled for the sake of time.
      external: ['commander', 'cli-progress', 'asciichart', 'fast-json-stable-stringify', 'fs-native-extensions'],
    });
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify({ type: 'module', version: VERSION }));
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
  }

  start(args: readonly string[], cwd: string): Child {
    return this.#track(new Child(process.execPath, [this.main, ...args], cwd));
  }

  run(args: readonly string[], cwd: string): Promise<Ended> {
    return this.start(args, cwd).ended;
  }

  /** Runs a line of bash, in which `rx-scrivener` is the command. */
  shell(line: string, cwd: string): Promise<Ended> {
    const script = `rx-scrivener() { "${process.execPath}" "${this.main}" "$@"; }; npx() { "$@"; }\n${line}`;
    return this.#track(new Child('bash', ['-c', script], cwd)).ended;
  }

  /** Ends what a test left running. */
  async endAll(): Promise<void> {
    await Promise.all(
      [...this.#children].map((child) => {
        child.process.kill('SIGKILL');
        return child.ended;
      }),
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #track(child: Child): Child {
    this.#children.add(child);
    void child.ended.then(() => this.#children.delete(child));
    return child;
  }
}

/** The command, and a folder that each test has to itself; whatever is left running is ended. */
export function useCommand(): InstalledCommand {
  jest.setTimeout(60_000);
  const command = new InstalledCommand();
  afterEach(() => command.endAll());
  afterAll(() => command.remove());
  return command;
}
