import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { Subject } from 'rxjs';
import { FlusherDaemon, InMemoryScrivener, lastEntries, type FlushSink } from 'rx-scrivener';
import {
  journalHandler,
  JournalMismatchError,
  openRemoteScrivener,
  SerializationError,
  type CrossOriginOptions,
  type JournalHandlerOptions,
} from 'rx-scrivener/http';
import { EventReader } from '../support/event-reader';

const URL_OF_JOURNAL = 'http://localhost/journal';

interface Said {
  readonly who?: string;
  readonly text: string;
}

type Handle = (request: Request) => Promise<Response>;

const handlerOf = (journal: InMemoryScrivener<Said>, options: Partial<JournalHandlerOptions<Said>> = {}): Handle =>
  journalHandler(journal, { authorize: 'public', ...options });

/** `fetch` without a network; what it asks may change. */
const fetchFrom = (handle: () => Handle) => (url: string | URL | Request, init?: RequestInit) =>
  handle()(new Request(url, init));

const post = (handle: Handle, text: string, headers: Record<string, string> = {}) =>
  handle(
    new Request(URL_OF_JOURNAL, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ text }),
    }),
  );

describe('a journal that is flushed', () => {
  let accept: Subject<void>;
  let sink: FlushSink<Said>;

  beforeEach(() => {
    accept = new Subject();
    sink = {
      append: () => new Promise((resolve, reject) => accept.subscribe({ next: resolve, error: reject })),
    };
  });

  test('is sent only as far as it is flushed, by default', async () => {
    const journal = new InMemoryScrivener<Said>();
    const flusher = new FlusherDaemon({ scrivener: journal, sink });
    await flusher.start();
    const handle = handlerOf(journal);
    const events = new EventReader(await handle(new Request(URL_OF_JOURNAL)));
    expect(await events.next()).toMatchObject({ event: 'caughtUp' });
    let told = 0;
    const count = <R>(value: R) => {
      told++;
      return value;
    };
    const written = post(handle, 'a').then(count);
    while (journal.head === 0) await Promise.resolve();
    const read = events.next().then(count);
    const head = handle(new Request(URL_OF_JOURNAL, { method: 'HEAD' })).then(count);
    const page = handle(new Request(`${URL_OF_JOURNAL}?before=9`)).then(count);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([journal.head, told]).toEqual([1, 0]);
    accept.next();
    expect([(await written).status, (await read)?.id, (await head).headers.get('etag')]).toEqual([201, '1', '"1"']);
    expect(await (await page).json()).toEqual([{ position: 1, entry: { text: 'a' } }]);
    await events.cancel();
  });

  test('HEAD says how far it is flushed, where readers receive more than that', async () => {
    const journal = new InMemoryScrivener<Said>();
    const flushed = async (options?: Partial<JournalHandlerOptions<Said>>) => {
      const response = await handlerOf(journal, options)(new Request(URL_OF_JOURNAL, { method: 'HEAD' }));
      return [response.headers.get('ETag'), response.headers.get('Scrivener-Flushed')];
    };
    const whenFlushed = async () => undefined;
    journal.append({ text: 'a' });
    expect(await flushed({ whenFlushed })).toEqual(['"1"', null]);
    const flusher = new FlusherDaemon({ scrivener: journal, sink });
    await flusher.start();
    expect(await flushed({ whenFlushed })).toEqual(['"1"', '0']);
    const isFlushed = flusher.whenFlushed(1);
    while (!accept.observed) await Promise.resolve();
    accept.next();
    await isFlushed;
    expect([await flushed(), await flushed({ whenFlushed })]).toEqual([
      ['"1"', null],
      ['"1"', '1'],
    ]);
  });

  test('and cannot be flushed any more: what is flushed is read, and reading the rest is answered with "later"', async () => {
    const journal = new InMemoryScrivener<Said>();
    const flusher = new FlusherDaemon({ scrivener: journal, sink });
    await flusher.start();
    const errors: unknown[] = [];
    const handle = handlerOf(journal, { onError: (error) => errors.push(error) });
    const first = post(handle, 'a');
    await new Promise((resolve) => setTimeout(resolve, 20));
    accept.next();
    expect((await first).status).toBe(201);
    const second = post(handle, 'b');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const full = new Error('the disk is full');
    accept.error(full);
    const uncertain = await second;
    expect([uncertain.status, ((await uncertain.json()) as { code: string }).code]).toEqual([
      409,
      'ERR_WRITE_UNCERTAIN',
    ]);
    const head = await handle(new Request(URL_OF_JOURNAL, { method: 'HEAD' }));
    expect(head.headers.get('etag')).toBe('"1"');
    const page = await handle(new Request(`${URL_OF_JOURNAL}?before=9`));
    expect(await page.json()).toEqual([{ position: 1, entry: { text: 'a' } }]);
    const events = new EventReader(await handle(new Request(URL_OF_JOURNAL)));
    expect(await events.next()).toMatchObject({ id: '1' });
    const next = await events.next();
    const failed = next?.event === 'caughtUp' ? await events.next() : next;
    expect(failed).toMatchObject({ event: 'failed', data: expect.stringContaining('"status":503') as string });
    expect(errors).toContain(full);
  });
});

