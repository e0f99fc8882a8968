import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { filter, firstValueFrom } from 'rxjs';
import { InMemoryScrivener } from 'rx-scrivener';
import {
  AccessDeniedError,
  journalHandler,
  JournalLostError,
  JournalMismatchError,
  nodeListener,
  openRemoteScrivener,
} from 'rx-scrivener/http';

interface Said {
  readonly text: string;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

let journal: InMemoryScrivener<Said>;
let handle: (request: Request) => Promise<Response>;
const inProcess = (url: string | URL | Request, init?: RequestInit) => handle(new Request(url, init));
const url = 'http://localhost/journal';
const servers: Server[] = [];

async function listen(listener: RequestListener, port = 0): Promise<string> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  journal = new InMemoryScrivener();
  handle = journalHandler(journal, { authorize: 'public' });
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

describe('`headers` that fail', () => {
  test('for a while are asked again: tails, waits and writes continue', async () => {
    let failing = false;
    const headers = () => (failing ? Promise.reject(new TypeError('fetch failed')) : { 'X-Token': 'new' });
    handle = journalHandler(journal, { authorize: 'public', maxTailMs: 20 });
    const remote = await openRemoteScrivener<Said>({ url, fetch: inProcess, headers });
    const tail = remote.tail()[Symbol.asyncIterator]();
    const next = tail.next();
    failing = true;
    const waiting = remote.waitFor(0, ({ text }) => text === 'b');
    const writing = remote.write({ text: 'a' });
    await pause(150);
    failing = false;
    expect(await writing).toBe(1);
    expect((await next).value).toEqual({ position: 1, entry: { text: 'a' } });
    journal.append({ text: 'b' });
    expect((await waiting).position).toBe(2);
    await tail.return?.();
    await remote.close();
  });

  test('for good with an error of this library end everything', async () => {
    let isOut = false;
    const headers = () => (isOut ? Promise.reject(new AccessDeniedError(401)) : {});
    const remote = await openRemoteScrivener<Said>({ url, fetch: inProcess, headers });
    isOut = true;
    expect(await rejection(remote.write({ text: 'a' }))).toBeInstanceOf(AccessDeniedError);
    expect(await rejection(remote.waitFor(0, () => true))).toBeInstanceOf(AccessDeniedError);
    await remote.close();
  });

  test('for good end a write also where the server was last seen down', async () => {
    let isDown = false;
    let isOut = false;
    const headers = () => (isOut ? Promise.reject(new AccessDeniedError(401)) : {});
    const fetch = (...args: Parameters<typeof inProcess>) =>
      isDown ? Promise.reject(new TypeError('fetch failed')) : inProcess(...args);
    const remote = await openRemoteScrivener<Said>({ url, fetch, headers, retryMs: Infinity });
    isDown = true;
    const reading = remote.readBackward()[Symbol.asyncIterator]();
    const first = reading.next();
    await pause(20);
    isOut = true;
    expect(await rejection(remote.write({ text: 'a' }))).toBeInstanceOf(AccessDeniedError);
    expect(await rejection(first)).toBeInstanceOf(AccessDeniedError);
    await remote.close();
  });

  test('by never settling hold nobody up for longer than `retryMs`', async () => {
    let isStuck = true;
    const headers = () => (isStuck ? new Promise<never>(() => undefined) : {});
    const opening = await rejection(openRemoteScrivener<Said>({ url, fetch: inProcess, headers, retryMs: 50 }));
    expect(opening).toBeInstanceOf(JournalLostError);
    isStuck = false;
    const remote = await openRemoteScrivener<Said>({ url, fetch: inProcess, headers, retryMs: 50 });
    isStuck = true;
    const tail = remote.tail()[Symbol.asyncIterator]().next();
    expect(await rejection(remote.write({ text: 'a' }))).toBeInstanceOf(JournalLostError);
    await remote.close();
    expect((await tail).done).toBe(true);
    expect(journal.head).toBe(0);
  });
});

describe('a server that points elsewhere', () => {
  test.each([301, 307, 308])('is followed on its own origin, by writes too: %d', async (status) => {
    const listener = nodeListener(handle);
    const origin = await listen((request, response) => {
      if (request.url?.startsWith('/journal/')) return listener(request, response);
      const [, query = ''] = request.url!.split('?');
      response.writeHead(status, { Location: `/journal/${query && `?${query}`}` }).end();
    });
    const remote = await openRemoteScrivener<Said>({ url: `${origin}/journal`, headers: { 'X-Token': 'x' } });
    expect(await remote.write({ text: 'a' })).toBe(1);
    expect(await remote.waitFor(0, () => true)).toEqual({ position: 1, entry: { text: 'a' } });
    await remote.close();
  });

  test('later on, with a 307, has the write sent there', async () => {
    const listener = nodeListener(handle);
    let moved = false;
    const origin = await listen((request, response) => {
      if (!moved || request.url?.startsWith('/new')) return listener(request, response);
      response.writeHead(307, { Location: '/new' }).end();
    });
    const remote = await openRemoteScrivener<Said>({ url: `${origin}/old` });
    moved = true;
    expect(await remote.write({ text: 'a' })).toBe(1);
    await remote.close();
  });

  test.each([301, 302, 307])('of another origin gets no credentials, and is named at once: %d', async (status) => {
    const seen: unknown[] = [];
    const other = await listen((request, response) => {
      seen.push(request.method === 'POST' ? request.headers['x-token'] : undefined);
      nodeListener(handle)(request, response);
    });
    const listener = nodeListener(handle);
    let moved = false;
    const origin = await listen((request, response) => {
      if (!moved) return listener(request, response);
      response.writeHead(status, { Location: `${other}/journal` }).end();
    });
    const remote = await openRemoteScrivener<Said>({ url: `${origin}/journal`, headers: { 'X-Token': 'secret' } });
    moved = true;
    const error = await rejection(remote.write({ text: 'a' }));
    expect(error).toBeInstanceOf(JournalMismatchError);
    expect(error).toMatchObject({ reason: expect.stringMatching(/points/) as string });
    expect(seen).toEqual([]);
    expect(journal.head).toBe(0);
    await remote.close();
  });

  test.each(['a tail', 'a page', 'opening'])('of another origin gets no request with credentials: %s', async (kind) => {
    const seen: unknown[] = [];
    const other = await listen((request, response) => {
      seen.push(request.headers['x-token']);
      nodeListener(handle)(request, response);
    });
    const listener = nodeListener(handle);
    let moved = kind === 'opening';
    const origin = await listen((request, response) => {
      if (!moved) return listener(request, response);
      response.writeHead(307, { Location: `${other}/journal` }).end();
    });
    const config = { url: `${origin}/journal`, headers: { 'X-Token': 'secret' } };
    const read = async () => {
      const remote = await openRemoteScrivener<Said>(config);
      moved = true;
      const stream = kind === 'a page' ? remote.readBackward() : remote.tail();
      await stream[Symbol.asyncIterator]().next();
    };
    const error = await rejection(read());
    expect(error).toBeInstanceOf(JournalMismatchError);
    expect((error as Error).message).toContain(other);
    expect(seen.filter((token) => token !== undefined)).toEqual([]);
  });

  test('in a browser, which does not show where to, is followed on its own origin and asked without credentials', async () => {
    const asked: string[] = [];
    const fetch = async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      asked.push(`${request.method} ${new URL(request.url).pathname} ${request.headers.get('X-Token')}`);
      if (new URL(request.url).pathname !== '/journal') return handle(request);
      // As a browser answers: https://fetch.spec.whatwg.org/#concept-filtered-response-opaque-redirect
      if (request.redirect === 'manual')
        return { type: 'opaqueredirect', status: 0, headers: new Headers() } as Response;
      const response = await handle(request);
      return Object.defineProperties(response, {
        redirected: { value: true },
        url: { value: 'http://localhost/journal/' },
      });
    };
    const remote = await openRemoteScrivener<Said>({ url, fetch, headers: { 'X-Token': 'x' } });
    expect(await remote.write({ text: 'a' })).toBe(1);
    expect(asked).toEqual(['HEAD /journal x', 'HEAD /journal null', 'HEAD /journal/ x', 'POST /journal/ x']);
    await remote.close();
  });

  test('to sign in is not where the journal is from then on', async () => {
    const listener = nodeListener(handle);
    const asked: string[] = [];
    let isSignedOut = false;
    const origin = await listen((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.url?.startsWith('/login'))
        response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html></html>');
      else if (isSignedOut) response.writeHead(302, { Location: '/login' }).end();
      else listener(request, response);
    });
    const remote = await openRemoteScrivener<Said>({ url: `${origin}/journal` });
    isSignedOut = true;
    const reading = remote.readBackward()[Symbol.asyncIterator]().next();
    await pause(200);
    isSignedOut = false;
    expect((await reading).done).toBe(true);
    expect(await remote.write({ text: 'a' })).toBe(1);
    expect(asked.filter((line) => line.startsWith('POST'))).toEqual(['POST /journal']);
    await remote.close();
  });
});

