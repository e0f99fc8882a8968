import { inMemoryJournals, InMemoryScrivener, lastEntries, TappedScrivener, type Scrivener } from 'rx-scrivener';
import { durableStream, durableStreams, openDurableStream } from 'rx-scrivener/durable-streams';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';

const URL_OF_IT = 'http://host/it';

/** A server in this process, and how requests get to it. */
function server() {
  const journals = inMemoryJournals<unknown>();
  const handle = durableStreams(journals, { authorize: 'public', longPollMs: 1000 });
  const fetch = (url: string, init: RequestInit) => handle(new Request(url, init));
  return { journals, fetch };
}

describe('a stream, through the client', () => {
  const supports = {
    ...{ expect: false, retain: false, complete: false, fail: false, observed: false, immediate: false },
    ends: true,
  };
  const create = async (): Promise<ConformanceSubject> => {
    const { journals, fetch } = server();
    const scrivener = await openDurableStream<ConformanceEntry>({ url: URL_OF_IT, fetch });
    const dispose = async () => {
      await scrivener.close();
      await journals.close();
    };
    return { scrivener, dispose };
  };
  scrivenerConformance({ test, create, supports, timeoutMs: 20_000 });
});

test('a write whose answer is lost is sent again, and is there once', async () => {
  const { journals, fetch } = server();
  let lost = 0;
  const losing = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (init.method === 'POST' && lost++ % 2 === 0) throw new TypeError('cut');
    return response;
  };
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: losing });
  expect([await stream.write(1), await stream.write(2)]).toEqual([1, 2]);
  const entries = await lastEntries(journals.journal('it'), 10);
  expect(entries.map(({ entry }) => entry)).toEqual([1, 2]);
});

test.each<[string, number, (controller: ReadableStreamDefaultController<Uint8Array>) => void]>([
  ['ends', 2, (controller) => controller.close()],
  ['breaks off', 0, (controller) => controller.error(new TypeError('cut'))],
  ['never ends', 2, () => undefined],
])('a write is acknowledged by the headers, also where the body %s', async (_, cancelled, end) => {
  const { journals, fetch } = server();
  let left = 0;
  const withBody = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (init.method !== 'POST') return response;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{}'));
        end(controller);
      },
      cancel() {
        left++;
      },
    });
    return new Response(body, { status: 200, headers: response.headers });
  };
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: withBody });
  expect([await stream.write(1), await stream.write(2)]).toEqual([1, 2]);
  expect(left).toBe(cancelled);
  expect((await lastEntries(journals.journal('it'), 10)).map(({ entry }) => entry)).toEqual([1, 2]);
});

test('writes of one turn that are more than a server takes at once go in several requests', async () => {
  const { fetch } = server();
  await using stream = await openDurableStream<string>({ url: URL_OF_IT, fetch });
  const text = '€'.repeat(50_000); // 150 kB
  const written = await Promise.all(Array.from({ length: 60 }, () => stream.write(text)));
  expect(written).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
});

test('each write resolves with the position of its own entry where others come between them', async () => {
  const inner = new InMemoryScrivener<unknown>();
  const journal = new TappedScrivener<unknown>(inner, async (entry, inner, options) => {
    const position = await inner.write(entry, options);
    if (entry !== 'c') await inner.write('other');
    return position;
  });
  const handle = durableStream(journal, { authorize: 'public' });
  const fetch = (url: string, init: RequestInit) => handle(new Request(url, init));
  await using stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch });
  expect(await Promise.all(['a', 'b', 'c'].map((entry) => stream.write(entry)))).toEqual([1, 3, 5]);
});

test('finds what it wrote on a server that does not tell where that is, also after what is alike', async () => {
  const { journals, fetch } = server();
  const journal = journals.journal('it');
  const plain = async (url: string, init: RequestInit) => {
    if (init.method === 'POST') await journal.write('x');
    const response = await fetch(url, init);
    const headers = new Headers(response.headers);
    headers.delete('Scrivener-Positions');
    return new Response(response.body, { status: response.status, headers });
  };
  await using stream = await openDurableStream<string>({ url: URL_OF_IT, fetch: plain });
  expect(await Promise.all(['x', 'x', 'y'].map((entry) => stream.write(entry)))).toEqual([2, 3, 4]);
  expect(await stream.write('z')).toBe(6);
});