describe('another history under the same address', () => {
  const filled = (...texts: string[]) => {
    const journal = new InMemoryScrivener<Said>();
    for (const text of texts) journal.append({ text });
    return journal;
  };

  test.each([
    ['with other entries', ['A', 'B', 'C', 'D']],
    ['with the same entry at the last position that was read', ['A', 'B', 'c', 'D']],
    ['that is shorter', ['a', 'b']],
    ['that is empty', []],
  ])('%s: a tail that comes back errors', async (_, texts) => {
    let handle = handlerOf(filled('a', 'b', 'c'), { maxTailMs: 20 });
    const remote = await openRemoteScrivener<Said>({ url: URL_OF_JOURNAL, fetch: fetchFrom(() => handle) });
    const tail = remote.tail()[Symbol.asyncIterator]();
    for (const text of ['a', 'b', 'c']) expect((await tail.next()).value).toMatchObject({ entry: { text } });
    handle = handlerOf(filled(...texts));
    const error: unknown = await Promise.resolve(tail.next()).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(JournalMismatchError);
    await remote.close();
  });

  test('that has all that was read continues, also where the beginning was dropped', async () => {
    let handle = handlerOf(filled('a', 'b', 'c'), { maxTailMs: 20 });
    const remote = await openRemoteScrivener<Said>({ url: URL_OF_JOURNAL, fetch: fetchFrom(() => handle) });
    const tail = remote.tail()[Symbol.asyncIterator]();
    for (let n = 1; n <= 3; n++) await tail.next();
    const trimmed = new InMemoryScrivener<Said>({ retain: 2 });
    for (const text of ['x', 'y', 'c', 'd']) trimmed.append({ text });
    handle = handlerOf(trimmed, { maxTailMs: 20 });
    expect((await tail.next()).value).toEqual({ position: 4, entry: { text: 'd' } });
    await tail.return?.();
    await remote.close();
  });

  test.each(['', 'x', '0123456789abcdef.', 'f'.repeat(17), Array(17).fill('0123456789abcdef').join('.')])(
    'what is not a digest is refused: %j',
    async (seen) => {
      const answer = await handlerOf(filled('a'))(new Request(`${URL_OF_JOURNAL}?after=1&seen=${seen}`));
      expect(answer.status).toBe(400);
    },
  );
});

