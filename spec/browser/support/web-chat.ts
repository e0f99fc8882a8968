import { buildSync } from 'esbuild';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Positioned } from 'rx-scrivener';
import { Child } from '../../examples/run-node';
import type { ChatEntry } from '../../../examples/web-chat/client/src/chat-entry';
import { buildPage } from './build-page';

const ROOT = resolve(__dirname, '../../..');
const EXAMPLE = join(ROOT, 'examples/web-chat');
const CLIENT = join(EXAMPLE, 'client');

/**
 * The web chat of this checkout in a temporary folder: its client built, its server bundled with `lib/`, so that neither needs `dist/`.
 */
export class WebChat {
  static #isBuilt = false;

  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'web-chat-')));
  readonly file = join(this.folder, 'chat.ndjson');
  #server: Child | undefined;
  #port = 0;

  constructor() {
    if (!WebChat.#isBuilt)
      buildPage(CLIENT, 'dist/index.html', ['src', 'public', '../../../lib', 'index.html', 'vite.config.mjs']);
    WebChat.#isBuilt = true;
    const server = join(this.folder, 'server');
    mkdirSync(server);
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
    cpSync(join(CLIENT, 'dist'), join(server, 'client/dist'), { recursive: true });
    buildSync({
      entryPoints: [join(EXAMPLE, 'main.mjs')],
      outfile: join(server, 'main.mjs'),
      tsconfig: join(ROOT, 'tsconfig.json'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      external: [
        'rxjs',
        'hono',
        '@hono/node-server',
        'fs-native-extensions',
        'fast-json-stable-stringify',
        'eventsource-parser',
      ],
    });
  }

  /** Where it listens; the same after a restart. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://localhost:${this.#port}/`;
  }

  /** What the journal's file holds. */
  get records(): Positioned<ChatEntry>[] {
    const lines = readFileSync(this.file, 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Positioned<ChatEntry>);
  }

  /** Puts a journal there before the server is started. */
  fill(entries: readonly ChatEntry[]): void {
    const lines = entries.map((entry, index) => JSON.stringify({ schemaVersion: '1', position: index + 1, entry }));
    writeFileSync(this.file, lines.map((line) => `${line}\n`).join(''));
  }

  async start(chunkMs = 5): Promise<void> {
    const args = ['server/main.mjs', '--file', this.file, '--port', String(this.#port), '--chunk-ms', String(chunkMs)];
    const server = new Child(process.execPath, args, this.folder);
    this.#server = server;
    await server.prints('The chat is at ');
    this.#port = Number(/localhost:(\d+)/.exec(server.stdout)?.[1]);
  }

  /** Ends the server as a crash does. */
  async kill(): Promise<void> {
    this.#server?.process.kill('SIGKILL');
    await this.#server?.ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
