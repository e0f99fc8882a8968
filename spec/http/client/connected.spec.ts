import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener, type ConnectionStatus, type RemoteScrivener } from 'rx-scrivener/http';

/** A page's events, which Node has none of. */
const page = new EventTarget();
const global = globalThis as Record<string, unknown>;
const isDown = () => Promise.reject(new TypeError('fetch failed'));
const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};
/** Waits for what has to come before the pause that is under way is over by itself. */
const until = async (condition: () => boolean) => {
  for (let turn = 0; turn < 10_000 && !condition(); turn++) {
    if (turn === 50) await jest.advanceTimersByTimeAsync(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(condition()).toBe(true);
};
const isRetrying = () => statuses.at(-1) !== 'complete' && (statuses.at(-1) as ConnectionStatus).status === 'retrying';

let journal: InMemoryScrivener<string>;
let requests: Request[];
let isUp: boolean;
let remote: RemoteScrivener<string>;
let statuses: (ConnectionStatus | 'complete')[];

beforeEach(async () => {
  // No pause ends by itself.
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.999);
  for (const name of ['addEventListener', 'removeEventListener'] as const) global[name] = page[name].bind(page);
  journal = new InMemoryScrivener<string>();
  requests = [];
  isUp = true;
  const handle = journalHandler(journal, { authorize: 'public' });
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(request);
    return isUp ? handle(request) : isDown();
  };
  remote = await openRemoteScrivener<string>({ url: 'http://localhost/journal', fetch });
  statuses = [];
  remote.connected$.subscribe({ next: (status) => statuses.push(status), complete: () => statuses.push('complete') });
});

afterEach(async () => {
  isUp = true;
  const closed = remote.close();
  await jest.advanceTimersByTimeAsync(60_000);
  await closed;
  delete global.addEventListener;
  delete global.removeEventListener;
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const tails = () => requests.filter(({ headers }) => headers.get('Accept') === 'text/event-stream');
/** Ends the connections that are open, as a server that goes away does. */
async function goAway(): Promise<void> {
  isUp = false;
  await jest.advanceTimersByTimeAsync(46_000);
  await settle();
}

/** A tail whose connection says nothing at all, and whose server is gone then. */
async function waitingTail(): Promise<string[]> {
  const heard: string[] = [];
  remote.tail(0).subscribe(({ entry }) => heard.push(entry));
  await settle();
  return heard;
}

test('tells how the server was found: now, and from now on', async () => {
  expect(statuses).toEqual([{ status: 'open' }]);
  isUp = false;
  const writing = remote.write('one');
  await until(isRetrying);
  expect(statuses).toHaveLength(2);
  const [, retrying] = statuses as [unknown, ConnectionStatus & { status: 'retrying' }];
  expect(retrying).toEqual({ status: 'retrying', error: expect.any(Error) as Error, nextAttempt: Date.now() + 99.95 });
  expect((retrying.error as Error).message).toBe('The server does not answer');
  isUp = true;
  await jest.advanceTimersByTimeAsync(100);
  expect(await writing).toBe(1);
  expect(statuses.slice(2)).toEqual([{ status: 'open' }]);
  await remote.close();
  expect(statuses.at(-1)).toBe('complete');
});

test.each(['online', 'pageshow'])('nobody waits for the next try when the page says `%s`', async (event) => {
  isUp = false;
  const writing = remote.write('one');
  await until(isRetrying);
  isUp = true;
  page.dispatchEvent(new Event(event));
  await until(() => journal.head === 1);
  expect(await writing).toBe(1);
});

test('a tail does not wait for its next try when another request is answered', async () => {
  isUp = false;
  const heard = await waitingTail();
  await until(isRetrying);
  expect(tails()).toHaveLength(1);
  isUp = true;
  journal.append('one');
  expect(await remote.readBackward()[Symbol.asyncIterator]().next()).toMatchObject({ value: { entry: 'one' } });
  await until(() => heard.length === 1);
});

test('a connection on which nothing comes, not even a heartbeat, is reported as lost', async () => {
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method === 'HEAD') return journalHandler(journal, { authorize: 'public' })(request);
    // A proxy that holds back what the server sends.
    return new Response(new ReadableStream(), { headers: { 'Content-Type': 'text/event-stream' } });
  };
  const other = await openRemoteScrivener<string>({ url: 'http://localhost/journal', fetch });
  const told: ConnectionStatus[] = [];
  other.connected$.subscribe((status) => told.push(status));
  const subscription = other.tail(0).subscribe();
  await settle();
  expect(told).toEqual([{ status: 'open' }]);
  await goAway();
  expect(told[1]).toMatchObject({ status: 'retrying' });
  expect((told[1] as { error: Error }).error.message).toMatch(/^Nothing arrived for 45000 ms, not even a heartbeat/);
  subscription.unsubscribe();
  await other.close();
});

test('a page that goes away has no request open, and reads on when it is back', async () => {
  const heard = await waitingTail();
  journal.append('one');
  await until(() => heard.length === 1);
  page.dispatchEvent(new Event('pagehide'));
  await settle();
  expect(tails().map(({ signal }) => signal.aborted)).toEqual([true]);
  journal.append('two');
  await jest.advanceTimersByTimeAsync(1_000);
  expect(tails()).toHaveLength(1);
  page.dispatchEvent(new Event('pageshow'));
  await until(() => heard.length === 2);
  expect(heard).toEqual(['one', 'two']);
});

test('a page that goes away while its reader is busy, and is back before that reads on, continues', async () => {
  const tail = remote.tail(0)[Symbol.asyncIterator]();
  const first = tail.next();
  await settle();
  journal.append('one');
  expect(await first).toMatchObject({ value: { entry: 'one' } });
  page.dispatchEvent(new Event('pagehide'));
  await settle();
  page.dispatchEvent(new Event('pageshow'));
  await settle();
  journal.append('two');
  let second: unknown;
  void tail.next().then((result) => (second = result));
  await until(() => second !== undefined);
  expect(second).toMatchObject({ value: { position: 2, entry: 'two' } });
  await tail.return?.();
});
