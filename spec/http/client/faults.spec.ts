import { firstValueFrom, take, toArray, type Subscription } from 'rxjs';
import { InMemoryScrivener, JournalClosedError } from 'rx-scrivener';
import {
  JournalMismatchError,
  journalHandler,
  openRemoteScrivener,
  WriteUncertainError,
  type JournalHandlerOptions,
  type RemoteScrivener,
} from 'rx-scrivener/http';
import { HttpServer } from '../support/http-server';
import { Wire } from '../support/wire';

interface Entry {
  readonly n: number;
}

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

interface Setting {
  readonly journal: InMemoryScrivener<Entry>;
  readonly wire: Wire;
  readonly remote: RemoteScrivener<Entry>;
  /** Another server, on another journal or the same, in the place of the one there was. */
  restart(journal?: InMemoryScrivener<Entry>): Promise<void>;
}

async function serve(
  options: Partial<JournalHandlerOptions<Entry>> = {},
  { retryMs, wrap = (handle) => handle }: { retryMs?: number; wrap?: (handle: Handle) => Handle } = {},
): Promise<Setting> {
  const journal = new InMemoryScrivener<Entry>();
  const start = (from: InMemoryScrivener<Entry>) =>
    HttpServer.start(wrap(journalHandler(from, { authorize: 'public', ...options })));
  let server = await start(journal);
  const wire = await Wire.to(server.port);
  const remote = await openRemoteScrivener<Entry>({ url: wire.url, retryMs });
  releases.push(
    () => server.stop(),
    () => wire.stop(),
    () => remote.close(),
  );
  const restart = async (from = journal) => {
    await server.stop();
    server = await start(from);
    wire.port = server.port;
  };
  return { journal, wire, remote, restart };
}

type Handle = (request: Request) => Promise<Response>;

const positions = async (remote: RemoteScrivener<Entry>, count: number) => {
  const records = await firstValueFrom(remote.tail().pipe(take(count), toArray()));
  for (const { position, entry } of records) expect(entry.n).toBe(position);
  return records.map(({ position }) => position);
};
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const seen = (remote: RemoteScrivener<Entry>, position: number) => remote.waitFor(position - 1, () => true);