describe('a write that is refused', () => {
  const held = async (journal: Scrivener<unknown>) => (await lastEntries(journal, 10)).map(({ entry }) => entry);

  test('does not end the writer: later ones are appended', async () => {
    const { journals, fetch } = server();
    let status = 401;
    const refusing = async (url: string, init: RequestInit) =>
      init.method === 'POST' && status !== 0 ? new Response(null, { status }) : fetch(url, init);
    await using stream = await openDurableStream<string>({ url: URL_OF_IT, fetch: refusing });
    await expect(stream.write('refused')).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 401 });
    status = 0;
    expect([await stream.write('a'), await stream.write('b')]).toEqual([1, 2]);
    status = 413;
    await expect(stream.write('large')).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 413 });
    status = 0;
    expect(await stream.write('c')).toBe(3);
    expect(await held(journals.journal('it'))).toEqual(['a', 'b', 'c']);
  });

  test('is sent once more where its token has expired, and read on, with fresh headers', async () => {
    const { journals, fetch } = server();
    let token = 1;
    let given = 1;
    const guarded = async (url: string, init: RequestInit) => {
      const isValid = new Headers(init.headers).get('Authorization') === String(token);
      return isValid ? fetch(url, init) : new Response(null, { status: 401 });
    };
    /** Its first after the token has changed is still the earlier one. */
    const headers = () => {
      const Authorization = String(given);
      given = token;
      return { Authorization };
    };
    await using stream = await openDurableStream<string>({ url: URL_OF_IT, fetch: guarded, headers });
    token++;
    expect(await stream.write('a')).toBe(1);
    token++;
    expect(await stream.write('b')).toBe(2);
    expect(await held(journals.journal('it'))).toEqual(['a', 'b']);
  });

  test('after an answer to it was lost is uncertain, and the next one is not taken for it', async () => {
    const { journals, fetch } = server();
    let tries = 0;
    const losing = async (url: string, init: RequestInit) => {
      if (init.method !== 'POST' || ++tries > 2) return fetch(url, init);
      if (tries === 2) return new Response(null, { status: 401 });
      await fetch(url, init);
      throw new TypeError('cut');
    };
    await using stream = await openDurableStream<string>({ url: URL_OF_IT, fetch: losing });
    await expect(stream.write('a')).rejects.toMatchObject({ code: 'ERR_WRITE_UNCERTAIN', cause: { status: 401 } });
    expect(await stream.write('b')).toBe(2);
    expect(await held(journals.journal('it'))).toEqual(['a', 'b']);
  });

  test('takes no other with it that was sent together with it', async () => {
    const journal = new InMemoryScrivener<unknown>();
    const validate = (value: unknown) =>
      typeof value === 'number' ? { value } : { issues: [{ message: 'Expected a number' }] };
    const schema = { '~standard': { version: 1 as const, vendor: 'spec', validate } };
    const handle = durableStream(journal, { authorize: 'public', schema });
    const fetch = (url: string, init: RequestInit) => handle(new Request(url, init));
    await using stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch });
    const written = await Promise.allSettled([1, 2, 'three', 4, 5].map((entry) => stream.write(entry)));
    expect(written.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(written[2]).toMatchObject({ reason: { code: 'ERR_HTTP_STATUS', status: 422 } });
    expect(await held(journal)).toEqual([1, 2, 4, 5]);
  });

  describe('by a server that has forgotten its producers', () => {
    const setup = async () => {
      const journal = new InMemoryScrivener<unknown>();
      const serve = () => durableStream(journal, { authorize: 'public', longPollMs: 50 });
      const current = { handle: serve(), loses: false };
      const fetch = async (url: string, init: RequestInit) => {
        const response = await current.handle(new Request(url, init));
        if (init.method !== 'POST' || !current.loses) return response;
        Object.assign(current, { loses: false, handle: serve() });
        throw new TypeError('cut');
      };
      const stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch });
      const restart = () => {
        current.handle = serve();
      };
      return { journal, stream, current, restart };
    };

    test('is sent again to it, and appended', async () => {
      const { journal, stream, restart } = await setup();
      expect([await stream.write(1), await stream.write(2)]).toEqual([1, 2]);
      restart();
      expect([await stream.write(3), await stream.write(4)]).toEqual([3, 4]);
      expect(await held(journal)).toEqual([1, 2, 3, 4]);
      await stream.close();
    });

    test('is uncertain where its answer was lost, and later ones are appended', async () => {
      const { journal, stream, current } = await setup();
      await stream.write(1);
      current.loses = true;
      await expect(stream.write(2)).rejects.toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
      expect(await stream.write(3)).toBe(3);
      expect(await held(journal)).toEqual([1, 2, 3]);
      await stream.close();
    });
  });
});

