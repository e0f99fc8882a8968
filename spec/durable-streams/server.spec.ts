import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inMemoryJournals, lastEntries, type Journals } from 'rx-scrivener';
import { durableStreams, type DurableStreamsOptions } from 'rx-scrivener/durable-streams';
import { openJournalFolder } from 'rx-scrivener/file';

type Handle = (request: Request) => Promise<Response>;

let folder: string;
let journals: Journals<unknown>;
let handle: Handle;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scrivener-streams-'));
  await start();
});
afterEach(async () => {
  await journals.close();
  await rm(folder, { recursive: true });
});

async function start(): Promise<void> {
  journals = await openJournalFolder<unknown>({ folder });
  handle = durableStreams(journals, { authorize: 'public', basePath: '/s/', longPollMs: 50 });
}

async function restart(): Promise<void> {
  await journals.close();
  await start();
}

interface Sent {
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}

function send(method: string, name: string, { body, headers = {}, query = '' }: Sent = {}): Promise<Response> {
  const type = { 'Content-Type': 'application/json', ...headers };
  return handle(
    new Request(`http://host/s/${name}${query}`, { method, headers: type, ...(body !== undefined && { body }) }),
  );
}

const producer = (id: string, epoch: number, seq: number) => ({
  'Producer-Id': id,
  'Producer-Epoch': String(epoch),
  'Producer-Seq': String(seq),
});

test('a message of a JSON stream is an entry, and its offset the position of the entry', async () => {
  expect((await send('PUT', 'a/b')).status).toBe(201);
  expect((await send('POST', 'a/b', { body: '[{"n":1},{"n":2}]' })).status).toBe(204);
  await journals.journal('a/b').write({ n: 3 });
  const entries = await lastEntries(journals.journal('a/b'), 10);
  expect(entries.map(({ entry }) => entry)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  const read = await send('GET', 'a/b', { query: '?offset=0000000000000001' });
  expect(await read.json()).toEqual([{ n: 2 }, { n: 3 }]);
  expect(read.headers.get('Stream-Next-Offset')).toBe('0000000000000003');
  expect(read.headers.get('Stream-Up-To-Date')).toBe('true');
});

test('a journal that an application writes is a JSON stream', async () => {
  await journals.journal('mine').write('hello');
  const read = await send('GET', 'mine');
  expect([read.status, await read.json()]).toEqual([200, ['hello']]);
});

test('what is acknowledged is in the file', async () => {
  await send('PUT', 'a', { body: '["first"]' });
  await send('POST', 'a', { body: '"second"' });
  const { flushed } = journals.journal('a') as unknown as { flushed: number };
  expect(flushed).toBe(2);
});

test('producers, the end, the type and the expiry are as they were after a restart', async () => {
  await send('PUT', 'a', { headers: { 'Stream-TTL': '3600' } });
  expect((await send('POST', 'a', { body: '1', headers: producer('p', 0, 0) })).status).toBe(200);
  await restart();
  const again = await send('POST', 'a', { body: '1', headers: producer('p', 0, 0) });
  expect([again.status, again.headers.get('Stream-Next-Offset')]).toEqual([204, '0000000000000001']);
  expect((await send('POST', 'a', { body: '3', headers: producer('p', 0, 2) })).status).toBe(409);
  expect(
    (await send('POST', 'a', { body: '2', headers: { ...producer('p', 0, 1), 'Stream-Closed': 'true' } })).status,
  ).toBe(200);
  await restart();
  expect((await send('POST', 'a', { body: '3' })).status).toBe(409);
  const head = await send('HEAD', 'a');
  expect(Object.fromEntries(head.headers)).toMatchObject({
    'content-type': 'application/json',
    'stream-closed': 'true',
    'stream-next-offset': '0000000000000002',
    'stream-ttl': '3600',
  });
  expect(await (await send('GET', 'a')).json()).toEqual([1, 2]);
});

describe('a TTL', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });
  const at = (ms: number) => jest.spyOn(Date, 'now').mockReturnValue(ms);

  test('ends as it would have without restarts of the server', async () => {
    const start = Date.now();
    at(start);
    await send('PUT', 'a', { body: '[1]', headers: { 'Stream-TTL': '1000' } });
    for (let seconds = 400; seconds <= 800; seconds += 400) {
      at(start + seconds * 1000);
      await restart();
      expect((await send('HEAD', 'a')).status).toBe(200);
    }
    at(start + 1_200_000);
    await restart();
    expect((await send('GET', 'a')).status).toBe(404);
    expect(await journals.exists('a')).toBe(false);
  });

  test('starts again with each read, also for a server that is started later', async () => {
    const start = Date.now();
    at(start);
    await send('PUT', 'a', { body: '[1]', headers: { 'Stream-TTL': '1000' } });
    at(start + 900_000);
    expect((await send('GET', 'a')).status).toBe(200);
    at(start + 1_500_000);
    await restart();
    expect((await send('GET', 'a')).status).toBe(200);
    at(start + 2_400_000);
    await restart();
    expect((await send('GET', 'a')).status).toBe(200);
    at(start + 3_600_000);
    await restart();
    expect((await send('GET', 'a')).status).toBe(404);
  });
});

