import { firstValueFrom } from 'rxjs';
import { InMemoryScrivener, TappedScrivener, JournalStream } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener, RemoteScrivener, type JournalHandlerOptions } from 'rx-scrivener/http';
import { z } from 'zod';

interface Said {
  readonly text: string;
}

const SECRET = 'hunter2';
const url = 'http://localhost/journal';

/** A server without a network. */
function fetchOf(handle: (request: Request) => Response | Promise<Response>): typeof fetch {
  return async (input, init) => handle(new Request(input, init));
}

function served(options: Partial<JournalHandlerOptions<Said>> = {}) {
  const journal = new InMemoryScrivener<Said>();
  const requests: Request[] = [];
  const handle = journalHandler(journal, { authorize: 'public', ...options });
  const fetch = fetchOf((request) => {
    requests.push(request);
    return handle(request);
  });
  return { journal, requests, fetch };
}

const posts = (requests: readonly Request[]) => requests.filter(({ method }) => method === 'POST');

/** Answers each request with a status once it is opened. */
async function answeredWith(status: number, body: unknown = {}, isOurs = true) {
  const { fetch } = served();
  let isOpen = false;
  const remote = await openRemoteScrivener<Said>({
    url,
    retryMs: 200,
    fetch: async (input, init) => {
      if (!isOpen) return fetch(input, init);
      return new Response(JSON.stringify(body), { status, headers: isOurs ? { 'Scrivener-Memory': 'a.1' } : {} });
    },
  });
  isOpen = true;
  return remote;
}

test('knows the head from opening, writing and reading', async () => {
  const { journal, fetch } = served();
  journal.append({ text: 'one' });
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  expect(remote).toBeInstanceOf(RemoteScrivener);
  expect(remote.tail()).toBeInstanceOf(JournalStream);
  expect(remote.head).toBe(1);
  await remote.write({ text: 'two' });
  expect(remote.head).toBe(2);
  journal.append({ text: 'three' });
  await remote.waitFor(2, () => true);
  expect(remote.head).toBe(3);
  await remote.close();
});

test('tells where replay ends, once', async () => {
  const { journal, fetch } = served();
  journal.append({ text: 'one' });
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  const told: unknown[] = [];
  const subscription = remote
    .tail(0, { caughtUp: (position) => told.push(`caught up ${position}`) })
    .subscribe(({ position }) => told.push(position));
  await remote.waitFor(0, () => true);
  while (told.length < 2) await new Promise((resolve) => setImmediate(resolve));
  journal.append({ text: 'two' });
  while (told.length < 3) await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([1, 'caught up 1', 2]);
  subscription.unsubscribe();

  journal.complete();
  const ended: unknown[] = [];
  await firstValueFrom(remote.tail(2, { caughtUp: (position) => ended.push(position) }), { defaultValue: undefined });
  expect(ended).toEqual([2]);
  const thrown = new Error('thrown by caughtUp');
  const failing = remote.tail(0, {
    caughtUp: () => {
      throw thrown;
    },
  });
  await expect(failing.forEach(() => undefined)).rejects.toBe(thrown);
});

test('sends what is written in one turn together, and keeps the order of the calls', async () => {
  const { journal, requests, fetch } = served();
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  const texts = Array.from({ length: 250 }, (_, n) => `text ${n}`);
  expect(await Promise.all(texts.map((text) => remote.write({ text })))).toEqual(texts.map((_, n) => n + 1));
  expect(posts(requests)).toHaveLength(3);
  const order = [
    remote.write({ text: 'a' }),
    remote.write({ text: 'b' }, { expect: 251 }),
    remote.write({ text: 'c' }),
  ];
  expect(await Promise.all(order)).toEqual([251, 252, 253]);
  expect(journal.head).toBe(253);
});

