import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const unit = 'ns a message';
const against = '@durable-streams/server with its file store';

async function withServer(which, use) {
  const folder = await mkdtemp(join(tmpdir(), 'rx-scrivener-bench-'));
  const server = fork(fileURLToPath(new URL('../streams-server.mjs', import.meta.url)), [which, folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [port] = await once(server, 'message');
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const send = (method, path, headers = {}, body = undefined) =>
    new Promise((resolve, reject) => {
      const sent = request({ agent, host: '127.0.0.1', port, method, path, headers: { ...JSON_TYPE, ...headers } });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const { statusCode: status, headers } = response;
        if (status >= 400) reject(new Error(`${method} was answered with ${status}`));
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ headers, text: () => Buffer.concat(chunks).toString() }));
      });
      sent.end(body);
    });
  try {
    return await use(send, port);
  } finally {
    agent.destroy();
    server.disconnect();
    await once(server, 'exit');
    await rm(folder, { recursive: true });
  }
}

const PRODUCERS = 64;
const EACH = 25;

async function append(which) {
  return withServer(which, async (send) => {
    await send('PUT', '/chat');
    const produce = async (id) => {
      for (let seq = 0; seq < EACH; seq++) {
        const headers = { 'Producer-Id': `p${id}`, 'Producer-Epoch': '0', 'Producer-Seq': String(seq) };
        await send('POST', '/chat', headers, JSON.stringify(entry(seq)));
      }
    };
    return perStep(PRODUCERS * EACH, () => Promise.all(Array.from({ length: PRODUCERS }, (_, id) => produce(id))));
  });
}

const MESSAGES = 100_000;
const BATCH = 1_000;

async function catchUp(which) {
  return withServer(which, async (send) => {
    await send('PUT', '/chat');
    for (let n = 0; n < MESSAGES; n += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, index) => entry(n + index));
      await send('POST', '/chat', {}, JSON.stringify(batch));
    }
    return perStep(MESSAGES, async () => {
      let count = 0;
      let offset = '-1';
      for (let isUpToDate = false; !isUpToDate;) {
        const page = await send('GET', `/chat?offset=${offset}`);
        count += JSON.parse(page.text()).length;
        offset = page.headers['stream-next-offset'];
        isUpToDate = page.headers['stream-up-to-date'] === 'true';
      }
      if (count !== MESSAGES) throw new Error(`Expected ${MESSAGES} messages, got ${count}`);
    });
  });
}

const READERS = 200;
const LIVE = 100;

async function fanOut(which) {
  return withServer(which, async (send, port) => {
    await send('PUT', '/chat');
    const agent = new Agent({ maxSockets: READERS });
    let answered = 0;
    let finished = 0;
    let all;
    const done = new Promise((resolve) => (all = resolve));
    const last = `"text":${JSON.stringify(entry(LIVE - 1).text)}`;
    await new Promise((ready, reject) => {
      for (let n = 0; n < READERS; n++) {
        const sent = request({ agent, host: '127.0.0.1', port, path: '/chat?offset=-1&live=sse' });
        sent.on('error', reject).on('response', (response) => {
          let tail = '';
          response.once('data', () => ++answered === READERS && ready());
          response.on('error', () => {});
          response.on('data', (chunk) => {
            tail = (tail + chunk.latin1Slice()).slice(-2_000);
            if (tail.includes(last) && ++finished === READERS) all();
          });
        });
        sent.end();
      }
    });
    const figure = await perStep(LIVE * READERS, async () => {
      for (let n = 0; n < LIVE; n++) await send('POST', '/chat', {}, JSON.stringify(entry(n)));
      await done;
    });
    agent.destroy();
    return figure;
  });
}

const ROWS = {
  append: {
    what: `durable streams: ${PRODUCERS} idempotent producers append 200-byte messages to one stream, synced`,
    of: append,
  },
  'catch-up': { what: 'durable streams: 100k messages are read from the beginning', of: catchUp },
  'fan-out': { what: `durable streams: ${LIVE} messages to ${READERS} SSE readers`, of: fanOut },
};

export function rowOf(name) {
  const { what, of } = ROWS[name];
  const run = () => compare({ rounds: 3, warmUps: 1, ours: () => of('ours'), theirs: () => of('theirs') });
  return { what, against, atMost: 1, unit, run };
}