test('an append that is on record and did not happen is taken when it is sent again', async () => {
  await send('PUT', 'a');
  await send('POST', 'a', { body: '1', headers: producer('p', 0, 0) });
  const record = { type: 'Appended', after: 1, count: 1, producer: { id: 'p', epoch: 0, seq: 1 } };
  await journals.journal('.durable-streams/a').write(record);
  await restart();
  expect((await send('POST', 'a', { body: '2', headers: producer('p', 0, 1) })).status).toBe(200);
  expect(await (await send('GET', 'a')).json()).toEqual([1, 2]);
});

test('an append that is on record and did not happen is not taken for the one that came after it', async () => {
  await send('PUT', 'a');
  const record = { type: 'Appended', after: 0, count: 1, producer: { id: 'p', epoch: 0, seq: 0 }, closes: true };
  await journals.journal('.durable-streams/a').write(record);
  await restart();
  expect((await send('POST', 'a', { body: '"other"' })).status).toBe(204);
  await restart();
  expect((await send('POST', 'a', { body: '"lost?"', headers: producer('p', 0, 0) })).status).toBe(200);
  expect(await (await send('GET', 'a')).json()).toEqual(['other', 'lost?']);
});

test('a stream whose creation broke off before its first messages is none', async () => {
  await journals.create('a');
  await journals
    .journal('.durable-streams/a')
    .write({ type: 'Created', id: 'x', contentType: 'text/plain', initial: 1 });
  expect((await send('GET', 'a')).status).toBe(404);
  expect((await send('PUT', 'a', { body: '[1]' })).status).toBe(201);
  expect(await (await send('GET', 'a')).json()).toEqual([1]);
});

test('bytes of another type are kept exactly', async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
  const headers = { 'Content-Type': 'application/octet-stream' };
  await send('PUT', 'a', { headers });
  await handle(new Request('http://host/s/a', { method: 'POST', headers, body: bytes }));
  await restart();
  expect(new Uint8Array(await (await send('GET', 'a')).arrayBuffer())).toEqual(bytes);
});

test('a live reader gets what is appended with the end, and then the end', async () => {
  await send('PUT', 'a', { body: '[1]' });
  const live = await send('GET', 'a', { query: '?offset=0000000000000001&live=sse' });
  const text = live.text();
  await new Promise((resolve) => void setImmediate(resolve));
  await send('POST', 'a', { body: '"last"', headers: { 'Stream-Closed': 'true' } });
  expect(await text).toMatch(/event: data\ndata:\["last"\]\n\nevent: control\n(.*\n)*.*"streamClosed":true/);
});

