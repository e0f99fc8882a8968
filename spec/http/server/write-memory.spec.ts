import { InMemoryScrivener, TappedScrivener, type Position } from 'rx-scrivener';
import { journalHandler, type JournalHandlerOptions } from 'rx-scrivener/http';

const journalOf = () => new InMemoryScrivener<unknown>();

function posterTo(journal: InMemoryScrivener<unknown>, options: Partial<JournalHandlerOptions<unknown>> = {}) {
  const handle = journalHandler(journal, { authorize: 'public', ...options });
  return async (body: string, key: string | undefined, headers: Record<string, string> = {}) => {
    const init = {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...(key !== undefined && { 'Idempotency-Key': key }), ...headers },
    };
    const response = await handle(new Request('http://localhost/', init));
    const answer = (await response.json()) as { position?: number; code?: string };
    return { status: response.status, answer, memory: response.headers.get('Scrivener-Memory')! };
  };
}

test('the same request again has the same answer, and appends nothing', async () => {
  const journal = journalOf();
  const post = posterTo(journal);
  const first = await post('{"n":1}', 'a');
  await post('{"n":2}', 'b');
  expect(await post('{"n":1}', 'a')).toMatchObject({ status: first.status, answer: { position: 1 } });
  expect(journal.head).toBe(2);
  expect((await post('{"n":1}', undefined)).answer).toEqual({ position: 3 });
});

test('it is so while the first is in flight, for any number of them', async () => {
  const journal = journalOf();
  let release: (() => void)[] = [];
  const slow = new TappedScrivener<unknown>(journal, async (entry, inner) => {
    await new Promise<void>((resolve) => release.push(resolve));
    return inner.write(entry);
  });
  const post = posterTo(slow as unknown as InMemoryScrivener<unknown>);
  const answers = Array.from({ length: 10 }, () => post('1', 'a'));
  const other = post('2', 'a');
  expect((await other).answer.code).toBe('ERR_KEY_REUSED');
  while (release.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const releasing = release;
  release = [];
  for (const each of releasing) each();
  for (const { answer } of await Promise.all(answers)) expect(answer).toEqual({ position: 1 });
  expect([journal.head, release]).toEqual([1, []]);
});

test('the key with another body, type or condition is a 422', async () => {
  const journal = journalOf();
  const post = posterTo(journal);
  await post('1', 'a');
  for (const [body, headers] of [
    ['2', {}],
    ['1', { 'If-Match': '"1"' }],
    ['1', { 'Content-Type': 'application/x-ndjson' }],
  ] as const) {
    expect(await post(body, 'a', headers)).toMatchObject({ status: 422, answer: { code: 'ERR_KEY_REUSED' } });
  }
  expect(journal.head).toBe(1);
});

test('a refusal is remembered too, but one that may pass is not', async () => {
  const journal = journalOf();
  const post = posterTo(journal);
  expect((await post('1', 'a', { 'If-Match': '"1"' })).status).toBe(412);
  await post('0', 'b');
  expect((await post('1', 'a', { 'If-Match': '"1"' })).status).toBe(412);
});

test('is forgotten after so many entries; then nobody knows, and nothing is appended', async () => {
  const journal = journalOf();
  const post = posterTo(journal, { rememberCount: 3 });
  const { memory } = await post('1', 'a');
  await post('2', 'b');
  await post('3', 'c');
  const { memory: before } = await post('4', 'd'); // forgets the first
  expect(await post('1', 'a', { 'Scrivener-Memory': '0.0' })).toMatchObject({ status: 409 });
  // What was sent first behind all that is forgotten was never received, when it is not remembered.
  expect(await post('5', 'e', { 'Scrivener-Memory': before })).toMatchObject({ status: 201 });
  expect(memory).not.toBe(before);
  expect(journal.head).toBe(5);
  expect(await post('6', 'f', { 'Scrivener-Memory': 'another.99' })).toMatchObject({
    status: 409,
    answer: { code: 'ERR_WRITE_UNCERTAIN' },
  });
});

test('is forgotten after a while', async () => {
  const now = jest.spyOn(performance, 'now');
  now.mockReturnValue(0);
  const journal = journalOf();
  const post = posterTo(journal, { rememberMs: 1_000 });
  const { memory } = await post('1', 'a');
  now.mockReturnValue(1_000);
  expect((await post('1', 'a', { 'Scrivener-Memory': memory })).answer).toEqual({ position: 1 });
  now.mockReturnValue(1_001);
  expect(await post('1', 'a', { 'Scrivener-Memory': memory })).toMatchObject({ status: 409 });
  now.mockRestore();
  expect(journal.head).toBe(1);
});

test('a write that the memory forgot while it was in flight is not written twice', async () => {
  const journal = journalOf();
  const held: (() => void)[] = [];
  const slow = new TappedScrivener<unknown>(journal, async (entry, inner): Promise<Position> => {
    if (entry === 1) await new Promise<void>((resolve) => held.push(resolve));
    return inner.write(entry);
  });
  const post = posterTo(slow as unknown as InMemoryScrivener<unknown>, { rememberCount: 1 });
  const { memory } = await post('0', 'z');
  const first = post('1', 'a');
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await post('2', 'b');
  expect(await post('1', 'a', { 'Scrivener-Memory': memory })).toMatchObject({ status: 409 });
  held[0]!();
  await first;
  expect(journal.head).toBe(3);
});
