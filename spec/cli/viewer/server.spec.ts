import { once } from 'node:events';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer, IncomingMessage, request, type OutgoingHttpHeaders } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, nodeListener } from 'rx-scrivener/http';
import { admitted } from '../../../lib/cli/viewer/guard';
import { ViewerServer } from '../../../lib/cli/viewer/viewer-server';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
const servers: ViewerServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(target: string, isFolder = false, timeField?: string): Promise<URL> {
  const server = new ViewerServer({ target, isFolder, timeField, port: 0, page: '<script nonce="NONCE"></script>' });
  servers.push(server);
  await server.start();
  return new URL(server.url);
}

/** As no browser's `fetch` would have it: with any headers and any path. */
async function ask(url: URL, headers: OutgoingHttpHeaders = {}, method = 'GET') {
  return new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const { hostname, port, pathname, search } = url;
    request({ hostname, port, path: pathname + search, method, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode!, body, headers: response.headers }), reject);
    })
      .on('error', reject)
      .end();
  });
}

async function get<T>(url: URL, path: string): Promise<T> {
  const { status, body } = await ask(new URL(path, url));
  expect({ status, body: status === 200 ? '' : body }).toEqual({ status: 200, body: '' });
  return JSON.parse(body) as T;
}

/** Resolves once the file is read so far. */
async function waitForHead(url: URL, head: number): Promise<void> {
  const response = await fetch(new URL('api/live', url));
  let seen = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    seen += chunk;
    if (seen.includes(`"head":${head},`)) return;
  }
}

const line = (position: number, entry: unknown) => `${JSON.stringify({ schemaVersion: '1', position, entry })}\n`;
const said = (n: number) => line(n, { type: n % 2 ? 'Said' : 'Asked', at: new Date(1.7e12 + n).toISOString(), n });
const lines = (count: number) => Array.from({ length: count }, (_, i) => said(i + 1)).join('');

/** All answers to a search: one that takes longer than a server answers at once has several. */
async function searchAll(url: URL, query: string): Promise<Shown[]> {
  let rows: Shown[] = [];
  for (let [done, before] = [false, 1e9]; !done;) {
    const found = await get<{ rows: Shown[]; before: number; done: boolean }>(
      url,
      `api/search?q=${encodeURIComponent(query)}&before=${before}`,
    );
    rows = [...found.rows, ...rows];
    ({ before, done } = found);
  }
  return rows;
}

interface Shown {
  n: number;
  position?: number;
  type?: string;
  damage?: string;
  byteOffset?: number;
  summary: string;
}