describe('a tail', () => {
  test('continues without gap or duplicate through cuts, wherever they fall', async () => {
    const { journal, wire, remote } = await serve();
    // Every connection is cut somewhere else: in headers, in the middle of an event, between two.
    let allowed = 40;
    const left = new WeakMap<object, number>();
    wire.transform = (bytes, client) => {
      const rest = left.get(client) ?? (allowed += 137);
      if (bytes.length < rest) {
        left.set(client, rest - bytes.length);
        return bytes;
      }
      setImmediate(() => client.destroy());
      left.set(client, 0);
      return bytes.subarray(0, rest);
    };
    for (let n = 1; n <= 60; n++) journal.append({ n });
    expect(
      await firstValueFrom(remote.tail().pipe(take(60), toArray())).then((all) => all.map((r) => r.entry.n)),
    ).toEqual(upTo(60));
    expect(wire.connections).toBeGreaterThan(3);
  }, 20_000);

  test('continues through restarts of the server, in the replay and live', async () => {
    const { journal, remote, restart } = await serve();
    for (let n = 1; n <= 5; n++) journal.append({ n });
    const done = positions(remote, 20);
    await seen(remote, 5);
    for (let n = 6; n <= 20; n++) {
      if (n % 5 === 0) await restart();
      journal.append({ n });
    }
    expect(await done).toEqual(upTo(20));
  }, 20_000);

  test('iterated, continues through a cut, and takes an event that comes twice once', async () => {
    const { journal, wire, remote } = await serve();
    for (let n = 1; n <= 3; n++) journal.append({ n });
    let replays = 0;
    const got: number[] = [];
    for await (const { position } of remote.tail()) {
      got.push(position);
      if (position === 3 && replays++ === 0) {
        // What is sent from now on is sent as one who forgot what was sent would.
        wire.transform = (bytes) => Buffer.from(bytes.toString('latin1').replace(/\?after=\d+/, ''), 'latin1');
        wire.cut();
        journal.append({ n: 4 });
      }
      if (position === 4) break;
    }
    expect(got).toEqual([1, 2, 3, 4]);
  });

  test('drops what it has had when it is sent again', async () => {
    const { journal, remote } = await serve(
      {},
      {
        // A server that always begins three entries earlier.
        wrap: (handle) => (request) => {
          const url = new URL(request.url);
          const after = Number(url.searchParams.get('after'));
          if (url.searchParams.has('after')) url.searchParams.set('after', String(Math.max(0, after - 3)));
          return handle(new Request(url, request));
        },
      },
    );
    for (let n = 1; n <= 8; n++) journal.append({ n });
    const records = await firstValueFrom(remote.tail(5).pipe(take(3), toArray()));
    expect(records.map(({ position }) => position)).toEqual([6, 7, 8]);
  });

  test('errors when the journal has a hole where it begins', async () => {
    const { journal, remote } = await serve(
      {},
      {
        wrap: (handle) => (request) => {
          const url = new URL(request.url);
          if (url.searchParams.has('after')) url.searchParams.set('after', '4');
          return handle(new Request(url, request));
        },
      },
    );
    for (let n = 1; n <= 8; n++) journal.append({ n });
    await expect(firstValueFrom(remote.tail(1))).rejects.toThrow(JournalMismatchError);
  });

  test('errors when the journal ends before what it had', async () => {
    const { journal, remote, restart, wire } = await serve();
    for (let n = 1; n <= 5; n++) journal.append({ n });
    const done = positions(remote, 20);
    done.catch(() => undefined);
    await seen(remote, 5);
    const older = new InMemoryScrivener<Entry>();
    older.append({ n: 1 });
    await restart(older);
    wire.cut();
    await expect(done).rejects.toThrow(JournalMismatchError);
  });

  test('connects again when it hears nothing any more', async () => {
    const { journal, wire, remote } = await serve({ heartbeatMs: 50 });
    journal.append({ n: 1 });
    let done: Promise<unknown> | undefined;
    await new Promise((resolve) => {
      done = firstValueFrom(remote.tail(0, { caughtUp: resolve }).pipe(take(2), toArray()));
    });
    wire.transform = () => Buffer.alloc(0);
    journal.append({ n: 2 });
    const before = wire.connections;
    while (wire.connections === before) await new Promise((resolve) => setTimeout(resolve, 5));
    wire.transform = (bytes) => bytes;
    expect(await done).toMatchObject([{ position: 1 }, { position: 2 }]);
  });

  test('is left alone by signs of life', async () => {
    const { journal, wire, remote } = await serve({ heartbeatMs: 200 });
    journal.append({ n: 1 });
    let beats = 0;
    wire.transform = (bytes) => {
      beats += bytes.toString('latin1').split('\n:\n').length - 1;
      return bytes;
    };
    let done: Promise<unknown> | undefined;
    await new Promise((resolve) => {
      done = firstValueFrom(remote.tail(0, { caughtUp: resolve }).pipe(take(2), toArray()));
    });
    const before = wire.connections;
    while (beats < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    journal.append({ n: 2 });
    expect(await done).toHaveLength(2);
    expect(wire.connections).toBe(before);
  });

  test('ends when the scrivener is closed, also while the server is away', async () => {
    const { wire, remote } = await serve();
    const ended = firstValueFrom(remote.tail(), { defaultValue: undefined });
    const waiting = remote.waitFor(0, () => true);
    waiting.catch(() => undefined);
    const reading = remote.tail()[Symbol.asyncIterator]().next();
    wire.isDown = true;
    wire.cut();
    await remote.close();
    expect(await ended).toBeUndefined();
    expect((await reading).done).toBe(true);
    await expect(waiting).rejects.toThrow(JournalClosedError);
    await expect(firstValueFrom(remote.tail())).rejects.toThrow(JournalClosedError);
    await expect(remote.write({ n: 1 })).rejects.toThrow(JournalClosedError);
  });
});

describe('a write', () => {
  /** Loses the answers to POSTs, so many of them, once the server has given them. */
  const losing = (wire: Wire, count: number) => {
    let lost = 0;
    wire.transform = (bytes, client) => {
      if (lost === count || !bytes.toString('latin1').startsWith('HTTP/1.1 20')) return bytes;
      lost++;
      client.destroy();
      return Buffer.alloc(0);
    };
  };

  test('whose answer is lost is tried again and appended once', async () => {
    const { journal, wire, remote } = await serve();
    losing(wire, 1);
    expect(await remote.write({ n: 1 })).toBe(1);
    losing(wire, 2);
    expect(await Promise.all([2, 3, 4].map((n) => remote.write({ n })))).toEqual([2, 3, 4]);
    expect(journal.head).toBe(4);
  });

  test('whose answer is lost, and is forgotten with the server, is uncertain', async () => {
    const { journal, wire, remote, restart } = await serve();
    const stopped = new Promise<void>((resolve) => {
      wire.transform = (bytes, client) => {
        client.destroy();
        wire.isDown = true;
        resolve();
        return Buffer.from(bytes.subarray(0, 0));
      };
    });
    const writing = remote.write({ n: 1 });
    writing.catch(() => undefined);
    await stopped;
    expect(journal.head).toBe(1);
    wire.transform = (bytes) => bytes;
    await restart();
    wire.isDown = false;
    await expect(writing).rejects.toThrow(WriteUncertainError);
    expect(journal.head).toBe(1);
    expect(await remote.write({ n: 2 })).toBe(2);
  });

  test('that comes after the network was lost is not uncertain: it is sent when there is a server', async () => {
    const { journal, wire, remote, restart } = await serve();
    let tail: Subscription | undefined;
    await new Promise((resolve) => (tail = remote.tail(0, { caughtUp: resolve }).subscribe()));
    const before = wire.connections;
    wire.isDown = true;
    wire.cut();
    while (wire.connections === before) await new Promise((resolve) => setTimeout(resolve, 5));
    const writes = [1, 2, 3].map((n) => remote.write({ n }));
    await restart();
    wire.isDown = false;
    expect(await Promise.all(writes)).toEqual([1, 2, 3]);
    expect(journal.head).toBe(3);
    tail?.unsubscribe();
  });

  test('that nobody answers ends in time, uncertain or, where nothing was sent, lost', async () => {
    const { journal, wire, remote } = await serve({}, { retryMs: 300 });
    wire.transform = (_, client) => {
      client.destroy();
      return Buffer.alloc(0);
    };
    await expect(remote.write({ n: 1 })).rejects.toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
    expect(journal.head).toBe(1);
    wire.isDown = true;
    const [first, second] = await Promise.allSettled([remote.write({ n: 2 }), remote.write({ n: 3 })]);
    expect([first, second]).toMatchObject([
      { reason: { code: 'ERR_JOURNAL_LOST' } },
      { reason: { code: 'ERR_JOURNAL_LOST' } },
    ]);
    wire.isDown = false;
    wire.transform = (bytes) => bytes;
    expect(await remote.write({ n: 2 })).toBe(2);
  });

  test('that waits for the network is given up with its signal, and is not sent', async () => {
    const { journal, wire, remote } = await serve({}, { retryMs: 5_000 });
    wire.isDown = true;
    wire.cut();
    const before = wire.connections;
    const first = remote.write({ n: 1 });
    const abort = new AbortController();
    const reason = new Error('enough');
    while (wire.connections === before) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = remote.write({ n: 2 }, { signal: abort.signal });
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    wire.isDown = false;
    expect(await first).toBe(1);
    await remote.close();
    expect(journal.head).toBe(1);
  });
});
