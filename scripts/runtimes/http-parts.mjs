import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export function assert(condition, what) {
  if (!condition) throw new Error(`Expected ${what}`);
}

const json = (body, headers = {}) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** Waits until so many tails are held. */
async function held({ tails }, count) {
  for (let i = 0; i < 200 && (await tails()) !== count; i++) await delay(25);
  assert((await tails()) === count, `${count} tails to be held within 5 s, got ${await tails()}`);
}

/**
 * What a handler does under a server. Each part is given a journal of its own that is served, with a sign of life every two seconds, or more often; `tails` says how many
 * are held. A reader that takes nothing is released after four of them, too: later than these parts wait, but for workerd, which may not say who is gone.
 *
 * @type {Record<string, (served: { url: string, tails: () => number | Promise<number> }) => Promise<void>>}
 */
export const httpParts = {
  'a tail streams, has heartbeats, and is released when its client leaves': async (served) => {
    const leave = new AbortController();
    const response = await fetch(served.url, { headers: { Accept: 'text/event-stream' }, signal: leave.signal });
    const reader = response.body.getReader();
    let text = '';
    const until = async (pattern) => {
      while (!pattern.test(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`Expected ${pattern} before the end, got ${text}`);
        text += new TextDecoder().decode(value);
      }
    };
    await until(/^event: caughtUp$/m);
    await fetch(served.url, json({ type: 'Said', text: 'hello' }));
    await until(/hello/);
    await until(/^:/m);
    await held(served, 1);
    leave.abort();
    await reader.cancel().catch(() => undefined);
    await held(served, 0);
  },

  'a client that reads nothing, and is gone without a word, releases its tail': async (served) => {
    // More than a connection buffers.
    for (let n = 0; n < 40; n++) await fetch(served.url, json({ type: 'Said', text: 'x'.repeat(200_000) }));
    const { hostname, port, pathname } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\n\r\n`);
    await held(served, 1);
    await delay(500); // as much as is taken was sent
    if (socket.resetAndDestroy) socket.resetAndDestroy();
    else socket.destroy();
    await held(served, 0);
  },

  'POST writes once by its key and refuses by If-Match; HEAD and pages tell what there is': async ({ url }) => {
    const first = await fetch(url, json({ n: 1 }, { 'Idempotency-Key': 'a' }));
    const again = await fetch(url, json({ n: 1 }, { 'Idempotency-Key': 'a' }));
    const [{ position }, { position: same }] = [await first.json(), await again.json()];
    assert(first.status === 201 && position === 1 && same === 1, `position 1 twice, got ${position}, ${same}`);
    const refused = await fetch(url, json({ n: 2 }, { 'If-Match': '"0"' }));
    const { code } = await refused.json();
    assert(refused.status === 412 && code === 'ERR_POSITION_CONFLICT', `a conflict, got ${refused.status} ${code}`);
    const accepted = await fetch(url, json({ n: 2 }, { 'If-Match': '"1"' }));
    assert(accepted.status === 201, `the second to be written, got ${accepted.status}`);
    await accepted.body?.cancel();
    const large = await fetch(url, json({ text: 'x'.repeat(2_000_000) })).catch(() => undefined);
    assert(large === undefined || large.status === 413, `what is too large to be refused, got ${large?.status}`);
    await large?.body?.cancel();
    const head = await fetch(url, { method: 'HEAD' });
    assert(head.headers.get('etag') === '"2"', `the head, got ${head.headers.get('etag')}`);
    const page = await (await fetch(`${url}?before=3&limit=10`)).json();
    assert(page.map((record) => record.position).join() === '2,1', `both, newest first, got ${JSON.stringify(page)}`);
  },
};