test('one write that is refused leaves those beside it alone', async () => {
  const schema = z.object({ text: z.string().max(3) });
  const { journal, fetch } = served({ schema });
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  const outcomes = await Promise.allSettled(['a', 'too long', 'b'].map((text) => remote.write({ text })));
  expect(outcomes).toMatchObject([
    { value: 1 },
    { reason: { code: 'ERR_ENTRY_VALIDATION', issues: [{ path: ['text'] }] } },
    { value: 2 },
  ]);
  expect(journal.head).toBe(2);
});

test('what is too large together is sent apart, and what is too large alone is refused', async () => {
  const { journal, fetch } = served({ maxBodyBytes: 100 });
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  const texts = ['x'.repeat(60), 'y'.repeat(60), 'z'.repeat(200), 'w'];
  const outcomes = await Promise.allSettled(texts.map((text) => remote.write({ text })));
  expect(outcomes).toMatchObject([
    { value: 1 },
    { value: 2 },
    { reason: { code: 'ERR_ENTRY_TOO_LARGE', maxBytes: 100 } },
    { value: 3 },
  ]);
  expect(journal.head).toBe(3);
});

test('an entry without JSON is refused before it is sent', async () => {
  const { requests, fetch } = served();
  const remote = await openRemoteScrivener<unknown>({ url, fetch });
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const entry of [undefined, 1n, cycle, () => 1, Symbol('s')]) {
    await expect(remote.write(entry)).rejects.toMatchObject({ code: 'ERR_SERIALIZATION' });
  }
  expect(posts(requests)).toEqual([]);
});

test('a schema checks what is written, and makes entries of what is read', async () => {
  const { journal, requests, fetch } = served();
  const schema = z.object({ text: z.string().transform((text) => text.toUpperCase()) });
  const remote = await openRemoteScrivener<Said>({ url, fetch, schema });
  await expect(remote.write({ text: 1 } as never)).rejects.toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
  expect(posts(requests)).toEqual([]);
  await remote.write({ text: 'one' });
  expect((await journal.waitFor(0, () => true)).entry).toEqual({ text: 'ONE' });
  expect((await firstValueFrom(remote.tail())).entry).toEqual({ text: 'ONE' });
  expect((await firstValueFrom(remote.readBackward())).entry).toEqual({ text: 'ONE' });
  journal.append({ text: 2 } as never);
  const reading = firstValueFrom(remote.tail(1));
  await expect(reading).rejects.toMatchObject({
    code: 'ERR_SCHEMA_MISMATCH',
    position: 2,
    cause: { code: 'ERR_ENTRY_VALIDATION' },
  });
});

test('what a schema strips, trims and coerces is not sent; what it would not read as it gave it is refused', async () => {
  const { journal, requests, fetch } = served();
  const schema = z.object({ text: z.string().trim(), at: z.coerce.date() });
  const remote = await openRemoteScrivener<z.output<typeof schema>>({ url, fetch, schema });
  await remote.write({ text: '  ann ', at: '2026-01-02', secret: 1 } as never);
  expect((await journal.waitFor(0, () => true)).entry).toEqual({ text: 'ann', at: '2026-01-02T00:00:00.000Z' });
  expect((await firstValueFrom(remote.tail())).entry).toEqual({ text: 'ann', at: new Date('2026-01-02') });
  await remote.close();
  const sent = posts(requests).length;

  const length = z.object({ text: z.string().transform((text) => text.length) });
  const other = await openRemoteScrivener<{ text: number }>({ url, fetch, schema: length });
  await expect(other.write({ text: 'ann' } as never)).rejects.toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
  const growing = z.object({ text: z.string().transform((text) => `${text}!`) });
  const third = await openRemoteScrivener<Said>({ url, fetch, schema: growing });
  await expect(third.write({ text: 'ann' })).rejects.toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
  expect(posts(requests)).toHaveLength(sent);
  await other.close();
  await third.close();
});