test('a write that is in the air when the stream is closed is uncertain', async () => {
  const { journals, fetch } = server();
  let arrived = () => {};
  const isThere = new Promise<void>((resolve) => (arrived = resolve));
  const hanging = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (init.method !== 'POST') return response;
    arrived();
    return new Promise<Response>((_, reject) => {
      init.signal!.addEventListener('abort', () => reject(new Error('aborted')));
    });
  };
  const stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: hanging });
  const sent = expect(stream.write(1)).rejects.toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
  await isThere;
  const waiting = expect(stream.write(2)).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
  await stream.close();
  await Promise.all([sent, waiting]);
  expect((await lastEntries(journals.journal('it'), 10)).map(({ entry }) => entry)).toEqual([1]);
});

describe('on a server that does not tell positions, and rewrites what it is given', () => {
  interface Said {
    readonly a: string;
    readonly b: number;
  }
  /** @param rewritten - what it makes of a message */
  const foreign = (rewritten: (message: Said) => unknown) => {
    const { journals, fetch } = server();
    const journal = journals.journal('it');
    /** Called before and after what is sent is appended. */
    const around = { before: async () => {}, after: async () => {} };
    const rewriting = async (url: string, init: RequestInit) => {
      if (init.method !== 'POST') return fetch(url, init);
      await around.before();
      const body = JSON.stringify((JSON.parse(init.body as string) as Said[]).map(rewritten));
      const response = await fetch(url, { ...init, body });
      await around.after();
      const headers = new Headers(response.headers);
      headers.delete('Scrivener-Positions');
      // As the reference server: the answer to what is there already tells nothing of where.
      if (response.status === 204) headers.delete('Stream-Next-Offset');
      return new Response(null, { status: response.status, headers });
    };
    return { journal, around, fetch: rewriting };
  };
  const said: Said = { a: 'x', b: 1 };

  test.each([
    ['the order of keys', ({ a, b }: Said) => ({ b, a })],
    ['what is in it', ({ a, b }: Said) => ({ a: a.toUpperCase(), b })],
  ])('a write has its position: %s', async (_, rewritten) => {
    const { journal, around, fetch } = foreign(rewritten);
    around.before = async () => {
      await journal.write('other');
    };
    await using stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch });
    expect(await stream.write(said)).toBe(2);
    expect(await Promise.all([stream.write(said), stream.write(said)])).toEqual([4, 5]);
  });

  test('a write is found by what it is where others are read with it', async () => {
    const { journal, around, fetch } = foreign(({ a, b }) => ({ b, a }));
    around.after = async () => {
      around.after = async () => {};
      await journal.write('other');
      throw new TypeError('cut');
    };
    await using stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch });
    expect(await stream.write(said)).toBe(1);
    expect(await stream.write(said)).toBe(3);
  });

  test('a write that cannot be told from others is there, and uncertain', async () => {
    const { journal, around, fetch } = foreign(({ a }) => a);
    around.after = async () => {
      around.after = async () => {};
      await journal.write('other');
      throw new TypeError('cut');
    };
    await using stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch });
    const uncertain = { code: 'ERR_WRITE_UNCERTAIN', cause: { code: 'ERR_NOT_SUPPORTED' } };
    await expect(stream.write(said)).rejects.toMatchObject(uncertain);
    expect(await stream.write(said)).toBe(3);
  });

  test('a schema may change what is read of it', async () => {
    const { fetch } = foreign((message) => message);
    const validate = (value: unknown) => ({ value: typeof value === 'string' ? new Date(value) : value });
    const schema = { '~standard': { version: 1 as const, vendor: 'spec', validate } };
    await using stream = await openDurableStream<unknown>({ url: URL_OF_IT, fetch, schema });
    expect(await stream.write('2026-11-28')).toBe(1);
  });
});

test('an answer of something else than a stream is no acknowledgement', async () => {
  const { journals, fetch } = server();
  let isPortal = true;
  const behindPortal = async (url: string, init: RequestInit) =>
    init.method === 'POST' && isPortal ? new Response('<p>Sign in</p>') : fetch(url, init);
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: behindPortal });
  await expect(stream.write(1)).rejects.toMatchObject({ code: 'ERR_JOURNAL_MISMATCH' });
  isPortal = false;
  expect(await stream.write(2)).toBe(1);
  expect((await lastEntries(journals.journal('it'), 10)).map(({ entry }) => entry)).toEqual([2]);
});

