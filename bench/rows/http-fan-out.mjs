import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { getRequestListener } from '@hono/node-server';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler } from 'rx-scrivener/http';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';

const COUNT = 1_000;
const CLIENTS = 200;
/** So many entries come in one turn of the event loop. */
const BURST = 10;
const entries = Array.from({ length: COUNT }, (_, n) => entry(n));

export const what = `fan-out of a tail to ${CLIENTS} SSE clients in another process, ten entries a turn of the event loop`;
export const against = 'bare loop on node:http: JSON.stringify once, `response.write` to each';
export const atMost = 1.15;
export const unit = 'ns an entry';

async function measure(listener, ready, write) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients = fork(fileURLToPath(new URL('../sse-clients.mjs', import.meta.url)), [
    String(server.address().port),
    String(CLIENTS),
    String(COUNT),
  ]);
  await once(clients, 'message');
  await ready();
  const figure = await perStep(COUNT, async () => {
    const done = once(clients, 'message');
    for (let n = 0; n < COUNT; n++) {
      await write(entries[n], n + 1);
      if (n % BURST === 0) await turn();
    }
    const [bytes] = await done;
    check(bytes);
  });
  clients.kill();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return figure;
}

async function ours() {
  const journal = new InMemoryScrivener();
  const handle = journalHandler(journal, { authorize: 'public' });
  return measure(
    getRequestListener(handle),
    () => turn(),
    (entry) => journal.append(entry),
  );
}

async function theirs() {
  const responses = new Set();
  const listener = (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    responses.add(response);
  };
  return measure(
    listener,
    async () => {
      while (responses.size < CLIENTS) await turn();
    },
    async (entry, position) => {
      const event = `id: ${position}\ndata: ${JSON.stringify(entry)}\n\n`;
      for (const response of responses) response.write(event);
      for (const response of responses) if (response.writableNeedDrain) await once(response, 'drain');
    },
  );
}

let expected;
/** Each client got the same text on both sides. */
function check(characters) {
  expected ??= entries.reduce((sum, entry, n) => sum + `id: ${n + 1}\ndata: ${JSON.stringify(entry)}\n\n`.length, 0);
  for (const got of characters) {
    if (got !== expected) throw new Error(`Expected ${expected} characters of events at each client, got ${got}`);
  }
}

export const run = () => compare({ rounds: 7, warmUps: 1, ours, theirs });