test('knows the oldest entry kept as the server tells it, and takes it for the first where it does not', async () => {
  const journal = new InMemoryScrivener<Said>({ retain: 2 });
  for (const text of ['a', 'b', 'c']) journal.append({ text });
  const handle = journalHandler(journal, { authorize: 'public' });
  const remote = await openRemoteScrivener<Said>({ url, fetch: (...args) => handle(new Request(...args)) });
  expect(remote.first).toBe(2);
  journal.append({ text: 'd' });
  await firstValueFrom(remote.readBackward());
  expect(remote.first).toBe(3);
  await remote.write({ text: 'e' });
  expect(remote.first).toBe(4);
  await remote.close();

  const { write, tail, readBackward, waitFor } = journal;
  const bare = new TappedScrivener<Said>(
    {
      write: write.bind(journal),
      tail: tail.bind(journal),
      readBackward: readBackward.bind(journal),
      waitFor: waitFor.bind(journal),
    },
    (entry, to) => to.write(entry),
  );
  const serve = journalHandler(bare, { authorize: 'public' });
  const unaware = await openRemoteScrivener<Said>({ url, fetch: (...args) => serve(new Request(...args)) });
  expect({ first: unaware.first, head: unaware.head }).toEqual({ first: 1, head: 5 });
  await unaware.close();

  const refusing = journalHandler(journal, { authorize: () => false });
  expect((await refusing(new Request(url))).headers.has('Scrivener-First')).toBe(false);
});

test('asks for its headers each time', async () => {
  const { requests, fetch } = served();
  let count = 0;
  const headers = async () => Promise.resolve({ Authorization: `Bearer ${++count}` });
  const remote = await openRemoteScrivener<Said>({ url, fetch, headers });
  await remote.write({ text: 'one' });
  await firstValueFrom(remote.tail());
  await firstValueFrom(remote.readBackward());
  expect(requests.map((request) => request.headers.get('Authorization'))).toEqual(
    [1, 2, 3, 4].map((n) => `Bearer ${n}`),
  );
});

test.each([
  [401, {}, { code: 'ERR_ACCESS_DENIED', status: 401 }],
  [403, {}, { code: 'ERR_ACCESS_DENIED', status: 403 }],
  [404, {}, { code: 'ERR_HTTP_STATUS', status: 404, remoteCode: undefined }],
  [
    410,
    { code: 'ERR_POSITION_TRIMMED', requested: 1, first: 5 },
    { code: 'ERR_POSITION_TRIMMED', requested: 1, first: 5 },
  ],
  [410, { code: 'ERR_POSITION_TRIMMED', requested: '1', first: {} }, { code: 'ERR_HTTP_STATUS', status: 410 }],
  [500, { code: 'ERR_INTERNAL' }, { code: 'ERR_HTTP_STATUS', status: 500, remoteCode: 'ERR_INTERNAL' }],
  [500, { code: SECRET }, { code: 'ERR_HTTP_STATUS', status: 500, remoteCode: undefined }],
  [500, null, { code: 'ERR_HTTP_STATUS', status: 500 }],
])('a %i with %j ends a tail, a page and a write with its error', async (status, body, expected) => {
  const remote = await answeredWith(status, body);
  await expect(firstValueFrom(remote.tail())).rejects.toMatchObject(expected);
  await expect(firstValueFrom(remote.readBackward())).rejects.toMatchObject(expected);
  await expect(remote.write({ text: 'one' })).rejects.toMatchObject(expected);
});

