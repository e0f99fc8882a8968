import { InMemoryScrivener, type Position } from 'rx-scrivener';
import {
  journalHandler,
  openRemoteScrivener,
  type JournalHandlerOptions,
  type RememberedWrites,
} from 'rx-scrivener/http';

/** A table that servers share. */
class Table implements RememberedWrites {
  readonly records = new Map<string, string>();
  fails: 'claim' | 'settle' | undefined;

  async claim(key: string, record: string) {
    await Promise.resolve();
    if (this.fails === 'claim') throw new Error('no table');
    const known = this.records.get(key);
    if (known === undefined) this.records.set(key, record);
    return known;
  }

  async settle(key: string, record: string | undefined) {
    await Promise.resolve();
    if (this.fails === 'settle') throw new Error('no table');
    if (record === undefined) this.records.delete(key);
    else this.records.set(key, record);
  }
}

type Options = Partial<JournalHandlerOptions<unknown>>;

const serverOf = (journal: InMemoryScrivener<unknown>, table: Table, options: Options = {}) =>
  journalHandler(journal, { authorize: 'public', rememberedWrites: table, ...options });

type Server = ReturnType<typeof serverOf>;

async function post(server: Server, body: string, headers: Readonly<Record<string, string>> = {}) {
  const init = {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'a', ...headers },
  };
  const response = await server(new Request('http://localhost/', init));
  return { status: response.status, answer: (await response.json()) as unknown, headers: response.headers };
}

test('what one server has appended another answers alike, and does not append', async () => {
  const [journal, table] = [new InMemoryScrivener<unknown>(), new Table()];
  const [first, second] = [serverOf(journal, table), serverOf(journal, table)];
  expect(await post(first, '{"n":1}')).toMatchObject({ status: 201, answer: { position: 1 } });
  // It is sent again, as to a server that was started after the first.
  const again = await post(second, '{"n":1}', { 'Scrivener-Memory': 'first.0' });
  expect(again).toMatchObject({ status: 201, answer: { position: 1 } });
  expect(again.headers.get('ETag')).toBe('"1"');
  expect(await post(second, '{"n":2}')).toMatchObject({ status: 422, answer: { code: 'ERR_KEY_REUSED' } });
  expect(await post(second, '{"n":2}', { 'Idempotency-Key': 'b', 'Scrivener-Memory': 'first.0' })).toMatchObject({
    status: 201,
    answer: { position: 2 },
  });
  expect(journal.head).toBe(2);
});

test('a refusal is remembered as it was; lines are, too', async () => {
  const [journal, table] = [new InMemoryScrivener<unknown>(), new Table()];
  const admit = (entry: unknown) => {
    if (entry === 'no') throw Response.json({ why: 'not you' }, { status: 401 });
    return entry;
  };
  const [first, second] = [serverOf(journal, table, { admit }), serverOf(journal, table, { admit })];
  const lines = { 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': 'lines' };
  for (const [body, headers] of [
    ['"no"', {}],
    ['1\n"no"\n2', lines],
  ] as const) {
    const { status, answer } = await post(first, body, headers);
    expect(await post(second, body, headers)).toMatchObject({ status, answer });
  }
  expect(journal.head).toBe(2);
});

test('while another server writes, or has ended while it did, the client is to come again', async () => {
  const [journal, table] = [new InMemoryScrivener<unknown>(), new Table()];
  let go = () => {};
  const going = new Promise<void>((resolve) => (go = resolve));
  const slow = serverOf(journal, table, { whenFlushed: (): Promise<unknown> => going });
  const second = serverOf(journal, table);
  const writing = post(slow, '1');
  while (journal.head === 0) await new Promise(setImmediate);
  const early = await post(second, '1');
  expect(early).toMatchObject({ status: 503, answer: { code: 'ERR_UNAVAILABLE' } });
  expect(early.headers.get('Retry-After')).toBe('1');
  // Else a client would take it for the last word.
  expect(early.headers.has('Scrivener-Memory')).toBe(false);
  go();
  await writing;
  expect(await post(second, '1')).toMatchObject({ status: 201, answer: { position: 1 } });
  expect(journal.head).toBe(1);
});

test('what was not appended for now may be tried again by any', async () => {
  const [journal, table] = [new InMemoryScrivener<unknown>(), new Table()];
  const failing = serverOf(journal, table, {
    admit: () => {
      throw Response.json('busy', { status: 503 });
    },
  });
  expect((await post(failing, '1')).status).toBe(503);
  expect(table.records.size).toBe(0);
  expect(await post(serverOf(journal, table), '1')).toMatchObject({ status: 201 });
});

test('nothing is written when the table cannot be asked; what cannot be kept in it is answered, and reported', async () => {
  const [journal, table] = [new InMemoryScrivener<unknown>(), new Table()];
  const errors: unknown[] = [];
  const server = serverOf(journal, table, { onError: (error) => errors.push(error) });
  table.fails = 'claim';
  expect(await post(server, '1')).toMatchObject({ status: 503, answer: { code: 'ERR_UNAVAILABLE' } });
  expect([journal.head, errors]).toEqual([0, [new Error('no table')]]);
  table.fails = 'settle';
  expect(await post(server, '1')).toMatchObject({ status: 201 });
  expect([journal.head, errors.length]).toEqual([1, 2]);
  table.fails = undefined;
  // Nobody knows any more what became of it.
  expect(await post(serverOf(journal, table), '1')).toMatchObject({ status: 503 });
  expect(journal.head).toBe(1);
});

test('keys are a caller’s alone', async () => {
  const [journal, table] = [new InMemoryScrivener<unknown>(), new Table()];
  const authorize = (request: Request) => ({ caller: request.headers.get('Authorization')! });
  const [first, second] = [serverOf(journal, table, { authorize }), serverOf(journal, table, { authorize })];
  await post(first, '1', { Authorization: 'ann' });
  expect(await post(second, '2', { Authorization: 'bob' })).toMatchObject({ status: 201, answer: { position: 2 } });
});

test('a client whose answers are lost, before servers that take turns, has each entry once', async () => {
  const [journal, table] = [new InMemoryScrivener<number>(), new Table()];
  const servers = [0, 1, 2].map(() => serverOf(journal as InMemoryScrivener<unknown>, table));
  let requests = 0;
  const fetch = async (url: RequestInfo | URL, init?: RequestInit) => {
    const number = requests++;
    const response = await servers[number % servers.length]!(new Request(url, init));
    if (init?.method === 'POST' && number % 3 !== 0) throw new TypeError('the connection broke');
    return response;
  };
  const remote = await openRemoteScrivener<number>({ url: 'http://localhost/', fetch });
  const positions: Position[] = [];
  for (let n = 1; n <= 5; n++) positions.push(await remote.write(n));
  expect(positions).toEqual([1, 2, 3, 4, 5]);
  expect(journal.head).toBe(5);
  await remote.close();
});