describe('What is refused', () => {
  const paths = [
    '',
    'api/target',
    'api/journals',
    'api/survey',
    'api/time?at=1',
    'api/rows?from=1&to=9',
    'api/line?n=1',
    'api/live',
    'api/search?q=secret',
  ];

  async function expectRefused(url: URL, headers: OutgoingHttpHeaders = {}) {
    const { status, body } = await ask(url, headers);
    expect(status).toBe(403);
    expect(body).not.toContain('secret');
    expect(body).not.toContain('nonce');
  }

  test.each(paths)('/%s without the token, or with another', async (path_) => {
    await writeFile(path('talk.ndjson'), line(1, 'secret'));
    const url = await serve(path('talk.ndjson'));
    await expectRefused(new URL(`/${path_}`, url));
    const other = url.pathname.replace(/^\/./, (start) => (start === '/A' ? '/B' : '/A'));
    await expectRefused(new URL(other + path_, url));
    await expectRefused(new URL(url.pathname.slice(0, -2) + '/' + path_, url));
  });

  test.each([
    ['a page of another origin', { Origin: 'http://evil.example' }],
    ['a page of another port', { Origin: 'http://127.0.0.1:1' }],
    ['a page in a sandbox', { Origin: 'null' }],
    ['a name that leads here', { Host: 'evil.example' }],
    ['another port of this machine', { Host: '127.0.0.1:1' }],
    ['a link of another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['another site of this machine', { 'Sec-Fetch-Site': 'same-site' }],
  ])('%s, though it has the token', async (_, headers) => {
    await writeFile(path('talk.ndjson'), line(1, 'secret'));
    const url = await serve(path('talk.ndjson'));
    for (const each of paths) await expectRefused(new URL(each, url), headers);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s: it only reads', async (method) => {
    await writeFile(path('talk.ndjson'), lines(1));
    expect((await ask(await serve(path('talk.ndjson')), {}, method)).status).toBe(405);
  });

  test('what is not there, and what lies beside the folder', async () => {
    await mkdir(path('folder'));
    await writeFile(path('secret.ndjson'), line(1, 'secret'));
    const url = await serve(path('folder'), true);
    for (const name of ['../secret.ndjson', '..%2Fsecret.ndjson', path('secret.ndjson'), ''])
      expect((await ask(new URL(`api/rows?from=1&to=9&journal=${name}`, url))).status).toBe(404);
    expect((await ask(new URL('api/nothing', url))).status).toBe(404);
  });
});

test('port 80 is not in what a browser sends: it is answered all the same, and nobody else is', () => {
  const socket = Object.defineProperty(new Socket(), 'localPort', { value: 80 });
  const ask = (host: string, origin: string) =>
    admitted(Object.assign(new IncomingMessage(socket), { url: '/t/', headers: { host, origin } }), 't')?.pathname;
  expect(ask('127.0.0.1', 'http://127.0.0.1')).toBe('/');
  expect(ask('evil.example', 'http://127.0.0.1')).toBeUndefined();
  expect(ask('127.0.0.1', 'http://evil.example')).toBeUndefined();
  expect(ask('127.0.0.1:81', 'http://127.0.0.1')).toBeUndefined();
});

test('the page allows its own scripts alone, and tells nobody its address', async () => {
  await writeFile(path('talk.ndjson'), lines(1));
  const { status, body, headers } = await ask(await serve(path('talk.ndjson')), { 'Sec-Fetch-Site': 'none' });
  const [, nonce] = /nonce="([^"]{20,})"/.exec(body)!;
  expect(status).toBe(200);
  expect(headers['content-security-policy']).toContain(`default-src 'none'; script-src 'nonce-${nonce}'`);
  expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
});

test('what it shows has the name of its file, or of the path of its URL, without the query, which may hold secrets', async () => {
  const journal = nodeListener(journalHandler(new InMemoryScrivener(), { authorize: 'public' }));
  const served = createServer(journal).listen(0, '127.0.0.1');
  await once(served, 'listening');
  const { port } = served.address() as AddressInfo;
  const name = async (target: string) => (await get<{ name: string }>(await serve(target), 'api/target')).name;
  expect(await name(`http://127.0.0.1:${port}/a/talk?key=secret`)).toBe('talk');
  expect(await name(`http://127.0.0.1:${port}/?key=secret`)).toBe(`127.0.0.1:${port}`);
  await writeFile(path('talk.ndjson'), lines(1));
  expect(await name(path('talk.ndjson'))).toBe('talk.ndjson');
  for (const server of servers.splice(0)) await server.close();
  served.close();
});

test('rows are had by their number, no more than an answer holds', async () => {
  await writeFile(path('talk.ndjson'), lines(2_000));
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 2_000);
  const rows = await get<Shown[]>(url, 'api/rows?from=1101&to=1103');
  expect(rows.map(({ n, position, type }) => [n, position, type])).toEqual([
    [1101, 1101, 'Said'],
    [1102, 1102, 'Asked'],
    [1103, 1103, 'Said'],
  ]);
  expect(await get<Shown[]>(url, 'api/rows?from=1&to=999999')).toHaveLength(500);
  expect(await get(url, 'api/line?n=1103')).toMatchObject({ text: said(1103).trimEnd(), entry: { n: 1103 } });
  expect(await get<Shown[]>(url, 'api/rows?from=2001&to=2009')).toEqual([]);
});

test('a line that is too long to be read as a whole says so, and has its position', async () => {
  const text = 'x'.repeat(2_000_000);
  await writeFile(path('talk.ndjson'), `${said(1)}${line(2, { text })}${said(3)}{"text":"${text}"}\n`);
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 4);
  const rows = await get<(Shown & { isCut?: boolean })[]>(url, 'api/rows?from=1&to=4');
  expect(rows.map(({ position, isCut, damage }) => [position, isCut, damage])).toEqual([
    [1, undefined, undefined],
    [2, true, undefined],
    [3, undefined, undefined],
    [undefined, true, undefined],
  ]);
  expect(await get(url, 'api/find?position=2')).toBe(2);
});