test.each([
  [
    412,
    { code: 'ERR_POSITION_CONFLICT', expected: 1, actual: 2 },
    { code: 'ERR_POSITION_CONFLICT', expected: 1, actual: 2 },
  ],
  [413, {}, { code: 'ERR_ENTRY_TOO_LARGE', maxBytes: undefined }],
  [422, { code: 'ERR_SERIALIZATION' }, { code: 'ERR_SERIALIZATION' }],
  [409, { code: 'ERR_JOURNAL_CLOSED' }, { code: 'ERR_JOURNAL_CLOSED' }],
  [503, { code: 'ERR_BACKLOG_FULL' }, { code: 'ERR_HTTP_STATUS', status: 503, remoteCode: 'ERR_BACKLOG_FULL' }],
  [201, { position: 0 }, { code: 'ERR_WRITE_UNCERTAIN' }],
  [201, [], { code: 'ERR_WRITE_UNCERTAIN' }],
])('a %i with %j rejects a write', async (status, body, expected) => {
  await expect((await answeredWith(status, body)).write({ text: 'one' })).rejects.toMatchObject(expected);
});

describe('what the server says in words', () => {
  const failure = async (status: number, body: object) =>
    (await answeredWith(status, body)).write({ text: 'one' }).then(
      () => undefined,
      (error: unknown) => error as Error,
    );

  test.each([
    [400, 'ERR_BAD_REQUEST', { code: 'ERR_HTTP_STATUS', detail: 'Mind the gap' }],
    [403, 'ERR_ACCESS_DENIED', { code: 'ERR_ACCESS_DENIED', detail: 'Mind the gap' }],
    [422, 'ERR_KEY_REUSED', { code: 'ERR_HTTP_STATUS', remoteCode: 'ERR_KEY_REUSED', detail: 'Mind the gap' }],
  ])('is kept, and in the message: %i %s', async (status, code, expected) => {
    const error = await failure(status, { code, detail: 'Mind the gap' });
    expect(error).toMatchObject(expected);
    expect(error?.message).toContain('Mind the gap');
  });

  test('is why an entry cannot be serialized, and which history it is', async () => {
    const [code, reason] = ['ERR_SERIALIZATION', 'it is nested more than 128 levels deep'];
    expect(await failure(422, { code, reason, detail: 'x' })).toMatchObject({ code, reason });
    const mismatch = { code: 'ERR_JOURNAL_MISMATCH', reason: 'position 7 holds another entry' };
    expect(await failure(409, mismatch)).toMatchObject(mismatch);
  });

  test('is bounded, breaks no line and commands no terminal', async () => {
    const detail = `a\n\u001b[2J\u202e${'b'.repeat(10_000)}`;
    const error = await failure(400, { code: 'ERR_BAD_REQUEST', detail });
    expect(error).toMatchObject({ detail: `a  [2J ${'b'.repeat(293)}` });
    expect(error?.message.length).toBeLessThan(400);
  });

  test.each([[SECRET], [undefined], [{ ERR: 1 }], ['ERR_SOMETHING_ELSE']])(
    'is not repeated where the code is none of the handler: %j',
    async (code) => {
      for (const status of [400, 403]) {
        const error = await failure(status, { code, detail: SECRET, reason: SECRET });
        expect(error).toMatchObject({ status, detail: undefined });
        expect(error?.message).not.toContain(SECRET);
      }
    },
  );

  test.each([[1], [{}], [null], ['']])('is left out where it is no text: %j', async (detail) => {
    const error = await failure(400, { code: 'ERR_BAD_REQUEST', detail });
    expect(error).toMatchObject({ detail: undefined, message: 'The server answered 400 (ERR_BAD_REQUEST)' });
  });
});

test('a proxy that fails is no answer: a write is uncertain in the end', async () => {
  const remote = await answeredWith(502, {}, false);
  await expect(remote.write({ text: 'one' })).rejects.toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
});

test('a write that may have been sent before, and then is not even looked at, is uncertain', async () => {
  const { fetch } = served();
  const answers = [
    () => Promise.reject(new TypeError('fetch failed')),
    async () => new Response('{}', { status: 401 }),
  ];
  const remote = await openRemoteScrivener<Said>({
    url,
    fetch: (input, init) => (init?.method === 'POST' ? answers.shift()! : () => fetch(input, init))(),
  });
  const writing = remote.write({ text: 'one' });
  await expect(writing).rejects.toMatchObject({ code: 'ERR_WRITE_UNCERTAIN', cause: { code: 'ERR_ACCESS_DENIED' } });
});

