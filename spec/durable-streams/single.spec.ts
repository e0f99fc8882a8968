import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inMemoryJournals, InMemoryScrivener, lastEntries, TappedScrivener, type Scrivener } from 'rx-scrivener';
import {
  durableStream,
  durableStreams,
  type DurableStreamOptions,
  type ServedJournals,
  type StreamRecord,
} from 'rx-scrivener/durable-streams';
import { openFileScrivener } from 'rx-scrivener/file';
import { WriteUncertainError } from 'rx-scrivener/http';

const URL_OF_IT = 'http://host/any/path';

interface Sent {
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly query?: string;
}

function client(handle: (request: Request) => Promise<Response>) {
  return (method: string, { body, headers = {}, query = '' }: Sent = {}) =>
    handle(
      new Request(URL_OF_IT + query, {
        method,
        headers: { 'Content-Type': 'application/json', ...headers },
        ...(body !== undefined && { body }),
      }),
    );
}

const producer = (seq: number) => ({ 'Producer-Id': 'p', 'Producer-Epoch': '0', 'Producer-Seq': String(seq) });

test('one journal is a stream that is there: read, written and followed', async () => {
  const journal = new InMemoryScrivener<unknown>();
  journal.append('before');
  const send = client(durableStream(journal, { authorize: 'public', longPollMs: 50 }));
  expect((await send('PUT')).status).toBe(200);
  expect((await send('PUT', { headers: { 'Content-Type': 'text/plain' } })).status).toBe(409);
  expect((await send('POST', { body: '["sent"]' })).status).toBe(204);
  await journal.write('written');
  const read = await send('GET', { query: '?offset=0000000000000001' });
  expect(await read.json()).toEqual(['sent', 'written']);
  const waiting = send('GET', { query: '?offset=0000000000000003&live=long-poll' });
  await journal.write('live');
  expect(await (await waiting).json()).toEqual(['live']);
  expect((await send('HEAD')).headers.get('Stream-Next-Offset')).toBe('0000000000000004');
});

test.each([1, 20_000])('a message of %p characters is encoded once for all who follow', async (length) => {
  const journal = new InMemoryScrivener<unknown>();
  const send = client(durableStream(journal, { authorize: 'public' }));
  const text = 'a'.repeat(length);
  let encoded = 0;
  const toJSON = () => {
    encoded++;
    return text;
  };
  const following = Array.from({ length: 5 }, async () => {
    const reader = (await send('GET', { query: '?offset=-1&live=sse' })).body!.getReader();
    const read = async () => (await reader.read()).value!;
    await read(); // where it begins
    const event = await read();
    await reader.cancel();
    return event;
  });
  await new Promise((resolve) => setImmediate(resolve)); // all of them wait
  await journal.write({ toJSON });
  const events = await Promise.all(following);
  const expected = `event: data\ndata:["${text}"]\n\n`;
  expect(events.map((bytes) => new TextDecoder().decode(bytes))).toEqual(Array(5).fill(expected));
  expect(encoded).toBe(1);
  // Who takes one away takes it from nobody else.
  expect(new Set(events.map(({ buffer }) => buffer)).size).toBe(5);
});

test('a reader whose permission ended while it was given gets no event', async () => {
  const journal = new InMemoryScrivener<unknown>();
  journal.append('secret');
  const authorize = () => ({ caller: 'ann', signal: AbortSignal.abort() });
  const send = client(durableStream(journal, { authorize }));
  const reader = (await send('GET', { query: '?offset=-1&live=sse' })).body!.getReader();
  expect(await reader.read()).toEqual({ done: true });
});

test.each(['', '&live=long-poll', '&live=sse'])(
  'an offset past the end is gone: the journal was longer (%p)',
  async (live) => {
    const journal = new InMemoryScrivener<unknown>();
    journal.append('new');
    const send = client(durableStream(journal, { authorize: 'public', longPollMs: 50 }));
    const gone = await send('GET', { query: `?offset=0000000000000002${live}` });
    expect([gone.status, await gone.json()]).toMatchObject([410, { code: 'ERR_STREAM_GONE' }]);
    const end = await send('GET', { query: `?offset=0000000000000001${live}` });
    expect(end.ok).toBe(true);
    await end.body?.cancel();
  },
);

