import { Subject } from 'rxjs';
import { inMemoryJournals, InMemoryScrivener, SerializationError, TappedScrivener } from 'rx-scrivener';
import { journalHandler, type JournalHandlerOptions } from 'rx-scrivener/http';
import { z } from 'zod';
import { EventReader } from '../support/event-reader';

const URL_OF_JOURNAL = 'http://localhost/journal';

interface Said {
  readonly n: number;
}

function filled(count: number, retain?: number): InMemoryScrivener<Said> {
  const journal = new InMemoryScrivener<Said>({ retain });
  for (let n = 1; n <= count; n++) journal.append({ n });
  return journal;
}

function handlerOf<T>(journal: InMemoryScrivener<T>, options: Partial<JournalHandlerOptions<T>> = {}) {
  const handle = journalHandler(journal, { authorize: 'public', ...options });
  return (query = '', init: RequestInit = {}) => handle(new Request(URL_OF_JOURNAL + query, init));
}

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body,
});

async function problem(response: Response) {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const body = (await response.json()) as { status: number; code: string };
  expect(body.status).toBe(response.status);
  return body;
}

describe('a tail', () => {
  test('is events with positions as ids, then the word that it has caught up, then what comes', async () => {
    const journal = filled(2);
    const response = await handlerOf(journal)('?after=1');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    const events = new EventReader(response);
    expect(await events.next()).toEqual({ id: '2', event: undefined, data: '{"n":2}' });
    expect(await events.next()).toEqual({ id: undefined, event: 'caughtUp', data: '{"position":2}' });
    journal.append({ n: 3 });
    expect(await events.next()).toEqual({ id: '3', event: undefined, data: '{"n":3}' });
    await events.cancel();
    expect(journal.observed).toBe(false);
  });

  test('continues after Last-Event-ID, whatever `after` says', async () => {
    const response = await handlerOf(filled(5))('?after=1', { headers: { 'Last-Event-ID': '4' } });
    const events = new EventReader(response);
    expect(await events.next()).toMatchObject({ id: '5' });
    await events.cancel();
  });

  test('sends what is ready in one chunk', async () => {
    const { body } = await handlerOf(filled(50))();
    const reader = body!.getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value).match(/^id: /gm)).toHaveLength(50);
    await reader.cancel();
  });

  test('is read from the journal no further than it is taken', async () => {
    const journal = filled(0);
    for (let n = 1; n <= 100; n++) journal.append({ n, text: 'x'.repeat(10_000) } as Said);
    const reads: number[] = [];
    const counted = new Proxy(journal, {
      get: (target, name) => {
        if (name !== 'tail') return Reflect.get(target, name, target) as unknown;
        return (...args: Parameters<typeof journal.tail>) => {
          const stream = target.tail(...args);
          const iterate = stream[Symbol.asyncIterator].bind(stream);
          stream[Symbol.asyncIterator] = () => {
            const inner = iterate();
            return { ...inner, next: () => (reads.push(1), inner.next()), return: () => inner.return!() };
          };
          return stream;
        };
      },
    });
    const { body } = await handlerOf(counted)();
    const reader = body!.getReader();
    await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reads.length).toBeGreaterThan(2);
    expect(reads.length).toBeLessThan(10);
    await reader.cancel();
  });

  test('announces the end of the journal, and then is over', async () => {
    const journal = filled(1);
    const events = new EventReader(await handlerOf(journal)());
    await events.next();
    await events.next();
    journal.complete();
    expect(await events.next()).toMatchObject({ event: 'ended' });
    expect(await events.next()).toBeUndefined();
  });

  test('after the end of the journal is a 204, which ends an EventSource', async () => {
    const journal = filled(3);
    journal.complete();
    const response = await handlerOf(journal)('?after=3');
    expect([response.status, response.headers.get('ETag'), response.body]).toEqual([204, '"3"', null]);
    expect((await handlerOf(filled(3))(`?after=${Number.MAX_SAFE_INTEGER}`)).status).toBe(204);
  });

  test('announces a failure after the last entry, without its message', async () => {
    const journal = filled(1);
    const errors: unknown[] = [];
    const events = new EventReader(await handlerOf(journal, { onError: (error) => errors.push(error) })());
    await events.next();
    await events.next();
    const failure = new Error('password=secret');
    journal.error(failure);
    const { event, data } = (await events.next())!;
    expect([event, JSON.parse(data)]).toEqual([
      'failed',
      { status: 500, code: 'ERR_INTERNAL', detail: 'The server failed' },
    ]);
    expect(await events.next()).toBeUndefined();
    expect(errors).toEqual([failure]);
  });

  test('from a position that was dropped is a 410 that names the oldest kept', async () => {
    const response = await handlerOf(filled(9, 3))('?after=2');
    expect(response.status).toBe(410);
    expect(await problem(response)).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 3, first: 7 });
  });

  test('of a journal that does not exist is a 404, also backward, and one that is deleted ends with it', async () => {
    const journals = inMemoryJournals<Said>();
    const errors: unknown[] = [];
    const handle = journalHandler(journals.journal('ann'), {
      authorize: 'public',
      onError: (error) => errors.push(error),
    });
    const expected = { status: 404, code: 'ERR_JOURNAL_NOT_FOUND', detail: 'There is no journal "ann"' };
    for (const query of ['', '?before=2'])
      expect(await problem(await handle(new Request(URL_OF_JOURNAL + query)))).toEqual(expected);
    expect((await handle(new Request(URL_OF_JOURNAL, { method: 'HEAD' }))).status).toBe(404);

    expect((await handle(new Request(URL_OF_JOURNAL, post('{"n":1}')))).status).toBe(201);
    const events = new EventReader(await handle(new Request(URL_OF_JOURNAL)));
    await events.next();
    await events.next();
    await journals.delete('ann');
    const { event, data } = (await events.next())!;
    expect([event, JSON.parse(data)]).toEqual(['failed', expected]);
    expect(errors).toEqual([]);
  });

  test('that falls behind what is kept gets an error that says so', async () => {
    const journal = filled(1, 2);
    const events = new EventReader(await handlerOf(journal)());
    await events.next();
    await events.next();
    await new Promise((resolve) => setImmediate(resolve));
    for (let n = 2; n <= 9; n++) journal.append({ n });
    expect(await events.next()).toMatchObject({ id: '2' });
    const { event, data } = (await events.next())!;
    expect([event, JSON.parse(data)]).toEqual([
      'failed',
      expect.objectContaining({ code: 'ERR_POSITION_TRIMMED', first: 8 }),
    ]);
  });

  test('of an entry that has no JSON fails there, for its readers alone', async () => {
    const journal = new InMemoryScrivener<unknown>();
    journal.append(1);
    journal.append(2n);
    const events = new EventReader(await handlerOf(journal)());
    expect(await events.next()).toMatchObject({ data: '1' });
    expect(await events.next()).toMatchObject({ event: 'failed' });
    expect(journal.observed).toBe(false);
  });

  test('is released when the request is aborted, before, while and after it is answered', async () => {
    const journal = filled(1);
    const handle = journalHandler(journal, { authorize: 'public' });
    const request = (signal: AbortSignal) => handle(new Request(URL_OF_JOURNAL, { signal }));
    expect(await (await request(AbortSignal.abort())).text()).toBe('');
    expect(journal.observed).toBe(false);

    const early = new AbortController();
    const answering = request(early.signal);
    early.abort();
    expect(await (await answering).text()).toBe('');
    expect(journal.observed).toBe(false);

    const late = new AbortController();
    const events = new EventReader(await request(late.signal));
    await events.next();
    await events.next();
    const waiting = events.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(journal.observed).toBe(true);
    late.abort();
    expect(await waiting).toBeUndefined(); // not even the word that the journal ended
    expect(journal.observed).toBe(false);
  });

  test('gives a sign of life when there is nothing to tell, and keeps no timer after its end', async () => {
    jest.useFakeTimers();
    try {
      const { body } = await handlerOf(filled(0), { heartbeatMs: 1_000 })();
      const reader = body!.getReader();
      await reader.read();
      const beat = reader.read();
      await jest.advanceTimersByTimeAsync(1_000);
      expect(new TextDecoder().decode((await beat).value)).toBe(':\n\n');
      expect(jest.getTimerCount()).toBe(2);
      await reader.cancel();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('announces no position before it is flushed', async () => {
    const journal = filled(2);
    const flushed$ = new Subject<void>();
    const asked: number[] = [];
    const whenFlushed = (position: number) => {
      asked.push(position);
      return position === 1 ? Promise.resolve() : new Promise<void>((resolve) => flushed$.subscribe(resolve));
    };
    const events = new EventReader(await handlerOf(journal, { whenFlushed })());
    expect(await events.next()).toMatchObject({ id: '1' });
    let isTold = false;
    const second = events.next().finally(() => (isTold = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isTold, asked]).toEqual([false, [1, 2]]);
    flushed$.next();
    expect(await second).toMatchObject({ id: '2' });
    await events.cancel();
  });
});

describe('a page', () => {
  test('is what lies before, newest first, as many as are asked for', async () => {
    const response = await handlerOf(filled(9))('?before=8&limit=3');
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(await response.json()).toEqual([7, 6, 5].map((n) => ({ position: n, entry: { n } })));
    expect(await (await handlerOf(filled(200))(`?before=${Number.MAX_SAFE_INTEGER}`)).json()).toHaveLength(100);
    expect(await (await handlerOf(filled(200), { maxLimit: 7 })('?before=201')).json()).toHaveLength(7);
    for (const query of ['?before=0', '?before=1'])
      expect(await (await handlerOf(filled(2))(query)).json()).toEqual([]);
  });

  test('ends after the entry that fills it', async () => {
    const journal = new InMemoryScrivener<string>();
    for (let n = 0; n < 10; n++) journal.append('x'.repeat(600_000));
    expect(await (await handlerOf(journal)('?before=11')).json()).toHaveLength(2);
  });

  test('ends where the journal does, and a further one is a 410', async () => {
    const get = handlerOf(filled(9, 3));
    expect(await (await get('?before=9')).json()).toEqual([8, 7].map((n) => ({ position: n, entry: { n } })));
    expect(await problem(await get('?before=7'))).toMatchObject({ status: 410, requested: 6, first: 7 });
  });

  test('leaves nothing behind in the journal', async () => {
    const journal = filled(9);
    await handlerOf(journal)('?before=9&limit=2');
    expect(journal.observed).toBe(false);
  });
});

test('HEAD has the last position as its ETag', async () => {
  const head = async (journal: InMemoryScrivener<Said>) =>
    (await handlerOf(journal)('', { method: 'HEAD' })).headers.get('ETag');
  expect(await head(filled(0))).toBe('"0"');
  expect(await head(filled(7, 1))).toBe('"7"');
});

describe('a POST', () => {
  test('appends the entry and answers with its position', async () => {
    const journal = filled(1);
    const response = await handlerOf(journal)(
      '',
      post('{"n":2}', { 'Content-Type': 'Application/JSON; charset=utf-8' }),
    );
    expect([response.status, response.headers.get('ETag'), await response.json()]).toEqual([
      201,
      '"2"',
      { position: 2 },
    ]);
    expect((await journal.waitFor(1, () => true)).entry).toEqual({ n: 2 });
  });

  test('appends lines in their order, each for itself', async () => {
    const journal = new InMemoryScrivener<{ n: number }>();
    const handle = handlerOf(journal, { schema: z.object({ n: z.number() }) });
    const lines = { 'Content-Type': 'application/x-ndjson' };
    const response = await handle('', post('{"n":1}\n{"n":"two"}\n{"n":3}\n{no}\n', lines));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual([
      { position: 1 },
      expect.objectContaining({ status: 422, code: 'ERR_ENTRY_VALIDATION' }),
      { position: 2 },
      expect.objectContaining({ status: 400, code: 'ERR_BAD_REQUEST' }),
    ]);
    expect((await handle('', post('', lines))).status).toBe(400);
    expect((await handle('', post('1\n'.repeat(101), lines))).status).toBe(400);
    expect((await handle('', post('{"n":1}', { ...lines, 'If-Match': '"2"' }))).status).toBe(400);
    expect(journal.head).toBe(2);
  });

  test('with If-Match appends only there, and else says where the journal ends', async () => {
    const journal = filled(3);
    const handle = handlerOf(journal);
    const response = await handle('', post('{"n":4}', { 'If-Match': '"2"' }));
    expect([response.status, response.headers.get('ETag')]).toEqual([412, '"3"']);
    expect(await problem(response)).toMatchObject({ code: 'ERR_POSITION_CONFLICT', expected: 2, actual: 3 });
    expect((await handle('', post('{"n":4}', { 'If-Match': '"3"' }))).status).toBe(201);
    for (const wrong of ['4', '*', 'W/"4"', '"-1"', '"4", "5"', '"9007199254740992"']) {
      expect(await problem(await handle('', post('{"n":5}', { 'If-Match': wrong })))).toMatchObject({ status: 400 });
    }
    expect(journal.head).toBe(4);
  });

  test('appends what the schema makes of the entry, also later', async () => {
    const journal = new InMemoryScrivener<{ n: number }>();
    const schema = z.object({ n: z.coerce.number().refine(async (n) => (await Promise.resolve(n)) < 10) });
    const handle = handlerOf(journal, { schema });
    await handle('', post('{"n":"7","admin":true}'));
    expect((await journal.waitFor(0, () => true)).entry).toEqual({ n: 7 });
    const refused = await problem(await handle('', post('{"n":11}')));
    expect(refused).toMatchObject({ status: 422, code: 'ERR_ENTRY_VALIDATION', issues: [{ path: ['n'] }] });
  });

  test('is answered when the entry is flushed, and is uncertain when that fails', async () => {
    const whenFlushed = jest.fn(() => Promise.resolve());
    const handle = handlerOf(filled(0), { whenFlushed });
    expect((await handle('', post('{"n":1}'))).status).toBe(201);
    expect(whenFlushed).toHaveBeenCalledWith(1);
    whenFlushed.mockRejectedValue(new Error('disk full'));
    expect(await problem(await handle('', post('{"n":2}')))).toMatchObject({
      status: 409,
      code: 'ERR_WRITE_UNCERTAIN',
    });
  });

  test('to a journal that has ended is a 409, and what a backend refuses a 422', async () => {
    const journal = filled(1);
    journal.complete();
    expect(await problem(await handlerOf(journal)('', post('1')))).toMatchObject({
      status: 409,
      code: 'ERR_JOURNAL_CLOSED',
    });
    const refusing = new TappedScrivener<unknown>(new InMemoryScrivener(), () => {
      throw new SerializationError('no');
    });
    const handle = journalHandler(refusing, { authorize: 'public' });
    expect(await problem(await handle(new Request(URL_OF_JOURNAL, post('1'))))).toMatchObject({
      code: 'ERR_SERIALIZATION',
    });
  });
});

describe('authorize', () => {
  test('has to be given', () => {
    for (const authorize of [undefined, null, true, 'private', {}]) {
      expect(() => journalHandler(filled(0), { authorize } as never)).toThrow(TypeError);
    }
  });

  test('is asked first, and lets through on `true` alone', async () => {
    const journal = filled(1);
    const methods = ['GET', 'HEAD', 'POST'];
    for (const verdict of [false, undefined, null, 1, 'yes', {}]) {
      const handle = handlerOf(journal, { authorize: () => verdict as boolean });
      for (const method of methods) {
        const response = await handle('', { method, body: method === 'POST' ? '1' : undefined });
        expect(response.status).toBe(403);
      }
    }
    expect(journal.head).toBe(1);
    expect((await handlerOf(journal, { authorize: () => Promise.resolve(true) })('', { method: 'HEAD' })).status).toBe(
      200,
    );
  });

  test('can answer itself, and gets the headers of every answer', async () => {
    const authorize = () => new Response('who?', { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
    const response = await handlerOf(filled(1), { authorize, cors: { origin: '*' } })('', {
      headers: { Origin: 'https://a.b' },
    });
    expect([response.status, await response.text()]).toEqual([401, 'who?']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'www-authenticate': 'Bearer',
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
    });
  });

  test('that fails lets nobody in, and is reported only to the server', async () => {
    const errors: unknown[] = [];
    const failure = new Error('password=secret');
    const handle = handlerOf(filled(1), {
      authorize: () => Promise.reject(failure),
      onError: (error) => errors.push(error),
    });
    const body = await problem(await handle());
    expect(body).toMatchObject({ status: 503, code: 'ERR_UNAVAILABLE' });
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(errors).toEqual([failure]);
  });
});

describe('other origins', () => {
  const origin = 'https://app.example.com';

  test('are allowed nothing unless it is configured', async () => {
    const handle = handlerOf(filled(1));
    const response = await handle('', { method: 'HEAD', headers: { Origin: origin } });
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await handle('', { method: 'OPTIONS', headers: { Origin: origin } })).status).toBe(405);
  });

  test('that are configured are, and no others', async () => {
    const authorize = jest.fn(() => true);
    const handle = handlerOf(filled(1), { authorize, cors: { origin: ['https://other.example.com', origin] } });
    const preflight = await handle('', { method: 'OPTIONS', headers: { Origin: origin } });
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Origin')]).toEqual([204, origin]);
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toMatch(/Idempotency-Key/);
    expect(authorize).not.toHaveBeenCalled();
    const response = await handle('', { method: 'HEAD', headers: { Origin: origin } });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin);
    expect(response.headers.get('Vary')).toBe('Origin');
    for (const other of ['https://app.example.com.evil.org', 'null', 'http://app.example.com', '*']) {
      const headers = { Origin: other };
      expect((await handle('', { method: 'OPTIONS', headers })).status).toBe(403);
      expect((await handle('', { method: 'HEAD', headers })).headers.has('Access-Control-Allow-Origin')).toBe(false);
    }
  });

  test('are checked at construction', () => {
    for (const wrong of ['example.com', 'https://example.com/', '']) {
      expect(() => handlerOf(filled(0), { cors: { origin: wrong } })).toThrow(TypeError);
    }
  });
});

test('options out of range are refused at once', () => {
  for (const name of ['maxBodyBytes', 'maxLimit', 'heartbeatMs', 'rememberMs', 'rememberCount']) {
    for (const value of [0, -1, 1.5, NaN, '1'])
      expect(() => handlerOf(filled(0), { [name]: value })).toThrow(RangeError);
  }
  expect(() => handlerOf(filled(0), { heartbeatMs: 2 ** 31 })).toThrow(RangeError);
});

test('what is not served is refused with what is', async () => {
  const handle = handlerOf(filled(1));
  const put = await handle('', { method: 'PUT', body: '1' });
  expect([put.status, put.headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST']);
  expect(await problem(await handle('', { headers: { Accept: 'image/png' } }))).toMatchObject({ status: 406 });
  expect(await problem(await handle('?before=2', { headers: { Accept: 'text/event-stream' } }))).toMatchObject({
    status: 406,
  });
  for (const accept of ['*/*', 'application/*', 'text/html, application/json;q=0.9']) {
    expect((await handle('?before=2', { headers: { Accept: accept } })).status).toBe(200);
  }
});
