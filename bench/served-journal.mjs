import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts a server of a journal of so many entries, in a process of its own; `url` is where it is. */
export async function servedJournal(count) {
  const server = fork(fileURLToPath(new URL('http-journal.mjs', import.meta.url)), [String(count)]);
  const [url] = await once(server, 'message');
  return { url, stop: () => server.kill() };
}