test('a page that is empty at the end, as the protocol has it, is one without messages', async () => {
  const { journals, fetch } = server();
  const terse = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    const isPage = init.method === 'GET' && new URL(url).searchParams.get('live') === null && response.ok;
    return isPage ? new Response('', response) : response;
  };
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: terse });
  await journals.journal('it').write(1);
  expect(await stream.waitFor(0, () => true)).toEqual({ position: 1, entry: 1 });
});

test('an abort ends a write that waits for others, and it is not appended', async () => {
  const { journals, fetch } = server();
  let answer = () => {};
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const hanging = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (init.method === 'POST') await isAnswered;
    return response;
  };
  await using stream = await openDurableStream<string>({ url: URL_OF_IT, fetch: hanging });
  const sent = stream.write('sent');
  await stream.waitFor(0, () => true);
  const aborting = new AbortController();
  const aborted = stream.write('aborted', { signal: aborting.signal });
  const waiting = stream.write('waiting', { signal: new AbortController().signal });
  aborting.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  answer();
  expect([await sent, await waiting]).toEqual([1, 2]);
  const entries = await lastEntries(journals.journal('it'), 10);
  expect(entries.map(({ entry }) => entry)).toEqual(['sent', 'waiting']);
});

test('gets new messages by events; wherever those are cut, it has each message once', async () => {
  const { journals, fetch } = server();
  const asked: string[] = [];
  /** Each answer of events ends after so many bytes, more each time, the first of them past the first event. */
  let length = 100;
  const cutting = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    const live = new URL(url).searchParams.get('live');
    if (live !== null) asked.push(live);
    if (live !== 'sse') return response;
    let left = (length += 40);
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        controller.enqueue(bytes.subarray(0, left));
        left -= bytes.length;
        if (left < 0) controller.error(new TypeError('cut'));
      },
    });
    return new Response(response.body!.pipeThrough(cut), response);
  };
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: cutting });
  for (let n = 1; n <= 5; n++) {
    await journals.journal('it').write(n);
    await stream.waitFor(n - 1, () => true);
  }
  const read: number[] = [];
  for await (const { entry } of stream.tail()) if (read.push(entry) === 5) break;
  expect(read).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(asked)).toEqual(new Set(['sse']));
  expect(asked.length).toBeGreaterThan(2);
});

test('reads an event of more messages than a call has arguments', async () => {
  const { fetch } = server();
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch });
  const many = Array.from<number>({ length: 200_000 }).fill(1);
  const headers = { 'Content-Type': 'application/json' };
  await fetch(URL_OF_IT, { method: 'POST', headers, body: JSON.stringify(many) });
  expect(await stream.waitFor(many.length - 1, () => true)).toEqual({ position: many.length, entry: 1 });
});

test('events of names that it does not know are passed over, whatever is in them', async () => {
  const { journals, fetch } = server();
  const withNotes = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (new URL(url).searchParams.get('live') !== 'sse') return response;
    const noted = new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('event: note\ndata: none of JSON\n\n')),
    });
    return new Response(response.body!.pipeThrough(noted), response);
  };
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: withNotes });
  await journals.journal('it').write(1);
  expect(await stream.waitFor(0, () => true)).toEqual({ position: 1, entry: 1 });
});

test.each([
  ['has none of them', () => new Response(null, { status: 501 })],
  ['refuses them', () => new Response(null, { status: 400 })],
  ['answers with something else', () => Response.json([])],
])('follows by long-poll where a server has no events: it %s', async (_, answer) => {
  const { journals, fetch } = server();
  const asked: (string | null)[] = [];
  const without = async (url: string, init: RequestInit) => {
    const live = new URL(url).searchParams.get('live');
    if (live !== null) asked.push(live);
    return live === 'sse' ? answer() : fetch(url, init);
  };
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: without });
  for (let n = 1; n <= 3; n++) {
    await journals.journal('it').write(n);
    expect(await stream.waitFor(n - 1, () => true)).toEqual({ position: n, entry: n });
  }
  expect(asked.slice(0, 2)).toEqual(['sse', 'long-poll']);
  expect(asked.filter((live) => live === 'sse')).toHaveLength(1);
});