describe('who may read', () => {
  test('is asked again when a tail has lasted its time, and the reader continues where it was', async () => {
    const journal = new InMemoryScrivener<Said>();
    let asked = 0;
    let allowed = true;
    const authorize = ({ method }: Request) => (method === 'GET' && asked++, allowed);
    const handle = handlerOf(journal, { authorize, maxTailMs: 30 });
    const remote = await openRemoteScrivener<Said>({ url: URL_OF_JOURNAL, fetch: fetchFrom(() => handle) });
    const tail = remote.tail()[Symbol.asyncIterator]();
    for (let n = 1; n <= 5; n++) {
      const next = tail.next();
      while (asked <= n) await new Promise((resolve) => setTimeout(resolve, 5));
      journal.append({ text: String(n) });
      expect((await next).value).toEqual({ position: n, entry: { text: String(n) } });
    }
    allowed = false;
    await expect(tail.next()).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' });
    await remote.close();
  });

  test('ends with the signal of its verdict', async () => {
    const journal = new InMemoryScrivener<Said>();
    const shutOut = new AbortController();
    const handle = handlerOf(journal, { authorize: () => ({ caller: 'ann', signal: shutOut.signal }) });
    const events = new EventReader(await handle(new Request(URL_OF_JOURNAL)));
    expect(await events.next()).toMatchObject({ event: 'caughtUp' });
    const next = events.next();
    shutOut.abort();
    expect(await next).toBeUndefined();
    expect(journal.observed).toBe(false);
    const late = await handle(new Request(URL_OF_JOURNAL));
    expect(await new EventReader(late).next()).toBeUndefined();
  });

  test.each([
    {},
    { caller: 7 },
    { caller: undefined },
    { caller: 'ann', signal: new AbortController() },
    { caller: 'ann', signal: null },
    'yes',
    1,
    null,
  ])('is nobody for the verdict %j', async (verdict) => {
    const handle = handlerOf(new InMemoryScrivener<Said>(), { authorize: () => verdict as never });
    expect((await post(handle, 'a')).status).toBe(403);
  });

  test('may be answered by the same response, twice', async () => {
    const refusal = new Response('no', { status: 401 });
    const handle = handlerOf(new InMemoryScrivener<Said>(), { authorize: () => refusal });
    for (let time = 1; time <= 2; time++) {
      const answer = await post(handle, 'a');
      expect([answer.status, await answer.text()]).toEqual([401, 'no']);
    }
  });
});

describe('what is admitted', () => {
  test('is nothing where `admit` returns a response, as `authorize` does', async () => {
    const journal = new InMemoryScrivener<Said>();
    const admit = () => new Response('not here', { status: 451 }) as never;
    const answer = await post(handlerOf(journal, { authorize: 'public', admit }), 'hi');
    expect([answer.status, await answer.text(), journal.head]).toEqual([451, 'not here', 0]);
  });

  const named = (request: Request) => ({ caller: request.headers.get('X-User') ?? 'nobody' });

  test('is what `admit` makes of an entry, for each of a batch', async () => {
    const journal = new InMemoryScrivener<Said>();
    const handle = handlerOf(journal, {
      authorize: named,
      admit: async (entry, { caller = '', request }) => {
        if (entry.text === 'no')
          throw new Response('not here', { status: 451, headers: { 'Content-Type': 'text/plain' } });
        if (entry.text === 'bug') throw new TypeError('a secret');
        return { ...entry, who: `${caller} by ${request.method}` };
      },
      onError: () => undefined,
    });
    const one = await post(handle, 'hi', { 'X-User': 'ann' });
    expect(one.status).toBe(201);
    const refused = await post(handle, 'no', { 'X-User': 'ann' });
    expect([refused.status, await refused.text(), refused.headers.get('content-type')]).toEqual([
      451,
      'not here',
      'text/plain',
    ]);
    const broken = await post(handle, 'bug');
    expect(broken.status).toBe(403);
    expect(await broken.text()).not.toContain('secret');
    const body = ['a', 'no', 'b'].map((text) => JSON.stringify({ text })).join('\n');
    const headers = { 'Content-Type': 'application/x-ndjson', 'X-User': 'ben' };
    const batch = await handle(new Request(URL_OF_JOURNAL, { method: 'POST', headers, body }));
    expect(await batch.json()).toMatchObject([{ position: 2 }, { status: 451 }, { position: 3 }]);
    const held: unknown[] = [];
    journal.tail().subscribe(({ entry }) => held.push(entry));
    expect(held).toEqual([
      { text: 'hi', who: 'ann by POST' },
      { text: 'a', who: 'ben by POST' },
      { text: 'b', who: 'ben by POST' },
    ]);
  });

  test('a key is its caller’s alone', async () => {
    const journal = new InMemoryScrivener<Said>();
    const handle = handlerOf(journal, { authorize: named });
    const send = async (user: string, text: string) => {
      const answer = await post(handle, text, { 'X-User': user, 'Idempotency-Key': 'k' });
      return [answer.status, ((await answer.json()) as { position?: number }).position];
    };
    expect(await send('ann', 'a')).toEqual([201, 1]);
    expect(await send('ben', 'a')).toEqual([201, 2]);
    expect(await send('ann', 'a')).toEqual([201, 1]);
    expect(await send('carl', 'other')).toEqual([201, 3]);
    expect((await send('ann', 'other'))[0]).toBe(422);
    expect(journal.head).toBe(3);
  });

  test('nobody’s key is nobody else’s, whatever it reads like', async () => {
    const journal = new InMemoryScrivener<Said>();
    const authorize = ({ headers }: Request) => !headers.has('X-User') || { caller: headers.get('X-User')! };
    const handle = handlerOf(journal, { authorize });
    expect((await post(handle, 'a', { 'X-User': 'ann', 'Idempotency-Key': 'k' })).status).toBe(201);
    expect((await post(handle, 'b', { 'Idempotency-Key': '["ann","k"]' })).status).toBe(201);
    expect(journal.head).toBe(2);
  });

  test.each<[string, Partial<JournalHandlerOptions<Said>>]>([
    ['admit', { admit: (() => undefined) as never }],
    [
      'schema',
      { schema: { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: undefined }) } } as never },
    ],
  ])('nothing is not journaled, and onError is told that it came from `%s`', async (name, options) => {
    const journal = new InMemoryScrivener<Said>();
    const errors: unknown[] = [];
    const handle = handlerOf(journal, { ...options, onError: (error) => errors.push(error) });
    const answer = await post(handle, 'a');
    expect([answer.status, journal.head]).toEqual([500, 0]);
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining(`\`${name}\``) as string })]);
  });

  test('what a refusal says is bounded', async () => {
    const reason = 'x'.repeat(100_000);
    const journal = new InMemoryScrivener<Said>();
    journal.write = () => Promise.reject(new SerializationError(reason));
    const answer = await post(handlerOf(journal), 'a');
    expect(answer.status).toBe(422);
    expect((await answer.text()).length).toBeLessThan(1_000);
  });

  test('an issue of a validator that is malformed is reported all the same, and ends nothing', async () => {
    const unhandled: unknown[] = [];
    const keep = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', keep);
    for (const issue of [
      {},
      null,
      'text',
      { message: 5, path: 'x' },
      { message: Symbol('x'), path: [null, { key: Symbol('y') }] },
      { message: Object.create(null) as unknown, path: [Object.create(null)] },
    ]) {
      const schema = { '~standard': { version: 1, vendor: 'x', validate: () => ({ issues: [issue] }) } } as never;
      const handle = handlerOf(new InMemoryScrivener<Said>(), { schema });
      expect((await post(handle, 'a', { 'Idempotency-Key': 'k' })).status).toBe(422);
    }
    await new Promise((resolve) => setTimeout(resolve));
    process.off('unhandledRejection', keep);
    expect(unhandled).toEqual([]);
  });
});