test('it is not deleted, and not forked', async () => {
  const journal = new InMemoryScrivener<unknown>();
  journal.append(1);
  const send = client(durableStream(journal, { authorize: 'public' }));
  const deleted = await send('DELETE');
  expect([deleted.status, deleted.headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST, PUT']);
  expect((await send('PUT', { headers: { 'Stream-Forked-From': '/other' } })).status).toBe(409);
  expect(await (await send('GET')).json()).toEqual([1]);
});

describe('in files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scrivener-stream-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('producers and the end outlast a restart where their records are kept', async () => {
    const session = async (use: (send: ReturnType<typeof client>, journal: Scrivener<unknown>) => Promise<void>) => {
      await using journal = await openFileScrivener<unknown>({ filePath: join(folder, 'chat.ndjson') });
      await using records = await openFileScrivener<StreamRecord>({ filePath: join(folder, 'records.ndjson') });
      await use(client(durableStream(journal, { authorize: 'public', records })), journal);
    };
    await session(async (send) => {
      expect((await send('POST', { body: '1', headers: producer(0) })).status).toBe(200);
    });
    await session(async (send) => {
      expect((await send('POST', { body: '1', headers: producer(0) })).status).toBe(204);
      const closing = { ...producer(1), 'Stream-Closed': 'true' };
      expect((await send('POST', { body: '2', headers: closing })).status).toBe(200);
    });
    await session(async (send, journal) => {
      expect((await send('POST', { body: '3' })).status).toBe(409);
      expect((await lastEntries(journal, 10)).map(({ entry }) => entry)).toEqual([1, 2]);
    });
  });
});

describe('where the application writes to the journal, too', () => {
  /** Before each of the first `times` records the application writes. */
  const setup = (times: number) => {
    const journal = new InMemoryScrivener<unknown>();
    const inner = new InMemoryScrivener<StreamRecord>();
    const records = new TappedScrivener<StreamRecord>(inner, (entry, records, options) => {
      if (times-- > 0) journal.append('other');
      return records.write(entry, options);
    });
    const serve = () => client(durableStream(journal, { authorize: 'public', records }));
    return { journal, serve };
  };

  test.each([
    ['"mine"', 1],
    ['["a","b","c"]', 1],
    ['["a","b","c"]', 5],
  ])('what comes between an append and its record is not taken for it: %s, %p times', async (body, times) => {
    const { journal, serve } = setup(times);
    const send = serve();
    expect((await send('POST', { body, headers: producer(0) })).status).toBe(200);
    expect((await send('POST', { body: '"next"', headers: producer(1) })).status).toBe(200);
    const others = Array.from<unknown>({ length: times }).fill('other');
    const mine = [JSON.parse(body)].flat() as unknown[];
    const entries = (await lastEntries(journal, 20)).map(({ entry }) => entry);
    expect(entries).toEqual([...others, ...mine, 'next']);
    for (const again of [send, serve()]) {
      expect((await again('POST', { body: '"next"', headers: producer(1) })).status).toBe(204);
    }
  });
});