describe('where no event comes through', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const never = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
  const events = (body: ReadableStream | null) =>
    new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });

  test.each<[string, (signal: AbortSignal) => Response | Promise<Response>]>([
    ['the answer does not begin', never],
    ['the answer goes on for ever', () => events(new ReadableStream())],
    ['the answer ends at once', () => events(null)],
    ['a proxy gives up', () => new Response(null, { status: 504 })],
    ['the connection is cut', () => Promise.reject(new TypeError('cut'))],
  ])('reads what is new by long-poll: %s', async (_, answer) => {
    const { journals, fetch } = server();
    const buffering = async (url: string, init: RequestInit) =>
      new URL(url).searchParams.get('live') === 'sse' ? answer(init.signal!) : fetch(url, init);
    const stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: buffering });
    for (let n = 1; n <= 3; n++) {
      await journals.journal('it').write(n);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(stream.head).toBe(n);
    }
    await stream.close();
  });

  test.each<[string, string, () => Response]>([
    [
      'events that end at once',
      'sse',
      () => events(new Response('event: control\ndata: {"streamNextOffset":"0000000000000000"}\n\n').body),
    ],
    [
      'long-polls that end at once',
      'long-poll',
      () => new Response(null, { status: 204, headers: { 'Stream-Next-Offset': '0000000000000000' } }),
    ],
  ])('a server is not asked without pause for %s', async (_, kind, answer) => {
    const { fetch } = server();
    let asked = 0;
    const hasty = async (url: string, init: RequestInit) => {
      const live = new URL(url).searchParams.get('live');
      if (live === null) return fetch(url, init);
      asked++;
      return live === kind ? answer() : new Response(null, { status: 501 });
    };
    const stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: hasty });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(40);
    await stream.close();
  });

  test('events are asked for again, and follow where they come', async () => {
    const { journals, fetch } = server();
    const asked: (string | null)[] = [];
    let comes = false;
    const buffering = async (url: string, init: RequestInit) => {
      const live = new URL(url).searchParams.get('live');
      asked.push(live);
      return live !== 'sse' || comes ? fetch(url, init) : never(init.signal!);
    };
    const stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: buffering });
    await jest.advanceTimersByTimeAsync(200_000);
    expect(asked.filter((live) => live === 'long-poll').length).toBeGreaterThan(2);
    comes = true;
    await jest.advanceTimersByTimeAsync(60_000);
    asked.length = 0;
    await journals.journal('it').write(1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect([stream.head, ...new Set(asked)]).toEqual([1, 'sse']);
    await stream.close();
  });
});

describe('where a body is silent', () => {
  const silent = (status: number) =>
    new Response(new ReadableStream({ cancel: () => new Promise(() => undefined) }), {
      status,
      headers: { 'Content-Type': 'application/json', 'Stream-Next-Offset': '0000000000000001' },
    });

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('a page is asked for again', async () => {
    const { journals, fetch } = server();
    await journals.journal('it').write(1);
    let asked = 0;
    const hanging = async (url: string, init: RequestInit) => (asked++ === 0 ? silent(200) : fetch(url, init));
    const opening = openDurableStream<number>({ url: URL_OF_IT, fetch: hanging });
    await jest.advanceTimersByTimeAsync(60_000);
    const stream = await opening;
    expect(stream.head).toBe(1);
    await stream.close();
  });

  test('a long-poll is asked for again, and does not keep it from closing', async () => {
    const { journals, fetch } = server();
    let hangs = true;
    const hanging = async (url: string, init: RequestInit) => {
      const live = new URL(url).searchParams.get('live');
      if (live === 'sse') return new Response(null, { status: 501 });
      return live === 'long-poll' && hangs ? silent(200) : fetch(url, init);
    };
    const stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: hanging });
    await journals.journal('it').write(1);
    hangs = false;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(stream.head).toBe(1);
    hangs = true;
    await jest.advanceTimersByTimeAsync(10_000);
    await stream.close();
  });

  test('a refusal is one without it', async () => {
    const { fetch } = server();
    const refusing = async (url: string, init: RequestInit) =>
      init.method === 'POST' ? silent(403) : fetch(url, init);
    const stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: refusing });
    const refused = expect(stream.write(1)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 403 });
    await jest.advanceTimersByTimeAsync(60_000);
    await refused;
    await stream.close();
  });
});