test('reading waits until a server that cannot now can again, at the start and later on', async () => {
  const { journal, fetch } = served();
  for (const text of ['one', 'two']) journal.append({ text });
  const answers = [
    new Response('{"code":"ERR_UNAVAILABLE"}', { status: 503, headers: { 'Scrivener-Memory': 'a.1' } }),
    new Response('id: 1\ndata: {"text":"one"}\n\nevent: failed\ndata: {"status":503,"code":"ERR_JOURNAL_LOST"}\n\n', {
      headers: { 'Scrivener-Memory': 'a.1', 'Content-Type': 'text/event-stream' },
    }),
    new Response('', { status: 502 }),
  ];
  const remote = await openRemoteScrivener<Said>({
    url,
    fetch: async (input, init) => (init?.method === 'GET' ? answers.shift() : undefined) ?? fetch(input, init),
  });
  const got: number[] = [];
  for await (const { position } of remote.tail()) if (got.push(position) === 2) break;
  expect([got, answers]).toEqual([[1, 2], []]);
});

test('what answers a tail or a page with something else is no journal', async () => {
  const remote = await answeredWith(200, { hello: 'world' });
  await expect(firstValueFrom(remote.tail())).rejects.toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
  await expect(firstValueFrom(remote.readBackward())).rejects.toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
  for (const page of [
    [{}],
    [null],
    [
      { position: 5, entry: 1 },
      { position: 3, entry: 1 },
    ],
    [{ position: 0, entry: 1 }],
  ]) {
    const wrong = await answeredWith(200, page);
    const reading = wrong.readBackward(9).forEach(() => undefined);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
  }
});

describe('opening', () => {
  const opening = (fetch: typeof globalThis.fetch) => openRemoteScrivener({ url, fetch, retryMs: 50 });

  test('rejects when there is no server, no permission, no journal', async () => {
    await expect(opening(() => Promise.reject(new TypeError('fetch failed')))).rejects.toMatchObject({
      code: 'ERR_JOURNAL_LOST',
    });
    await expect(opening(served({ authorize: () => false }).fetch)).rejects.toMatchObject({
      code: 'ERR_ACCESS_DENIED',
    });
    await expect(opening(fetchOf(() => new Response('hello')))).rejects.toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
    await expect(opening(fetchOf(() => new Response('', { status: 404 })))).rejects.toMatchObject({
      code: 'ERR_HTTP_STATUS',
    });
    await expect(opening(fetchOf(() => new Response('', { status: 502 })))).rejects.toMatchObject({
      code: 'ERR_JOURNAL_LOST',
    });
  });

  test('rejects wrong options, and repeats no secret', async () => {
    const { fetch } = served();
    for (const wrong of [
      '/journal',
      '',
      'ftp://localhost/',
      `http://user:${SECRET}@localhost/`,
      `nonsense ${SECRET}`,
    ]) {
      const error: unknown = await openRemoteScrivener({ url: wrong, fetch }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).not.toContain(SECRET);
    }
    const headers = { Authorization: `a\n${SECRET}` };
    const error: unknown = await openRemoteScrivener({ url, fetch, headers }).catch((reason: unknown) => reason);
    expect(String(error)).toBe('TypeError: Expected `headers` to be valid HTTP headers');
    await expect(openRemoteScrivener({ url, fetch, retryMs: 0 })).rejects.toThrow(RangeError);
  });
});

test('keeps what the URL has in its query', async () => {
  const { requests, fetch } = served();
  const remote = await openRemoteScrivener<Said>({ url: `${url}?room=7`, fetch });
  await remote.write({ text: 'one' });
  await firstValueFrom(remote.tail());
  expect(requests.map((request) => new URL(request.url).search)).toEqual(['?room=7', '?room=7', '?room=7&after=0']);
});