describe('on a journal that takes one entry at a time', () => {
  /** Without `writeAll`; its nth write fails. */
  class OneByOne extends TappedScrivener<unknown> {
    readonly #fails: { at: number };
    constructor(inner: InMemoryScrivener<unknown>, fails: { at: number }) {
      super(inner, (entry, inner, options) => {
        if (--fails.at === 0) throw new Error('unreachable');
        return inner.write(entry, options);
      });
      this.#fails = fails;
      Object.assign(this, { writeAll: undefined });
    }
    get isDue(): boolean {
      return this.#fails.at > 0;
    }
  }

  const held = async (journal: Scrivener<unknown>) => (await lastEntries(journal, 10)).map(({ entry }) => entry);

  test.each([false, true])(
    'an append that broke off is continued when it is sent again (restarted: %p)',
    async (restarts) => {
      const inner = new InMemoryScrivener<unknown>();
      const journal = new OneByOne(inner, { at: 3 });
      const records = new InMemoryScrivener<StreamRecord>();
      const serve = () => client(durableStream(journal, { authorize: 'public', records }));
      let send = serve();
      expect((await send('POST', { body: '[1,2,3]', headers: producer(0) })).status).toBe(500);
      expect([journal.isDue, await held(inner)]).toEqual([false, [1, 2]]);
      if (restarts) send = serve();
      // Another one's message comes between, and is not taken for the rest.
      expect((await send('POST', { body: '"other"' })).status).toBe(204);
      if (restarts) send = serve();
      expect((await send('POST', { body: '[1,2,3]', headers: producer(0) })).status).toBe(200);
      expect((await send('POST', { body: '[1,2,3]', headers: producer(0) })).status).toBe(204);
      expect((await send('POST', { body: '[4,5]', headers: producer(1) })).status).toBe(200);
      expect(await held(inner)).toEqual([1, 2, 'other', 3, 4, 5]);
    },
  );

  test.each([false, true])(
    'what the application writes after one that broke off is not taken for the rest (restarted: %p)',
    async (restarts) => {
      const inner = new InMemoryScrivener<unknown>();
      const journal = new OneByOne(inner, { at: 2 });
      const records = new InMemoryScrivener<StreamRecord>();
      const serve = () => client(durableStream(journal, { authorize: 'public', records }));
      let send = serve();
      expect((await send('POST', { body: '[1,2,3]', headers: producer(0) })).status).toBe(500);
      inner.append('other');
      if (restarts) send = serve();
      expect((await send('POST', { body: '[1,2,3]', headers: producer(0) })).status).toBe(200);
      expect(await held(inner)).toEqual([1, 'other', 2, 3]);
    },
  );

  test("an answer tells where its messages are: others' came between them, also when it is given again", async () => {
    const inner = new InMemoryScrivener<unknown>();
    const others = new Set<unknown>([2, 3]);
    const journal = new TappedScrivener<unknown>(inner, async (entry, inner, options) => {
      if (others.delete(entry)) await inner.write('other');
      return inner.write(entry, options);
    });
    const records = new InMemoryScrivener<StreamRecord>();
    const serve = () => client(durableStream(journal, { authorize: 'public', records }));
    const send = serve();
    const told = async (seq: number, body: string) => {
      const answers: unknown[] = [];
      for (const handle of [send, send, serve()]) {
        const { headers } = await handle('POST', { body, headers: producer(seq) });
        answers.push([Number(headers.get('Stream-Next-Offset')), headers.get('Scrivener-Positions')]);
      }
      return answers;
    };
    expect(await told(0, '[1,2,3,4]')).toEqual(Array(3).fill([6, '1,3,5-6']));
    expect(await told(1, '[5,6]')).toEqual(Array(3).fill([8, '7-8']));
    expect(await held(inner)).toEqual([1, 'other', 2, 'other', 3, 4, 5, 6]);
  });

  test('what was written without an acknowledgement is not written again', async () => {
    const inner = new InMemoryScrivener<unknown>();
    let left = 2;
    const journal = new TappedScrivener<unknown>(inner, async (entry, inner, options) => {
      const position = await inner.write(entry, options);
      if (--left === 0) throw new WriteUncertainError();
      return position;
    });
    const send = client(durableStream(journal, { authorize: 'public' }));
    const sent = { body: '[1,2,3]', headers: producer(0) };
    expect((await send('POST', sent)).status).toBeGreaterThanOrEqual(400);
    expect((await send('POST', sent)).status).toBe(200);
    expect(await held(inner)).toEqual([1, 2, 3]);
  });

  test.each([1, 2, 3])('what fails after it was written is not written again: message %p of 3', async (at) => {
    const inner = new InMemoryScrivener<unknown>();
    let left = at;
    const journal = new TappedScrivener<unknown>(inner, async (entry, inner, options) => {
      const position = await inner.write(entry, options);
      if (--left === 0) throw new Error('nobody could be told');
      return position;
    });
    const send = client(durableStream(journal, { authorize: 'public' }));
    const sent = { body: '[1,2,3]', headers: producer(0) };
    expect((await send('POST', sent)).status).toBe(500);
    inner.append('other');
    expect((await send('POST', sent)).status).toBe(200);
    expect(await held(inner)).toEqual([1, 2, 3].flatMap((n): unknown[] => (n === at ? [n, 'other'] : [n])));
  });
});

test('four methods are enough to serve many; a fork is answered with 501 then', async () => {
  const journals = inMemoryJournals<unknown>();
  const four: ServedJournals = {
    journal: (name) => journals.journal(name),
    create: (name) => journals.create(name),
    exists: (name) => journals.exists(name),
    delete: (name) => journals.delete(name),
  };
  const send = client(durableStreams(four, { authorize: 'public', basePath: '/any/' }));
  expect((await send('PUT', { body: '[1]' })).status).toBe(201);
  expect(await (await send('GET')).json()).toEqual([1]);
  const forked = await durableStreams(four, { authorize: 'public', basePath: '/any/' })(
    new Request('http://host/any/fork', { method: 'PUT', headers: { 'Stream-Forked-From': '/any/path' } }),
  );
  expect([forked.status, await forked.json()]).toMatchObject([501, { code: 'ERR_NOT_SUPPORTED' }]);
  expect(await journals.exists('fork')).toBe(false);
  expect((await send('DELETE')).status).toBe(204);
});

test.each<[Record<string, unknown>, string]>([
  [{}, '`authorize`'],
  [{ authorize: 'public', records: {} }, '`records`'],
  [{ authorize: 'public', basePath: '/' }, 'Expected no option `basePath` of `durableStream`'],
])('names what is wrong with %j', (options, message) => {
  expect(() => durableStream(new InMemoryScrivener(), options as unknown as DurableStreamOptions)).toThrow(message);
});