describe('headers that are asked for', () => {
  test('are asked for again where that fails, while it opens and later', async () => {
    const { journals, fetch } = server();
    let asked = 0;
    const headers = () => {
      if (asked++ % 2 === 0) throw new Error('no token');
      return Promise.resolve({});
    };
    await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch, headers });
    expect(await stream.write(1)).toBe(1);
    await journals.journal('it').write(2);
    expect(await stream.waitFor(1, () => true)).toEqual({ position: 2, entry: 2 });
  });

  test('may hang: they are asked for again, and it closes', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    try {
      const { fetch } = server();
      let hangs = true;
      const headers = () => (hangs ? new Promise<never>(() => undefined) : {});
      const opening = openDurableStream<number>({ url: URL_OF_IT, fetch, headers });
      hangs = false;
      await jest.advanceTimersByTimeAsync(60_000);
      const stream = await opening;
      hangs = true;
      const written = expect(stream.write(1)).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
      await jest.advanceTimersByTimeAsync(60_000);
      await stream.close();
      await written;
    } finally {
      jest.useRealTimers();
    }
  });
});

test('a failure that passes is one also where its body cannot be cancelled', async () => {
  const { fetch } = server();
  const cancel = () => Promise.reject(new Error('cannot be cancelled'));
  let failures = 3;
  const failing = async (url: string, init: RequestInit) =>
    failures-- > 0 ? new Response(new ReadableStream({ cancel }), { status: 503 }) : fetch(url, init);
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: failing });
  failures = 1;
  expect(await stream.write(1)).toBe(1);
});

test('asks a server again when that wants it (`Retry-After`)', async () => {
  jest.useFakeTimers();
  try {
    const { fetch } = server();
    let requests = 0;
    const busy = async (url: string, init: RequestInit) =>
      ++requests === 1 ? new Response(null, { status: 503, headers: { 'Retry-After': '20' } }) : fetch(url, init);
    const opening = openDurableStream<number>({ url: URL_OF_IT, fetch: busy });
    await jest.advanceTimersByTimeAsync(19_000);
    expect(requests).toBe(1);
    await jest.advanceTimersByTimeAsync(2_000);
    const stream = await opening;
    const closed = stream.close();
    await jest.advanceTimersByTimeAsync(60_000);
    await closed;
  } finally {
    jest.useRealTimers();
  }
});

test('what a server cannot do is an answer', async () => {
  const { fetch } = server();
  const without = async (url: string, init: RequestInit) =>
    init.method === 'POST' ? new Response(null, { status: 501 }) : fetch(url, init);
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch: without });
  await expect(stream.write(1)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 501 });
});

test('a new scrivener of the same producer shuts out the one before, also within a millisecond', async () => {
  const { fetch } = server();
  const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now());
  await using before = await openDurableStream<number>({ url: URL_OF_IT, fetch, producer: 'p' });
  await before.write(1);
  await using after = await openDurableStream<number>({ url: URL_OF_IT, fetch, producer: 'p' });
  now.mockRestore();
  expect(await after.write(2)).toBe(2);
  await expect(before.write(3)).rejects.toMatchObject({ code: 'ERR_HTTP_STATUS', status: 403 });
});

test('a server whose journal is trimmed says so, and from where on it can be read', async () => {
  const journal = new InMemoryScrivener<number>({ retain: 3 });
  for (let n = 1; n <= 10; n++) journal.append(n);
  const handle = durableStream(journal, { authorize: 'public' });
  const fetch = (url: string, init: RequestInit) => handle(new Request(url, init));
  const trimmed = { code: 'ERR_POSITION_TRIMMED', requested: 1, first: 8 };
  await expect(openDurableStream<number>({ url: URL_OF_IT, fetch })).rejects.toMatchObject(trimmed);
});

test('the end of the stream completes tails, and `expect` is not supported', async () => {
  const { fetch } = server();
  await using stream = await openDurableStream<number>({ url: URL_OF_IT, fetch });
  await expect(stream.write(1, { expect: 0 })).rejects.toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
  const read: number[] = [];
  await stream.write(1);
  await fetch(URL_OF_IT, { method: 'POST', headers: { 'Stream-Closed': 'true' } });
  for await (const { entry } of stream.tail()) read.push(entry);
  expect(read).toEqual([1]);
  await expect(stream.write(2)).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
});

test.each<[Record<string, unknown>, string]>([
  [{}, 'Expected `url` to be an absolute URL'],
  [{ url: URL_OF_IT, headers: 1 }, '`headers`'],
  [{ url: URL_OF_IT, producer: '' }, '`producer`'],
  [{ url: URL_OF_IT, other: 1 }, 'Expected no option `other` of `openDurableStream`'],
])('names what is wrong with %j', async (config, message) => {
  await expect(openDurableStream(config as unknown as { url: string })).rejects.toThrow(message);
});