describe('what is not the journal, once it was there', () => {
  test.each([200, 204])('ends neither tails nor pages nor writes: %d', async (status) => {
    const foreign = () =>
      new Response(status === 204 ? null : '<html></html>', { status, headers: { 'Content-Type': 'text/html' } });
    let isForeign = false;
    const fetch = (...args: Parameters<typeof inProcess>) =>
      isForeign ? Promise.resolve(foreign()) : inProcess(...args);
    const remote = await openRemoteScrivener<Said>({ url, fetch });
    isForeign = true;
    const tail = remote.tail()[Symbol.asyncIterator]();
    const page = remote.readBackward(5)[Symbol.asyncIterator]();
    const ends = [tail.next(), remote.write({ text: 'a' }), page.next()] as const;
    await pause(200);
    isForeign = false;
    const [first, position] = await Promise.all(ends);
    expect(first.value).toEqual({ position: 1, entry: { text: 'a' } });
    expect(position).toBe(1);
    expect(journal.head).toBe(1);
    await remote.close();
  });

  test('says nothing about the last position', async () => {
    let isForeign = false;
    const foreign = () => new Response('<html></html>', { status: 404, headers: { ETag: '"1650000000"' } });
    const fetch = (...args: Parameters<typeof inProcess>) =>
      isForeign ? Promise.resolve(foreign()) : inProcess(...args);
    const remote = await openRemoteScrivener<Said>({ url, fetch });
    isForeign = true;
    expect(await rejection(remote.readBackward()[Symbol.asyncIterator]().next())).toMatchObject({ status: 404 });
    expect(remote.head).toBe(0);
    await remote.close();
  });
});