test('a byte order mark is no part of the first line; in a journal it is damage', async () => {
  await writeFile(path('pino.log'), '\uFEFF{"msg":"a"}\r\n{"msg":"b"}\r\n');
  const log = await serve(path('pino.log'));
  await waitForHead(log, 2);
  const rows = await get<Shown[]>(log, 'api/rows?from=1&to=2');
  expect(rows.map(({ summary, damage }) => [summary, damage])).toEqual([
    ['msg: "a"', undefined],
    ['msg: "b"', undefined],
  ]);
  await writeFile(path('talk.ndjson'), `\uFEFF${lines(2)}`);
  const talk = await serve(path('talk.ndjson'));
  await waitForHead(talk, 2);
  expect(await get<Shown[]>(talk, 'api/rows?from=1&to=2')).toMatchObject([
    { position: 1, damage: 'it begins with a byte order mark' },
    { position: 2 },
  ]);
});

test('what is appended is announced, and a last line without its newline is shown', async () => {
  await writeFile(path('talk.ndjson'), lines(1));
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 1);
  await appendFile(path('talk.ndjson'), said(2) + said(3).slice(0, -30));
  await waitForHead(url, 3);
  const torn = await get<Shown[]>(url, 'api/rows?from=2&to=3');
  expect(torn).toMatchObject([{ position: 2 }, { n: 3, damage: expect.any(String) as string }]);
  await appendFile(path('talk.ndjson'), said(3).slice(-30) + said(4));
  await waitForHead(url, 4);
  expect((await get<Shown[]>(url, 'api/rows?from=3&to=4')).map(({ position }) => position)).toEqual([3, 4]);
});

test('another file in its place is read from its beginning', async () => {
  await writeFile(path('talk.ndjson'), lines(5));
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 5);
  await writeFile(path('talk.ndjson'), lines(2));
  await waitForHead(url, 2);
  expect(await get<Shown[]>(url, 'api/rows?from=1&to=9')).toHaveLength(2);
});

test('damage is shown where it is, with line and byte, and is found', async () => {
  const before = lines(1_500);
  await writeFile(path('talk.ndjson'), `${before}{"broken\n${said(1502)}${said(1504)}`);
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 1503);
  expect(await searchAll(url, 'is:damaged')).toMatchObject([
    { n: 1501, byteOffset: Buffer.byteLength(before), damage: 'it is not JSON', summary: '{"broken' },
    { n: 1503, position: 1504, damage: 'its position is 1504 where 1503 is next' },
  ]);
  expect(await get(url, 'api/find?position=1502')).toBe(1502);
  expect(await get(url, 'api/find?position=1504')).toBe(1503);
});

test('lines without an envelope are shown as they are', async () => {
  await writeFile(path('talk.ndjson'), '{"level":30,"time":1700000000000,"msg":"hello"}\n[1,2]\nnot JSON\n\n"text"');
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 5);
  const rows = await get<Shown[]>(url, 'api/rows?from=1&to=9');
  expect(rows.map(({ summary, damage }) => [summary, damage])).toEqual([
    ['level: 30, msg: "hello"', undefined],
    ['[1,2]', undefined],
    ['not JSON', 'it is not JSON'],
    ['', undefined],
    ['"text"', undefined],
  ]);
  expect(rows[0]).toMatchObject({ time: 1_700_000_000_000 });
});

test.each([1_100, 6_000, 50_000])(
  'an entry that is nested %i levels deep is shown as text, beside the others',
  async (levels) => {
    const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const text = `{"schemaVersion":"1","position":2,"entry":${deep}}`;
    await writeFile(path('talk.ndjson'), `${said(1)}${text}\n${said(3)}`);
    const url = await serve(path('talk.ndjson'));
    await waitForHead(url, 3);
    const damage = expect.stringContaining('nested deeper than 1000 levels') as string;
    const rows = await get<Shown[]>(url, 'api/rows?from=1&to=3');
    expect(rows).toMatchObject([{ position: 1 }, { position: 2, damage }, { position: 3 }]);
    expect(await searchAll(url, '[[[')).toMatchObject([{ position: 2 }]);
    expect(await searchAll(url, 'a=1')).toEqual([]);
    expect(await get(url, 'api/line?n=2')).toEqual({ text });
  },
);

