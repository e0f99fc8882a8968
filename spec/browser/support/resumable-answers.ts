import { buildSync } from 'esbuild';
import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Child } from '../../examples/run-node';
import { buildPage } from './build-page';

const ROOT = resolve(__dirname, '../../..');
const EXAMPLE = join(ROOT, 'examples/resumable-answers');
export const PAGE = join(EXAMPLE, 'page');

export function buildAnswersPage(): void {
  buildPage(PAGE, 'dist/page.js', ['page.tsx', 'reconnecting.ts', 'package.json']);
}

/** The example in a temporary folder: its page built, its server bundled with `lib/`, so that neither needs `dist/`. */
export class ResumableAnswers {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'resumable-answers-')));
  #server: Child | undefined;
  #port = 0;

  constructor() {
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
    for (const file of ['index.html', 'dist/page.js']) cpSync(join(PAGE, file), join(this.folder, 'page', file));
    buildSync({
      entryPoints: [join(EXAMPLE, 'server.mjs')],
      outfile: join(this.folder, 'server.mjs'),
      tsconfig: join(ROOT, 'tsconfig.json'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      external: ['rxjs', 'fs-native-extensions', 'fast-json-stable-stringify', 'eventsource-parser'],
    });
  }

  /** Leads to a new chat. */
  get url(): string {
    return `http://localhost:${this.#port}/`;
  }

  /** Starts the server, after the first time on the same port. */
  async start(wordMs: number): Promise<void> {
    const options = { folder: 'data', port: this.#port, 'word-ms': wordMs };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const server = new Child(process.execPath, ['server.mjs', ...args], this.folder);
    this.#server = server;
    await server.prints('The chat is at ');
    this.#port = Number(/localhost:(\d+)/.exec(server.stdout)?.[1]);
  }

  /** Ends the server as a crash does; what it has complained of is returned. */
  async kill(): Promise<string> {
    this.#server?.process.kill('SIGKILL');
    return (await this.#server?.ended)?.stderr ?? '';
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