describe('pages of other origins', () => {
  const preflight = (cors: CrossOriginOptions, origin: string) =>
    handlerOf(new InMemoryScrivener<Said>(), { cors })(
      new Request(URL_OF_JOURNAL, { method: 'OPTIONS', headers: { Origin: origin } }),
    );

  test.each<[CrossOriginOptions['origin'], string, boolean]>([
    ['capacitor://localhost', 'capacitor://localhost', true],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef', true],
    ['null', 'null', true],
    [(origin) => origin.endsWith('.example.com'), 'https://a.example.com', true],
    [(origin) => origin.endsWith('.example.com'), 'https://example.org', false],
    [['https://a.example.com', 'https://b.example.com'], 'https://b.example.com', true],
    ['*', 'https://anywhere.example', true],
  ])('%p lets %s in: %p', async (origin, asking, isAllowed) => {
    const answer = await preflight({ origin }, asking);
    expect(answer.status).toBe(isAllowed ? 204 : 403);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(isAllowed ? (origin === '*' ? '*' : asking) : null);
  });

  test('allows only what a function answers with `true`; one that throws is reported to onError', async () => {
    expect((await preflight({ origin: (async () => false) as never }, 'https://a.example')).status).toBe(403);
    const errors: unknown[] = [];
    const failure = new Error('no list');
    const origin = () => {
      throw failure;
    };
    const handle = handlerOf(new InMemoryScrivener<Said>(), {
      cors: { origin },
      onError: (error) => errors.push(error),
    });
    for (const method of ['OPTIONS', 'HEAD', 'GET']) {
      const answer = await handle(new Request(URL_OF_JOURNAL, { method, headers: { Origin: 'https://a.example' } }));
      expect([answer.status, answer.headers.get('Access-Control-Allow-Origin')]).toEqual([500, null]);
    }
    expect(errors).toEqual([failure, failure, failure]);
  });

  test('may send cookies and headers of their own where that is allowed', async () => {
    const answer = await preflight(
      { origin: 'https://a.example', credentials: true, allowHeaders: ['X-Api-Key'] },
      'https://a.example',
    );
    expect(answer.headers.get('Access-Control-Allow-Credentials')).toBe('true');
    expect(answer.headers.get('Access-Control-Allow-Headers')).toMatch(/, X-Api-Key$/);
  });

  test.each<[unknown, RegExp]>([
    [{ origin: 'https://*.example.com' }, /cors\.origin.*\*\.example/],
    [{ origin: undefined }, /cors\.origin.*undefined/],
    [{ origin: /example/ }, /cors\.origin/],
    [{ origin: 'https://example.com/' }, /cors\.origin/],
    [{ origin: ['https://example.com', 7] }, /cors\.origin.*7/],
    [{ origin: '*', credentials: true }, /cors\.credentials/],
    [{ origin: '*', credentials: 'yes' }, /cors\.credentials.*yes/],
    [{ origin: '*', allowHeaders: 'X-Api-Key' }, /cors\.allowHeaders/],
    [{ origin: '*', allowHeaders: null }, /cors\.allowHeaders/],
    [{ origin: '*', allowHeaders: ['X Api'] }, /cors\.allowHeaders/],
    [{ origin: '*', alowHeaders: [] }, /alowHeaders/],
  ])('%p is refused by its name', (cors, message) => {
    const make = () => handlerOf(new InMemoryScrivener<Said>(), { cors: cors as CrossOriginOptions });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

test('a tail passes a middleware that digests bodies', async () => {
  const journal = new InMemoryScrivener<Said>();
  const app = new Hono();
  const handle = handlerOf(journal);
  app.use(etag());
  app.all('/journal', (context) => handle(context.req.raw));
  const events = new EventReader(await app.request(URL_OF_JOURNAL));
  expect(await events.next()).toMatchObject({ event: 'caughtUp' });
  journal.append({ text: 'a' });
  expect(await events.next()).toMatchObject({ id: '1' });
  await events.cancel();
});

test('an answer without content of something else is not the end of a journal', async () => {
  const journal = new InMemoryScrivener<Said>();
  const handle = handlerOf(journal);
  let portal = 0;
  const fetch = fetchFrom(() => (portal-- > 0 ? async () => new Response(null, { status: 204 }) : handle));
  const remote = await openRemoteScrivener<Said>({ url: URL_OF_JOURNAL, fetch });
  portal = 2;
  const next = remote.waitFor(0, () => true);
  journal.append({ text: 'a' });
  expect(await next).toEqual({ position: 1, entry: { text: 'a' } });
  await remote.close();
});

test.each([false, true])(
  'a reader that leaves is gone from the journal, also after a garbage collection; with the client: %p',
  async (withClient) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const settled = () => new Promise((resolve) => setTimeout(resolve, 10));
    const journal = new InMemoryScrivener<Said>();
    const handle = handlerOf(journal);
    let leave: () => void;
    if (withClient) {
      const fetch = fetchFrom(() => handle);
      const remote = await openRemoteScrivener<Said>({ url: URL_OF_JOURNAL, fetch });
      const tail = remote.tail().subscribe();
      leave = () => tail.unsubscribe();
    } else {
      const leaving = new AbortController();
      const events = new EventReader(await handle(new Request(URL_OF_JOURNAL, { signal: leaving.signal })));
      await events.next();
      leave = () => leaving.abort();
    }
    await settled();
    expect(journal.observed).toBe(true);
    collect();
    await settled();
    leave();
    await settled();
    expect(journal.observed).toBe(false);
  },
);

test('an entry that has no JSON is met by nobody who reads only what is newer', async () => {
  const journal = new InMemoryScrivener<unknown>();
  for (const entry of ['old', 1n, 'a', 'b']) journal.append(entry);
  const handle = journalHandler(journal, { authorize: 'public' });
  const remote = await openRemoteScrivener<unknown>({ url: URL_OF_JOURNAL, fetch: fetchFrom(() => handle) });
  expect(await lastEntries(remote, 2)).toEqual([
    { position: 3, entry: 'a' },
    { position: 4, entry: 'b' },
  ]);
  await expect(lastEntries(remote, 3)).rejects.toMatchObject({ code: 'ERR_SERIALIZATION' });
  await remote.close();
});
