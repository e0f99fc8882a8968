import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler } from 'rx-scrivener/http';
import { HttpServer } from '../support/http-server';

const MAX_BODY_BYTES = 10_000;

let journal: InMemoryScrivener<unknown>;
let server: HttpServer;
const sockets: Socket[] = [];

beforeEach(async () => {
  journal = new InMemoryScrivener();
  journal.append({ n: 1 });
  server = await HttpServer.start(journalHandler(journal, { authorize: 'public', maxBodyBytes: MAX_BODY_BYTES }));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
});

async function openSocket(text: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text, 'latin1');
  return socket;
}

/** The status of the answer to a request that is written by hand. */
async function statusOf(text: string, more = ''): Promise<number> {
  const socket = await openSocket(text);
  const timer = setInterval(() => more && socket.writable && socket.write(more), 1);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  clearInterval(timer);
  return Number(bytes.toString('latin1').split(' ')[1]);
}

const get = (query: string, headers: Record<string, string> = {}) => fetch(server.url + query, { headers });
const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(server.url, {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
    duplex: 'half',
  } as RequestInit);
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe('bodies', () => {
  test('that say they are too large are refused unread', async () => {
    const head = 'POST /journal HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
    expect(await statusOf(`${head}Content-Length: 999999999\r\n\r\n"x`)).toBe(413);
  });

  test('that come in chunks without end are refused at the limit', async () => {
    const head =
      'POST /journal HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    expect(await statusOf(head, chunk)).toBe(413);
    const exactly = JSON.stringify('x'.repeat(MAX_BODY_BYTES - 2));
    expect((await post(exactly)).status).toBe(201);
    for (const body of [`${exactly} `, new Blob([exactly, ' ']).stream()]) {
      const response = await post(body);
      expect([response.status, await codeOf(response)]).toEqual([413, 'ERR_ENTRY_TOO_LARGE']);
    }
  });

  test('that break off are not appended', async () => {
    const socket = await openSocket(
      'POST /journal HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"ab"',
    );
    socket.destroy();
    expect((await get('', { Accept: 'text/html' })).status).toBe(406);
    expect(journal.head).toBe(1);
  });

  test('that are no JSON, no UTF-8 or encoded are refused', async () => {
    for (const body of ['', '{', '{"a":1}}', "{'a':1}", 'NaN', '\u0000', '\ufeff\ufeff1']) {
      expect((await post(body)).status).toBe(400);
    }
    expect((await post(new Uint8Array([0x22, 0xff, 0xfe, 0x22]))).status).toBe(400);
    expect((await post('1', { 'Content-Encoding': 'gzip' })).status).toBe(415);
    expect(journal.head).toBe(1);
  });

  test('of other types are refused', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
      '',
    ]) {
      expect((await post('1', { 'Content-Type': type })).status).toBe(415);
    }
    expect(journal.head).toBe(1);
  });

  test('that are nested too deep are refused', async () => {
    for (const deep of [
      '['.repeat(9_000),
      '['.repeat(200) + ']'.repeat(200),
      '{"a":'.repeat(150) + '1' + '}'.repeat(150),
    ]) {
      const response = await post(deep);
      expect([response.status, await codeOf(response)]).toEqual([422, 'ERR_SERIALIZATION']);
    }
    expect((await post('['.repeat(128) + ']'.repeat(128))).status).toBe(201);
    expect((await post(JSON.stringify('['.repeat(500) + '\\"{'.repeat(500)))).status).toBe(201);
  });

  test('with __proto__ and constructor in them change nothing but the entry', async () => {
    expect((await post('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}')).status).toBe(201);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    const { entry } = await journal.waitFor(1, () => true);
    expect(Object.getPrototypeOf(entry)).toBe(Object.prototype);
    expect(JSON.stringify(entry)).toContain('"__proto__":{"admin":true}');
  });
});

describe('queries and headers', () => {
  const wrong = [
    '-1',
    '1.5',
    '1e3',
    '0x10',
    'NaN',
    'Infinity',
    '',
    ' 1',
    '9007199254740992',
    '99999999999999999999',
    'a',
  ];

  test('positions and limits that are none are refused', async () => {
    for (const text of wrong) {
      const value = encodeURIComponent(text);
      expect((await get(`?after=${value}`)).status).toBe(400);
      expect((await get(`?before=${value}`)).status).toBe(400);
      expect((await get(`?before=5&limit=${value}`)).status).toBe(400);
    }
    for (const query of ['?before=5&limit=0', '?before=5&limit=1001', '?before=5&limit=9007199254740991']) {
      expect((await get(query)).status).toBe(400);
    }
    for (const query of ['?after=1&after=2', '?before=5&after=1', '?before=5&limit=1&limit=2']) {
      expect(await codeOf(await get(query))).toBe('ERR_BAD_REQUEST');
    }
  });

  test('a Last-Event-ID that is not a position is refused, and nothing of it is repeated', async () => {
    for (const id of ['-1', '1;2', 'a', '1, 2', '__proto__', '9'.repeat(5_000)]) {
      const response = await get('', { 'Last-Event-ID': id });
      expect(response.status).toBe(400);
      const told = JSON.stringify([...response.headers]) + (await response.text());
      if (id.length > 2) expect(told).not.toContain(id);
    }
    // The parser of the server itself refuses a line break that is no line break.
    const request = 'GET /journal HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 1\nSet-Cookie: a=b\r\n\r\n';
    expect(await statusOf(request)).toBeGreaterThanOrEqual(400);
  });

  test('keys that are no keys are refused', async () => {
    for (const key of ['', 'a b', 'k'.repeat(256), 'ü']) {
      expect((await post('1', { 'Idempotency-Key': key })).status).toBe(400);
    }
    for (const key of ['__proto__', 'constructor', 'k'.repeat(255)]) {
      expect((await post('1', { 'Idempotency-Key': key })).status).toBe(201);
    }
  });

  test('other methods are refused', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect((await fetch(server.url, { method })).status).toBe(405);
    }
  });
});
