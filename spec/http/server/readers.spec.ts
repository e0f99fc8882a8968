import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import { HttpServer } from '../support/http-server';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MB = 1024 * 1024;
const REQUEST = 'GET /journal HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n';

interface Entry {
  readonly n: number;
  readonly text: string;
}

let journal: InMemoryScrivener<Entry>;
let server: HttpServer;
const sockets: Socket[] = [];

beforeEach(async () => {
  journal = new InMemoryScrivener();
  server = await HttpServer.start(journalHandler(journal, { authorize: 'public' }));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
});

/** Connects clients, and waits until each has its answer's head. */
async function tailers(count: number): Promise<void> {
  const opening = Array.from({ length: count }, async () => {
    const socket = connect(server.port, '127.0.0.1');
    sockets.push(socket);
    socket.write(REQUEST);
    await once(socket, 'readable');
  });
  await Promise.all(opening);
}

function used(): number {
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

test('500 idle tails cost little, disturb nobody, and are gone when their clients are', async () => {
  const before = used();
  await tailers(500);
  expect(used() - before).toBeLessThan(50 * MB);
  const remote = await openRemoteScrivener<Entry>({ url: server.url });
  expect(await remote.write({ n: 1, text: '' })).toBe(1);
  expect(await remote.waitFor(0, () => true)).toMatchObject({ position: 1 });
  expect(journal.observed).toBe(true);
  await remote.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  while (journal.observed) await new Promise((resolve) => setTimeout(resolve, 5));
}, 30_000);

test('readers that take nothing cost the journal no queue, and hold nobody up', async () => {
  // They have the head of their answer, and read nothing more.
  await tailers(50);
  const text = 'x'.repeat(10_000);
  for (let n = 1; n <= 100; n++) journal.append({ n, text });
  const remote = await openRemoteScrivener<Entry>({ url: server.url });
  await remote.waitFor(99, () => true);
  const early = used();
  // 50 readers times 20 MB: a queue for each would be a gigabyte.
  for (let n = 101; n <= 2_000; n++) {
    journal.append({ n, text });
    if (n % 100 === 0) await remote.waitFor(n - 1, () => true);
  }
  expect(used() - early).toBeLessThan(50 * MB);
  await remote.close();
}, 30_000);

test('a slow loop reads as it goes, through whatever waits on the way', async () => {
  const text = 'x'.repeat(10_000);
  for (let n = 1; n <= 1_000; n++) journal.append({ n, text });
  const remote = await openRemoteScrivener<Entry>({ url: server.url });
  let last = 0;
  for await (const { position, entry } of remote.tail()) {
    expect([position, entry.n]).toEqual([last + 1, last + 1]);
    last = position;
    if (position % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    if (position === 1_000) break;
  }
  while (journal.observed) await new Promise((resolve) => setTimeout(resolve, 5));
  await remote.close();
}, 30_000);

describe('A reader that takes nothing for several heartbeats', () => {
  // Not less, or a busy machine counts as a lost connection to the client.
  const handle = () => journalHandler(journal, { authorize: 'public', heartbeatMs: 250 });
  let released: number;

  beforeEach(() => {
    released = 0;
    const tail = journal.tail.bind(journal);
    journal.tail = (...given: Parameters<typeof tail>) => {
      const stream = tail(...given);
      const iterate = stream[Symbol.asyncIterator].bind(stream);
      stream[Symbol.asyncIterator] = () => {
        const records = iterate();
        const end = () => {
          released++;
          return records.return!();
        };
        return { next: () => records.next(), return: end };
      };
      return stream;
    };
  });

  const untilReleased = async () => {
    while (released === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('is released though nobody says that it is gone: a runtime may drop a stream without a word', async () => {
    const response = await handle()(
      new Request('http://localhost/journal', { headers: { Accept: 'text/event-stream' } }),
    );
    const reader = response.body!.getReader();
    await reader.read();
    expect(released).toBe(0);
    await untilReleased();
    expect(await reader.read()).toEqual({ done: true, value: undefined });
  });

  test('finds the end of its stream when it has only paused, and reads on from there: each entry once', async () => {
    const own = await HttpServer.start(handle());
    const remote = await openRemoteScrivener<Entry>({ url: own.url });
    const text = 'x'.repeat(100_000);
    for (let n = 1; n <= 200; n++) journal.append({ n, text });
    const seen: number[] = [];
    for await (const { position, entry } of remote.tail()) {
      expect(entry.n).toBe(position);
      seen.push(position);
      // The sockets do not hold the rest.
      if (position === 1) await untilReleased();
      if (position === 200) journal.append({ n: 201, text });
      if (position === 201) break;
    }
    expect(seen).toEqual(Array.from({ length: 201 }, (_, index) => index + 1));
    await remote.close();
    await own.stop();
  });
});