test.each([
  ['type:Asked after:10 before:16', [12, 14]],
  ['n=7', [7]],
  ['"type":"SAID" before:4', [1, 3]],
  ['type:Said type:Asked after:38', [39, 40]],
  ['nothing', []],
])('a search for %s', async (query, positions) => {
  await writeFile(path('talk.ndjson'), lines(40));
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 40);
  const rows = await searchAll(url, query);
  expect(rows.map(({ position }) => position)).toEqual(positions);
});

test('a search of a long file answers in parts', async () => {
  await writeFile(path('talk.ndjson'), lines(60_000));
  const url = await serve(path('talk.ndjson'));
  await waitForHead(url, 60_000);
  let before = 60_001;
  let answers = 0;
  for (let done = false; !done; answers++) {
    const found = await get<{ rows: Shown[]; before: number; done: boolean }>(url, `api/search?q=n=1&before=${before}`);
    expect(found.before).toBeLessThan(before);
    expect(before - found.before).toBeLessThanOrEqual(20_500);
    expect(found.rows.map(({ n }) => n)).toEqual(found.done ? [1] : []);
    ({ before, done } = found);
  }
  expect(answers).toBeGreaterThan(2);
});

describe('The time of an entry', () => {
  interface Surveyed {
    timeField?: string;
    timeFields: string[];
    samples: { n: number; time?: number; type?: string }[];
  }

  async function serveTimes(timeField?: string): Promise<URL> {
    const entries = [1, 2, 3, 4].map((n) => ({
      type: 'Said',
      meta: { sent: 1.7e9 + n, seen: new Date(1.7e12 + n * 1_000) },
    }));
    await writeFile(path('talk.ndjson'), entries.map((entry, i) => line(i + 1, entry)).join(''));
    const url = await serve(path('talk.ndjson'), false, timeField);
    await waitForHead(url, 4);
    return url;
  }

  test('is found in another than the usual fields', async () => {
    const url = await serveTimes();
    const { timeField, timeFields, samples } = await get<Surveyed>(url, 'api/survey');
    expect({ timeField, timeFields }).toEqual({ timeField: 'meta.seen', timeFields: ['meta.seen'] });
    expect(samples).toEqual([1, 2, 3, 4].map((n) => ({ n, type: 'Said', time: 1.7e12 + n * 1_000 })));
    expect(await get(url, `api/time?at=${1.7e12 + 2_001}&timeField=meta.seen`)).toBe(3);
    expect(await get(url, `api/time?at=${1.7e12 + 9_000}&timeField=meta.seen`)).toBe(5);
  });

  test('is in the field that the command names, also in seconds', async () => {
    const url = await serveTimes('meta.sent');
    expect(await get(url, 'api/target')).toMatchObject({ timeField: 'meta.sent' });
    const rows = await get<{ time?: number }[]>(url, 'api/rows?from=2&to=2&timeField=meta.sent');
    expect(rows).toMatchObject([{ time: 1_700_000_002_000 }]);
  });

  test('of some lines alone: the others are passed over', async () => {
    const some = Array.from({ length: 100 }, (_, i) => line(i + 1, i % 7 === 3 ? { at: 1.7e12 + i } : { n: i }));
    await writeFile(path('talk.ndjson'), some.join(''));
    const url = await serve(path('talk.ndjson'));
    await waitForHead(url, 100);
    const n = await get<number>(url, `api/time?at=${1.7e12 + 50}`);
    expect(n).toBeGreaterThan(46);
    expect(n).toBeLessThanOrEqual(53);
  });
});

test('a folder lists its journals, the last changed first', async () => {
  await mkdir(path('folder'));
  await writeFile(path('folder/talk.ndjson'), lines(7));
  await writeFile(path('folder/talk.ndjson.lock'), '');
  await writeFile(path('folder/notes.txt'), 'x');
  const url = await serve(path('folder'), true);
  const response = await fetch(new URL('api/journals', url));
  const chunk = await response.body!.pipeThrough(new TextDecoderStream()).getReader().read();
  const { journals } = JSON.parse(chunk.value!.slice('data: '.length)) as { journals: object[] };
  expect(journals).toMatchObject([{ name: 'talk.ndjson', entries: 7, sizeBytes: Buffer.byteLength(lines(7)) }]);
  await get(url, 'api/rows?from=1&to=9&journal=talk.ndjson');
});