test('an answer that waited listens to its request no more', async () => {
  await send('PUT', 'a');
  const request = new Request('http://host/s/a?offset=0000000000000000&live=long-poll');
  const listeners = new Set<unknown>();
  const { signal } = request;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  jest.spyOn(signal, 'addEventListener').mockImplementation((type: string, listener, options) => {
    listeners.add(listener);
    add(type, listener, options);
  });
  jest.spyOn(signal, 'removeEventListener').mockImplementation((type: string, listener, options) => {
    listeners.delete(listener);
    remove(type, listener, options);
  });
  const answer = handle(request);
  await new Promise((resolve) => void setImmediate(resolve));
  await send('POST', 'a', { body: '1' });
  expect(await (await answer).json()).toEqual([1]);
  expect(signal.addEventListener).toHaveBeenCalled();
  expect(listeners.size).toBe(0);
});

test('a source that is deleted is kept for its forks alone', async () => {
  await send('PUT', 'a', { body: '[1,2,3]' });
  const headers = { 'Stream-Forked-From': '/s/a', 'Stream-Fork-Offset': '0000000000000002' };
  expect((await send('PUT', 'b', { headers })).status).toBe(201);
  expect((await send('DELETE', 'a')).status).toBe(204);
  await restart();
  expect((await send('GET', 'a')).status).toBe(410);
  expect((await send('PUT', 'a')).status).toBe(409);
  expect(await (await send('GET', 'b')).json()).toEqual([1, 2]);
  expect((await send('DELETE', 'b')).status).toBe(204);
  expect((await send('GET', 'a')).status).toBe(404);
  expect((await send('PUT', 'a')).status).toBe(201);
});

test.each<[string, Sent, number]>([
  ['GET', { query: '?offset=1' }, 400],
  ['GET', { query: '?offset=99999999999999999' }, 400],
  ['GET', { query: '?live=sse' }, 400],
  ['GET', { query: '?offset=-1&live=other' }, 400],
  ['POST', { body: 'no json' }, 400],
  ['POST', { body: '[]' }, 400],
  ['POST', { body: '' }, 400],
  ['POST', { body: '1', headers: { 'Content-Type': 'text/plain' } }, 409],
  ['POST', { body: '1', headers: { 'Producer-Id': 'p' } }, 400],
  ['POST', { body: '1', headers: producer('p', 0, 1) }, 409],
  ['POST', { body: `"${'x'.repeat(4_194_304)}"` }, 413],
  ['PUT', { headers: { 'Stream-TTL': '01' } }, 400],
  ['PUT', { headers: { 'Stream-Expires-At': 'tomorrow' } }, 400],
  ['PATCH', {}, 405],
])('%s %j is answered with %d, a problem, and changes nothing', async (method, sent, status) => {
  await send('PUT', 'a', { body: '["there"]' });
  const response = await send(method, 'a', sent);
  expect([response.status, response.headers.get('Content-Type')]).toEqual([status, 'application/problem+json']);
  expect(await response.json()).toMatchObject({ status, code: expect.stringMatching(/^ERR_/) as unknown });
  expect(await (await send('GET', 'a')).json()).toEqual(['there']);
});

test.each(['', '.durable-streams/a', '%ff', 'x'.repeat(600)])('%j is the name of no stream', async (name) => {
  expect((await send('PUT', name)).status).toBeGreaterThanOrEqual(400);
});

test('is refused to those whom `authorize` refuses', async () => {
  const refusing = durableStreams(inMemoryJournals(), { authorize: () => false });
  for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']) {
    expect((await refusing(new Request('http://host/a', { method }))).status).toBe(403);
  }
});

test.each<[Record<string, unknown>, string]>([
  [{}, '`authorize`'],
  [{ authorize: 'public', basePath: 'x' }, '`basePath`'],
  [{ authorize: 'public', maxBodyBytes: 0 }, '`maxBodyBytes`'],
  [{ authorize: 'public', longPollMs: 0 }, '`longPollMs`'],
  [{ authorize: 'public', other: 1 }, 'Expected no option `other` of `durableStreams`'],
])('names what is wrong with %j', (options, message) => {
  expect(() => durableStreams(inMemoryJournals(), options as unknown as DurableStreamsOptions)).toThrow(message);
});
