import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import express5, { type Express, type RequestHandler } from 'express';
import fastify from 'fastify';
import { firstValueFrom } from 'rxjs';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, nodeListener, openRemoteScrivener } from 'rx-scrivener/http';

const express4 = jest.requireActual<typeof express5>('express4');

interface Said {
  readonly text: string;
}

let journal: InMemoryScrivener<Said>;
let stop: () => Promise<unknown>;

const listener = () => nodeListener(journalHandler(journal, { authorize: 'public', heartbeatMs: 1_000 }));

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/journal`;
}

const onNode = (listen_: RequestListener = listener()) => listen(createServer(listen_));

const onExpress = (express: () => Express, ...parsers: RequestHandler[]) => {
  const app = express();
  for (const parser of parsers) app.use(parser);
  app.all('/journal', listener());
  return listen(createServer(app));
};

async function onFastify(how: 'whole' | 'raw'): Promise<string> {
  const app = fastify({ forceCloseConnections: true });
  const listen_ = listener();
  app.all('/journal', (request, reply) => {
    if (how === 'whole') listen_(request, reply);
    else listen_(request.raw, reply.hijack().raw);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  stop = () => app.close();
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/journal`;
}

const post = (url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body });

beforeEach(() => {
  journal = new InMemoryScrivener();
  stop = async () => undefined;
});
afterEach(() => stop());

describe.each<[string, () => Promise<string>]>([
  ['node:http', onNode],
  ['Express 4', () => onExpress(express4)],
  ['Express 4 with body parsers', () => onExpress(express4, express4.json(), express4.urlencoded({ extended: true }))],
  ['Express 4 with a parser of raw bodies', () => onExpress(express4, express4.raw({ type: '*/*' }))],
  ['Express 5', () => onExpress(express5)],
  ['Express 5 with body parsers', () => onExpress(express5, express5.json(), express5.text({ type: '*/*' }))],
  ['Fastify', () => onFastify('whole')],
])('on %s', (_, serve) => {
  test('a journal is written, read backward, and tailed; a reader that leaves is released', async () => {
    const url = await serve();
    const remote = await openRemoteScrivener<Said>({ url });
    expect(await remote.write({ text: 'héllo ✓' })).toBe(1);
    expect(await Promise.all(['a', 'b', 'c'].map((text) => remote.write({ text })))).toEqual([2, 3, 4]);
    expect(await firstValueFrom(remote.readBackward())).toEqual({ position: 4, entry: { text: 'c' } });
    const tail = remote.tail(3)[Symbol.asyncIterator]();
    expect((await tail.next()).value).toEqual({ position: 4, entry: { text: 'c' } });
    const live = tail.next();
    journal.append({ text: 'live' });
    expect((await live).value).toEqual({ position: 5, entry: { text: 'live' } });
    expect(journal.observed).toBe(true);
    await tail.return?.();
    while (journal.observed) await new Promise((resolve) => setTimeout(resolve, 5));
    await remote.close();
  });

  test('what is refused says why', async () => {
    const url = await serve();
    const answer = await post(url, '[1', { 'Content-Type': 'text/html' });
    expect(answer.status).toBe(415);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('etag')]).toEqual([200, '"0"']);
  });
});

describe('a body that somebody else has read', () => {
  test('and left nothing of gets an error that says so', async () => {
    const url = await onFastify('raw');
    const answer = await post(url, '{"text":"a"}');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({
      code: 'ERR_BODY_USED',
      detail: expect.stringContaining('body parsers') as string,
    });
    expect(journal.head).toBe(0);
  });

  test('by `authorize` gets an error that says so', async () => {
    const authorize = async (request: Request) => (await request.text()) !== '';
    const url = await onNode(nodeListener(journalHandler(journal, { authorize, onError: () => undefined })));
    const answer = await post(url, '{"text":"a"}');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({
      code: 'ERR_BODY_USED',
      detail: expect.stringContaining('clone()') as string,
    });
    expect(journal.head).toBe(0);
  });

  test('was unpacked by the parser', async () => {
    const url = await onExpress(express5, express5.json());
    const answer = await post(url, new Uint8Array(gzipSync('{"text":"a"}')), { 'Content-Encoding': 'gzip' });
    expect(answer.status).toBe(201);
    expect(await firstValueFrom(journal.tail())).toEqual({ position: 1, entry: { text: 'a' } });
  });
});

