import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Our server on a folder, which can be killed and comes back on its port with what it had. */
export class KilledServer {
  #folder;
  #port = 0;
  #process;

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start() {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'scrivener-streams-'));
    this.#process = fork(join(import.meta.dirname, 'serve.mjs'), [this.#folder, String(this.#port)]);
    const failed = once(this.#process, 'exit').then(([code]) => Promise.reject(new Error(`It ended with ${code}`)));
    [this.#port] = await Promise.race([once(this.#process, 'message'), failed]);
    failed.catch(() => {});
    return this;
  }

  async kill() {
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }

  async [Symbol.asyncDispose]() {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }
}
