import { InMemoryScrivener } from 'rx-scrivener';
import {
  journalHandler,
  openRemoteScrivener,
  type JournalHandlerOptions,
  type RemoteScrivener,
} from 'rx-scrivener/http';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';

let journal: InMemoryScrivener<string>;
let remote: RemoteScrivener<string>;
/** The `limit` of each page that was asked for, and what came of it. */
let pages: { limit: string | null; status: number; bytes: number }[];
let underWay: number;

async function open(options: Partial<JournalHandlerOptions<string>> = {}): Promise<void> {
  const handle = journalHandler(journal, { authorize: 'public', ...options });
  remote = await openRemoteScrivener<string>({
    url: 'http://localhost/journal',
    fetch: async (input, init) => {
      const request = new Request(input, init);
      if (request.method === 'HEAD') return handle(request);
      underWay++;
      const response = await handle(request);
      const body = await response.arrayBuffer();
      const limit = new URL(request.url).searchParams.get('limit');
      pages.push({ limit, status: response.status, bytes: body.byteLength });
      underWay--;
      return new Response(body, response);
    },
  });
}

beforeEach(() => {
  journal = new InMemoryScrivener<string>();
  pages = [];
  underWay = 0;
});
afterEach(() => remote.close());

const append = (count: number, text = (n: number) => String(n)) => {
  for (let n = 1; n <= count; n++) journal.append(text(n));
};
const downFrom = (last: number) => Array.from({ length: last }, (_, index) => last - index);
const positions = () =>
  lastValueFrom(remote.readBackward().pipe(toArray())).then((all) => all.map(({ position }) => position));

test('pages grow from the size of the server’s own to 1,000 entries', async () => {
  append(5_000);
  await open();
  expect(await positions()).toEqual(downFrom(5_000));
  expect(pages.map(({ limit }) => limit)).toEqual([null, '200', '400', '800', '1000', '1000', '1000', '1000']);
});

test('the newest few cost one small page', async () => {
  append(5_000);
  await open();
  await lastValueFrom(remote.readBackward().pipe(take(100)));
  expect(pages.map(({ limit }) => limit)).toEqual([null]);
});

test('they grow no further than a megabyte of large entries', async () => {
  append(600, () => 'x'.repeat(20_000));
  await open();
  expect(await positions()).toEqual(downFrom(600));
  expect(Math.max(...pages.slice(1).map(({ bytes }) => bytes))).toBeLessThan(1_100_000);
});

test('a server that allows fewer is asked for what it gives', async () => {
  append(1_000);
  await open({ maxLimit: 150 });
  expect(await positions()).toEqual(downFrom(1_000));
  expect(pages.filter(({ status }) => status === 400)).toHaveLength(1);
  expect(pages.at(-1)).toMatchObject({ limit: '100' });
});

test('one page at most is on its way while one is read', async () => {
  append(3_000);
  await open();
  const iterator = remote.readBackward()[Symbol.asyncIterator]();
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  for (let read = 0; read < 101; read++) await iterator.next();
  await settle();
  expect(pages).toHaveLength(3);
  expect(underWay).toBe(0);
  await iterator.return!();
});

test('an error on the way ahead comes after the page that is read, and only once', async () => {
  append(1_000);
  const retained = new InMemoryScrivener<string>({ retain: 250 });
  for (let n = 1; n <= 1_000; n++) retained.append(String(n));
  journal = retained;
  await open();
  const read: number[] = [];
  const reading = remote.readBackward().forEach(({ position }) => void read.push(position));
  await expect(reading).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
  expect(read).toEqual(downFrom(1_000).slice(0, read.length));
  expect(read.length).toBeGreaterThanOrEqual(200);
});

test('a journal of one entry, and none', async () => {
  await open();
  expect(await positions()).toEqual([]);
  append(1);
  expect(await firstValueFrom(remote.readBackward())).toEqual({ position: 1, entry: '1' });
});