describe.each<[string, () => Promise<string>]>([
  ['Express with a JSON parser', () => onExpress(express5, express5.json({ strict: false }))],
  ['Express with a text parser', () => onExpress(express5, express5.text({ type: '*/*' }))],
  ['Fastify', () => onFastify('whole')],
])('entries that are texts, on %s', (_, serve) => {
  test.each<unknown>(['abc', '1', '{"a":1}', '"', '', 'é', 1, null, false, [], { text: '"' }])(
    '%j is what it was',
    async (entry) => {
      const url = await serve();
      expect((await post(url, JSON.stringify(entry))).status).toBe(201);
      expect(await firstValueFrom(journal.tail())).toEqual({ position: 1, entry });
    },
  );
});

test('a text that came in pieces is taken for what it can be', async () => {
  const url = await onFastify('whole');
  const inPieces = async (text: string) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
    });
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, duplex: 'half' };
    return (await fetch(url, init)).status;
  };
  expect([await inPieces('"abc"'), await inPieces('{"text":"a"}')]).toEqual([201, 201]);
  expect(await firstValueFrom(journal.readBackward(2))).toEqual({ position: 1, entry: 'abc' });
});

test('a body that is too large is refused before it has come, and the connection goes with it', async () => {
  const url = await onNode(nodeListener(journalHandler(journal, { authorize: 'public', maxBodyBytes: 100 })));
  const sending = httpRequest(url, { method: 'POST', headers: { 'Content-Type': 'application/json' } });
  sending.on('error', () => undefined);
  sending.write('"' + 'x'.repeat(1_000));
  const [response] = (await once(sending, 'response')) as [{ statusCode: number; headers: Record<string, string> }];
  expect([response.statusCode, response.headers.connection]).toEqual([413, 'close']);
  sending.destroy();
});

test('the request has the whole URL, and headers that are given more than once', async () => {
  const seen: string[] = [];
  const app = express5();
  const router = express5.Router();
  router.all(
    '/journal',
    nodeListener(async (request) => {
      seen.push(new URL(request.url).pathname, String(request.headers.get('x-many')));
      const headers = new Headers([
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]);
      return new Response('fine', { status: 202, headers });
    }),
  );
  app.use('/deep', router);
  const url = (await listen(createServer(app))).replace('/journal', '/deep/journal');
  const answer = await fetch(url, {
    headers: [
      ['X-Many', '1'],
      ['X-Many', '2'],
    ],
  });
  expect(seen).toEqual(['/deep/journal', '1, 2']);
  expect([answer.status, answer.headers.getSetCookie(), await answer.text()]).toEqual([202, ['a=1', 'b=2'], 'fine']);
});

test('a handler that throws, and a body that breaks, end the connection and not the server', async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) });
  const url = await onNode(
    nodeListener(async (request) => {
      if (request.headers.has('X-Throw')) throw new Error('thrown');
      return new Response(broken);
    }),
  );
  await expect(fetch(url, { headers: { 'X-Throw': '1' } })).rejects.toThrow();
  await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow();
});

test('an argument that is not a handler is refused', () => {
  expect(() => nodeListener(undefined as never)).toThrow(TypeError);
});

test('a body over HTTP/2 needs no Content-Length', async () => {
  const server = createHttp2Server(listener()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const headers = { ':method': 'POST', ':path': '/journal', 'content-type': 'application/json' };
  const request = client.request(headers).end('{"text":"hi"}');
  const [{ ':status': status }] = (await once(request, 'response')) as [Record<string, unknown>];
  expect(status).toBe(201);
  expect(journal.head).toBe(1);
  client.destroy();
  server.close();
  await once(server, 'close');
});
