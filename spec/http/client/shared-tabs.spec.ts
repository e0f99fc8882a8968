import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener, type RemoteScrivener } from 'rx-scrivener/http';
import { Connection } from '../../../lib/http/client/connection';
import { TabFeed, type TabMessage } from '../../../lib/http/client/tab-feed';
import { FakeLocks } from '../support/fake-locks';

interface Said {
  readonly n: number;
}

/** One tab: a scrivener, and what its requests meet. */
interface Tab {
  readonly remote: RemoteScrivener<Said>;
  /** The tails that it has open at the server. */
  readonly open: Set<Request>;
  readonly heard: number[];
  readonly ends: string[];
  listen(after: number, caughtUp?: (position: number) => void): () => void;
}

let journal: InMemoryScrivener<Said>;
let handle: (request: Request) => Promise<Response>;
let tabs: Tab[];
let names = 0;
let name: string;

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
const settle = async () => {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const append = (last: number) => {
  for (let n = journal.head + 1; n <= last; n++) journal.append({ n });
};
const connections = () => tabs.reduce((sum, { open }) => sum + open.size, 0);
/** Each tab has caught up, and one of them has the connection. */
const live = () => until(() => connections() === 1);

async function openTab(shareBetweenTabs: string | null = name): Promise<Tab> {
  const open = new Set<Request>();
  const heard: number[] = [];
  const ends: string[] = [];
  const tab = { open, heard, ends } as unknown as Omit<Tab, 'remote'> & {
    remote: RemoteScrivener<Said>;
  };
  tab.remote = await openRemoteScrivener<Said>({
    url: 'http://localhost/journal',
    ...(shareBetweenTabs !== null && { shareBetweenTabs }),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const response = await handle(request);
      if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) return response;
      open.add(request);
      request.signal.addEventListener('abort', () => open.delete(request));
      const cut = new TransformStream<Uint8Array, Uint8Array>();
      void response.body!.pipeTo(cut.writable, { signal: request.signal }).then(
        () => open.delete(request),
        () => open.delete(request),
      );
      return new Response(cut.readable, response);
    },
  });
  tab.listen = (after, caughtUp) => {
    const subscription = tab.remote.tail(after, { caughtUp }).subscribe({
      next: ({ position, entry }) => heard.push(entry.n === position ? position : -position),
      error: (error: unknown) => ends.push((error as { code: string }).code),
      complete: () => ends.push('completed'),
    });
    return () => subscription.unsubscribe();
  };
  tabs.push(tab);
  return tab;
}

beforeEach(() => {
  Object.defineProperty(globalThis, 'navigator', { value: { locks: new FakeLocks() }, configurable: true });
  journal = new InMemoryScrivener<Said>();
  handle = journalHandler(journal, { authorize: 'public' });
  tabs = [];
  name = `ann ${++names}`;
});
afterEach(async () => {
  await Promise.all(tabs.map(({ remote }) => remote.close()));
  jest.restoreAllMocks();
});

test('ten tabs have one connection, each is live, learns where replay ends, and writes', async () => {
  append(30);
  const all = await Promise.all(upTo(10).map(() => openTab()));
  const told: number[] = [];
  all.forEach((tab, index) => tab.listen(index * 3, (position) => told.push(position)));
  await until(() => told.length === 10);
  expect(told).toEqual(upTo(10).map(() => 30));
  await live();
  await Promise.all(all.map(({ remote }, index) => remote.write({ n: index + 31 })));
  await until(() => all.every(({ heard }) => Math.abs(heard.at(-1)!) === 40));
  all.forEach(({ heard }, index) => expect(heard.map(Math.abs)).toEqual(upTo(40, index * 3 + 1)));
  expect(connections()).toBe(1);
});

test('tabs of another name, and without one, do not share', async () => {
  const all = [await openTab(), await openTab(`${name} too`), await openTab(null)];
  for (const tab of all) tab.listen(0);
  append(1);
  await until(() => all.every(({ heard, open }) => heard.length === 1 && open.size === 1));
});

test('another tab takes over when the holder closes, without a gap, and nobody holds what nobody reads', async () => {
  const all = await Promise.all(upTo(3).map(() => openTab()));
  const leaves = all.map((tab) => tab.listen(0));
  await live();
  append(5);
  for (const rest of [2, 1]) {
    const holder = all.findIndex(({ open }) => open.size > 0);
    await all[holder]!.remote.close();
    all.splice(holder, 1);
    append(journal.head + 5);
    await until(() => all.every(({ heard }) => heard.length === journal.head));
    expect(all).toHaveLength(rest);
    await live();
  }
  expect(all[0]!.heard).toEqual(upTo(15));
  leaves.forEach((leave) => leave());
  await until(() => connections() === 0);
  append(16);
  await settle();
  expect(connections()).toBe(0);
});

test('the end of the journal ends the tails of all tabs', async () => {
  const all = await Promise.all(upTo(3).map(() => openTab()));
  for (const tab of all) tab.listen(0);
  await live();
  append(2);
  journal.complete();
  await until(() => all.every(({ ends }) => ends.length === 1));
  expect(all.map(({ ends, heard }) => [ends, heard])).toEqual(all.map(() => [['completed'], [1, 2]]));
  await until(() => connections() === 0);
});

test('what refuses one tab alone ends its tail alone', async () => {
  append(4);
  const first = await openTab();
  first.listen(4);
  await live();
  const second = await openTab();
  handle = async () => new Response('{"code":"ERR_ACCESS_DENIED"}', { status: 403 });
  second.listen(0);
  await until(() => second.ends.length === 1);
  expect(second.ends).toEqual(['ERR_ACCESS_DENIED']);
  append(5);
  await until(() => first.heard.length === 1);
  expect(first.ends).toEqual([]);
});