describe('opening', () => {
  test('continues until the server is there', async () => {
    let isDown = true;
    const fetch = (...args: Parameters<typeof inProcess>) =>
      isDown ? Promise.reject(new TypeError('fetch failed')) : inProcess(...args);
    const opening = openRemoteScrivener<Said>({ url, fetch });
    await pause(150);
    isDown = false;
    const remote = await opening;
    expect(await remote.write({ text: 'a' })).toBe(1);
    await remote.close();
  });

  test('ends with its signal, before and while it tries', async () => {
    const fetch = () => Promise.reject(new TypeError('fetch failed'));
    const reason = new Error('left');
    expect(await rejection(openRemoteScrivener({ url, fetch, signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    const opening = rejection(openRemoteScrivener({ url, fetch, signal: controller.signal }));
    await pause(20);
    controller.abort(reason);
    expect(await opening).toBe(reason);
  });

  test('says what is missing where HEAD is not routed', async () => {
    const fetch = () => Promise.resolve(new Response(null, { status: 405 }));
    const error = await rejection(openRemoteScrivener({ url, fetch }));
    expect(error).toBeInstanceOf(JournalMismatchError);
    expect((error as Error).message).toContain('HEAD');
  });

  test.each([0, -1, 1.5, 2 ** 31, 30 * 24 * 3_600_000, NaN])('refuses %p ms of trying', async (retryMs) => {
    const error = await rejection(openRemoteScrivener({ url, fetch: inProcess, retryMs }));
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toContain('`retryMs`');
  });

  test('takes a `fetch` that wants no other `this`', async () => {
    function fetch(this: unknown, ...args: Parameters<typeof inProcess>) {
      if (this !== undefined) throw new TypeError('Illegal invocation');
      return inProcess(...args);
    }
    const remote = await openRemoteScrivener<Said>({ url, fetch });
    await remote.close();
  });
});

test.each([
  ['seconds', () => '1'],
  ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
])('`Retry-After` in %s is kept to', async (_, after) => {
  const asked: number[] = [];
  let isBusy = false;
  const fetch = (...args: Parameters<typeof inProcess>) => {
    if (!isBusy) return inProcess(...args);
    asked.push(performance.now());
    return Promise.resolve(new Response(null, { status: 429, headers: { 'Retry-After': after() } }));
  };
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  isBusy = true;
  const waiting = remote.waitFor(0, () => true);
  await pause(700);
  expect(asked).toHaveLength(1);
  isBusy = false;
  journal.append({ text: 'a' });
  expect((await waiting).position).toBe(1);
  await remote.close();
});

test('`Retry-After` is when the next try comes', async () => {
  let isBusy = false;
  const busy = () => new Response(null, { status: 429, headers: { 'Retry-After': '60' } });
  const fetch = (...args: Parameters<typeof inProcess>) => (isBusy ? Promise.resolve(busy()) : inProcess(...args));
  const remote = await openRemoteScrivener<Said>({ url, fetch });
  isBusy = true;
  const waiting = rejection(remote.waitFor(0, () => true));
  const status = await firstValueFrom(remote.connected$.pipe(filter(({ status }) => status === 'retrying')));
  expect((status as { nextAttempt: number }).nextAttempt - Date.now()).toBeGreaterThan(30_000);
  await remote.close();
  await waiting;
});

test.each([429, 503])('`Retry-After` of `authorize` is kept to by reads and writes: %d', async (status) => {
  let isBusy = false;
  const asked: string[] = [];
  handle = journalHandler(journal, {
    authorize: ({ method }) => {
      if (!isBusy) return true;
      asked.push(method);
      return new Response(null, { status, headers: { 'Retry-After': '1' } });
    },
  });
  const remote = await openRemoteScrivener<Said>({ url, fetch: inProcess });
  isBusy = true;
  const tail = remote.tail()[Symbol.asyncIterator]().next();
  const writing = remote.write({ text: 'a' });
  await pause(400);
  isBusy = false;
  expect(await writing).toBe(1);
  expect((await tail).value).toEqual({ position: 1, entry: { text: 'a' } });
  expect(asked.length).toBeLessThanOrEqual(2);
  await remote.close();
});