test('a holder whose connection breaks loses nothing for the others, who say that it is lost', async () => {
  const all = await Promise.all(upTo(2).map(() => openTab()));
  for (const tab of all) tab.listen(0);
  await live();
  append(1);
  await until(() => all.every(({ heard }) => heard.length === 1));
  const guest = all.find(({ open }) => open.size === 0)!;
  const seen: string[] = [];
  guest.remote.connected$.subscribe(({ status }) => seen.push(status));
  const served = handle;
  handle = async () => new Response(null, { status: 502 });
  for (const tab of all) for (const request of tab.open) request.signal.dispatchEvent(new Event('abort'));
  await until(() => seen.includes('retrying'));
  append(4);
  handle = served;
  await until(() => all.every(({ heard }) => heard.length === 4));
  for (const { heard } of all) expect(heard).toEqual(upTo(4));
  await until(() => seen.at(-1) === 'open');
  await live();
});

test('another history is noticed in each tab', async () => {
  append(3);
  const all = await Promise.all(upTo(3).map(() => openTab()));
  for (const tab of all) tab.listen(0);
  await until(() => all.every(({ heard }) => heard.length === 3));
  await live();
  const other = new InMemoryScrivener<Said>();
  for (const n of [11, 12, 13, 14]) other.append({ n });
  handle = journalHandler(other, { authorize: 'public' });
  for (const tab of all) for (const request of tab.open) request.signal.dispatchEvent(new Event('abort'));
  await until(() => all.every(({ ends }) => ends.length === 1));
  for (const { ends, heard } of all) expect([ends, heard]).toEqual([['ERR_JOURNAL_MISMATCH'], [1, 2, 3]]); // prettier-ignore
});

test('a tab that reads slowly misses nothing', async () => {
  const [quick, slow] = [await openTab(), await openTab()];
  quick.listen(0);
  await live();
  const iterator = slow.remote.tail(0)[Symbol.asyncIterator]();
  append(1);
  expect(await iterator.next()).toMatchObject({ value: { position: 1 } });
  for (let last = 10; last <= 3_000; last += 10) {
    append(last);
    await until(() => quick.heard.length === last);
  }
  for (let position = 2; position <= 3_000; position++)
    expect(await iterator.next()).toMatchObject({ value: { position } });
  await iterator.return!();
});

describe('a holder that does not answer', () => {
  const { signal } = new AbortController();
  const locks = () => navigator.locks as unknown as FakeLocks;
  const lockName = () => `rx-scrivener ${name}`;
  let connection: Connection;

  beforeEach(async () => {
    const tab = await openTab(null);
    const url = new URL('http://localhost/journal');
    connection = new Connection({ url, headers: () => ({}), fetch: (input, init) => handle(new Request(input, init)) });
    await connection.askHead(signal);
    expect(tab.remote.head).toBe(connection.head);
  });

  test('loses the lock, and another continues', async () => {
    append(2);
    await connection.askHead(signal);
    const robbed = locks().request(lockName(), {}, () => new Promise(() => undefined));
    const feed = new TabFeed(lockName(), connection, 10, 10);
    const told: TabMessage[] = [];
    const leave = feed.listen((message) => told.push(message));
    await expect(robbed).rejects.toMatchObject({ name: 'AbortError' });
    append(3);
    const entries = () => told.flatMap((message) => (message.kind === 'entries' ? message.texts : []));
    await until(() => entries().length === 2);
    expect(told[0]).toEqual({ kind: 'alive', last: 2 });
    expect(entries()).toEqual(['{"n":2}', '{"n":3}']);
    leave();
    // It is free again.
    await locks().request(lockName(), {}, async () => undefined);
  });

  test('that is robbed reads no more, does not rob again who answers, and has it again later', async () => {
    append(1);
    await connection.askHead(signal);
    const feed = new TabFeed(lockName(), connection, 10, 10);
    const told: TabMessage[] = [];
    const leave = feed.listen((message) => told.push(message));
    await until(() => told.some(({ kind }) => kind === 'entries'));
    const thief = new BroadcastChannel(lockName());
    let pings = 0;
    thief.onmessage = ({ data }: MessageEvent<TabMessage>) => {
      if (data.kind !== 'ping') return;
      pings++;
      thief.postMessage({ kind: 'alive', last: 1 } satisfies TabMessage);
    };
    let giveBack = () => undefined as void;
    void locks().request(lockName(), { steal: true }, () => new Promise<void>((resolve) => (giveBack = resolve)));
    await until(() => pings >= 3);
    told.length = 0;
    append(2);
    await until(() => pings >= 6);
    expect(told.filter(({ kind }) => kind === 'entries')).toEqual([]);
    thief.close();
    giveBack();
    await until(() => told.some((message) => message.kind === 'entries' && message.texts.includes('{"n":2}')));
    leave();
  });
});

test.each([1, '', {}, null])('the name %p is refused', async (shareBetweenTabs) => {
  const config = { url: 'http://localhost/journal', shareBetweenTabs: shareBetweenTabs as string };
  await expect(openRemoteScrivener(config)).rejects.toThrow('Expected `shareBetweenTabs` to be a name');
});

test('without Web Locks each tab has its own connection', async () => {
  Object.defineProperty(globalThis, 'navigator', { value: undefined, configurable: true });
  const all = [await openTab(), await openTab()];
  for (const tab of all) tab.listen(0);
  append(1);
  await until(() => all.every(({ heard, open }) => heard.length === 1 && open.size === 1));
});
