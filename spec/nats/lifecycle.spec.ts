import { jetstreamManager, RetentionPolicy, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { firstValueFrom, lastValueFrom, skip } from 'rxjs';
import { CorruptEntryError, JournalClosedError, PositionConflictError, type EntrySerializer } from 'rx-scrivener';
import {
  JournalLostError,
  JournalMismatchError,
  NotSupportedError,
  openJetStreamScrivener,
  WriteUncertainError,
  type JetStreamScrivener,
  type JetStreamScrivenerConfig,
} from 'rx-scrivener/nats';
import { CuttingProxy } from './support/cutting-proxy';
import { describeWithNats, NatsServer, whenReady } from './support/nats-server';

jest.setTimeout(60_000);

/** Who may do everything, who may not publish entries, who may not make consumers, who may not pull. */
const USERS = `
authorization {
  users = [
    { user: all, password: x },
    { user: reader, password: x, permissions: { publish: { deny: ["*.journal"] } } },
    { user: writer, password: x, permissions: { publish: { deny: ["$JS.API.CONSUMER.CREATE.>"] } } },
    { user: waiter, password: x, permissions: { publish: { deny: ["$JS.API.CONSUMER.MSG.NEXT.>"] } } },
    { user: own, password: x, permissions: { subscribe: ["_OWN.>"] } },
    { user: nobody, password: x, permissions: { publish: { deny: ["$JS.API.>"] } } }
  ]
}`;

let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let stream: string;
let count = 0;
const opened: { close(): Promise<void> }[] = [];

async function open<T = number>(config: Partial<JetStreamScrivenerConfig<T>> = {}): Promise<JetStreamScrivener<T>> {
  const scrivener = await openJetStreamScrivener<T>({ connection, stream, ...config });
  opened.push(scrivener);
  return scrivener;
}

const as = (user: string) => server.connect({ user, pass: 'x' });
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describeWithNats('JetStreamScrivener', () => {
  const unhandled: unknown[] = [];
  const keep = (reason: unknown) => unhandled.push(reason);

  beforeAll(async () => {
    process.on('unhandledRejection', keep);
    server = await NatsServer.start({ config: USERS });
    connection = await as('all');
    await whenReady(connection);
    manager = await jetstreamManager(connection);
  });
  afterAll(async () => {
    await server.stop();
    process.off('unhandledRejection', keep);
  });
  beforeEach(() => {
    stream = `lifecycle-${++count}`;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((scrivener) => scrivener.close()));
    expect(unhandled).toEqual([]);
  });

  describe('opening', () => {
    test('is made once, however many open it at once', async () => {
      const other = await as('all');
      for (let time = 1; time <= 40; time++) {
        const both = [connection, other].map((connection) =>
          openJetStreamScrivener<number>({ connection, stream: `${stream}-${time}` }),
        );
        opened.push(...(await Promise.all(both)));
      }
    });

    test('makes a stream that is missing, with its settings', async () => {
      const scrivener = await open({ streamConfig: { max_msgs: 7, name: 'another' } });
      const { config } = await manager.streams.info(stream);
      expect(config).toMatchObject({ name: stream, subjects: [`${stream}.journal`], max_msgs: 7 });
      expect(scrivener.head).toBe(0);
    });

    test('of a stream that exists leaves its settings, and knows its last position', async () => {
      const first = await open();
      await first.write(1);
      const second = await open({ streamConfig: { max_msgs: 7 } });
      expect((await manager.streams.info(stream)).config.max_msgs).toBe(-1);
      expect(second.head).toBe(1);
    });

    test('at once in several processes makes one stream', async () => {
      const scriveners = await Promise.all([1, 2, 3, 4].map((max_msgs) => open({ streamConfig: { max_msgs } })));
      expect(await Promise.all(scriveners.map((scrivener) => scrivener.write(1)))).toEqual([1, 2, 3, 4]);
    });

    test('rejects with JournalLostError when the stream is missing and not to be made', async () => {
      const error = await rejection(open({ create: false }));
      expect(error).toBeInstanceOf(JournalLostError);
      expect(error).toMatchObject({ code: 'ERR_JOURNAL_LOST', reason: expect.stringContaining('not found') as string });
      await open();
      await open({ create: false });
    });

    test.each([
      ['subjects', { subjects: ['other.journal', 'other.*.x'] }],
      ['retention', { subjects: ['mismatch-2.journal'], retention: RetentionPolicy.Workqueue }],
      ['acknowledges', { subjects: ['mismatch-3.journal'], no_ack: true }],
    ])('rejects with JournalMismatchError when the stream cannot be the journal: %s', async (reason, config) => {
      const name = config.subjects[0] === 'other.journal' ? stream : config.subjects[0]!.split('.')[0]!;
      await manager.streams.add({ name, ...config });
      const error = await rejection(open({ stream: name }));
      expect(error).toBeInstanceOf(JournalMismatchError);
      expect(error).toMatchObject({ code: 'ERR_JOURNAL_MISMATCH', reason: expect.stringContaining(reason) as string });
    });

    test.each([
      ['its retention is workqueue', { retention: RetentionPolicy.Workqueue }],
      ['has the subjects other', { subjects: ['other'] }],
      ['acknowledges nothing', { no_ack: true }],
    ])('makes no stream that cannot be the journal: %s', async (reason, streamConfig) => {
      const error = await rejection(open({ streamConfig }));
      expect(error).toBeInstanceOf(JournalMismatchError);
      expect(error).toMatchObject({ reason: expect.stringContaining(reason) as string });
      expect(await open()).toMatchObject({ head: 0 });
    });

    test('takes any subject that the stream has, also by wildcard', async () => {
      await manager.streams.add({ name: stream, subjects: [`${stream}.said.*`, `${stream}.rest.>`] });
      const [ann, ben] = await Promise.all(
        ['said.ann', 'rest.x.y'].map((end) => open({ subject: `${stream}.${end}` })),
      );
      expect(await ann!.write(1)).toBe(1);
      expect(await ben!.write(2)).toBe(2);
      expect(await ann!.waitFor(0, (entry) => entry === 2)).toEqual({ position: 2, entry: 2 });
      for (const end of ['said', 'said.a.b', 'rest', 'other.ann']) {
        expect(await rejection(open({ subject: `${stream}.${end}` }))).toBeInstanceOf(JournalMismatchError);
      }
    });

    test.each(['', 'a b', 'a.b', 'a*', '>', 'a/b'])('rejects with TypeError for the stream %j', async (name) => {
      expect(await rejection(open({ stream: name }))).toBeInstanceOf(TypeError);
    });

    test.each([{ stream: 'my.chat' }, { domain: 'my.chat' }])(
      'says of %j that dots are not allowed',
      async (config) => {
        const error = await rejection(open(config));
        expect((error as Error).message).toMatch(
          /^Expected `(stream|domain)` to be a name without dots.*got "my.chat": it has a dot$/,
        );
      },
    );

    test.each(['', 'a b', 'a.', '.a', 'a..b', 'a.*', '>'])(
      'rejects with TypeError for the subject %j',
      async (subject) => {
        expect(await rejection(open({ subject }))).toBeInstanceOf(TypeError);
      },
    );

    test('rejects with JournalLostError on a closed connection, and without permission', async () => {
      const closed = await as('all');
      await closed.close();
      expect(await rejection(open({ connection: closed }))).toBeInstanceOf(JournalLostError);
      expect(await rejection(open({ connection: await as('nobody') }))).toBeInstanceOf(JournalLostError);
    });
  });

  describe('closing', () => {
    test('waits for what is running, refuses what comes, and leaves the connection open', async () => {
      const scrivener = await open();
      const writes = [1, 2, 3].map((n) => scrivener.write(n));
      const closing = scrivener.close();
      expect(scrivener.close()).toBe(closing);
      expect(await rejection(scrivener.write(4))).toBeInstanceOf(JournalClosedError);
      await closing;
      expect(await Promise.all(writes)).toEqual([1, 2, 3]);
      expect(connection.isClosed()).toBe(false);
      expect(await rejection(lastValueFrom(scrivener.tail()))).toBeInstanceOf(JournalClosedError);
      expect(await rejection(lastValueFrom(scrivener.readBackward()))).toBeInstanceOf(JournalClosedError);
      expect(await rejection(scrivener.waitFor(0, () => true))).toBeInstanceOf(JournalClosedError);
    });

    test('rejects who waits with JournalClosedError', async () => {
      const scrivener = await open();
      const waiting = rejection(scrivener.waitFor(0, () => true));
      await scrivener[Symbol.asyncDispose]();
      expect(await waiting).toBeInstanceOf(JournalClosedError);
    });
  });

  describe('a stream that is deleted', () => {
    test('errors readers and writers with JournalLostError', async () => {
      const scrivener = await open();
      await scrivener.write(1);
      const tailing = rejection(lastValueFrom(scrivener.tail()));
      const waiting = rejection(scrivener.waitFor(1, () => true));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await manager.streams.delete(stream);
      expect(await tailing).toBeInstanceOf(JournalLostError);
      expect(await waiting).toBeInstanceOf(JournalLostError);
      expect(await rejection(scrivener.write(2))).toBeInstanceOf(JournalLostError);
      expect(await rejection(lastValueFrom(scrivener.tail()))).toBeInstanceOf(JournalLostError);
      expect(await rejection(lastValueFrom(scrivener.readBackward()))).toBeInstanceOf(JournalLostError);
    });

    test('and made again is another journal', async () => {
      const scrivener = await open();
      for (let n = 1; n <= 3; n++) await scrivener.write(n);
      const tailing = rejection(lastValueFrom(scrivener.tail()));
      await manager.streams.delete(stream);
      await manager.streams.add({ name: stream, subjects: [`${stream}.journal`] });
      expect(await tailing).toMatchObject({ reason: expect.stringContaining('recreated') as string });
    });
  });

  test('connected$ tells how the connection is, now and to who comes later, and completes', async () => {
    const proxy = await CuttingProxy.start(server.port);
    const own = await server.connect({ servers: proxy.url, user: 'all', pass: 'x' });
    const scrivener = await open({ connection: own });
    const seen: unknown[] = [];
    const tell = (status: unknown) => seen.push(status);
    const reconnected = firstValueFrom(scrivener.connected$.pipe(skip(2)));
    scrivener.connected$.subscribe({ next: tell, complete: () => seen.push('complete') });
    expect(seen).toEqual([{ status: 'open' }]);
    proxy.cut();
    expect(await reconnected).toEqual({ status: 'open' });
    expect(seen).toEqual([
      { status: 'open' },
      { status: 'retrying', error: expect.any(Error) as Error },
      { status: 'open' },
    ]);
    expect(await firstValueFrom(scrivener.connected$)).toEqual({ status: 'open' });
    const other = await open({ connection: own });
    await scrivener.close();
    expect(seen.at(-1)).toBe('complete');
    const ended = lastValueFrom(other.connected$);
    await own.close();
    await ended;
    await proxy.stop();
  });

  test('a connection that closes for good errors readers and writers with JournalLostError', async () => {
    const own = await as('all');
    const scrivener = await open({ connection: own });
    await scrivener.write(1);
    const tailing = rejection(lastValueFrom(scrivener.tail()));
    const next = scrivener.tail(1)[Symbol.asyncIterator]().next();
    const reading = rejection(Promise.resolve(next));
    await scrivener.waitFor(0, () => true);
    await own.close();
    expect(await tailing).toBeInstanceOf(JournalLostError);
    expect(await reading).toBeInstanceOf(JournalLostError);
    expect(await rejection(scrivener.write(2))).toBeInstanceOf(JournalLostError);
    expect(await rejection(lastValueFrom(scrivener.tail()))).toBeInstanceOf(JournalLostError);
  });

  test('a write that is pending when the connection closes for good is uncertain', async () => {
    const proxy = await CuttingProxy.start(server.port);
    const own = await server.connect({ servers: proxy.url, user: 'all', pass: 'x' });
    const scrivener = await open({ connection: own });
    proxy.mute();
    const writing = rejection(scrivener.write(1));
    while ((await manager.streams.info(stream)).state.last_seq === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await own.close();
    expect(await writing).toBeInstanceOf(WriteUncertainError);
    expect(await writing).toMatchObject({ code: 'ERR_WRITE_UNCERTAIN', cause: { code: 'ERR_JOURNAL_LOST' } });
    await proxy.stop();
  });

  describe('a permission that is missing', () => {
    beforeEach(() => open());

    test('to publish rejects writes with JournalLostError, and reading continues', async () => {
      const scrivener = await open({ connection: await as('reader') });
      const writes = [1, 2].map((n) => rejection(scrivener.write(n)));
      for (const error of await Promise.all(writes)) {
        expect(error).toBeInstanceOf(JournalLostError);
        expect((error as Error).message).toMatch(/permission/i);
      }
      const waiting = scrivener.waitFor(0, () => true);
      await (opened[0] as JetStreamScrivener<number>).write(7);
      expect((await waiting).entry).toBe(7);
    });

    test('to make consumers errors readers with JournalLostError, and writing continues', async () => {
      const scrivener = await open({ connection: await as('writer') });
      expect(await scrivener.write(1)).toBe(1);
      const error = await rejection(lastValueFrom(scrivener.tail()));
      expect(error).toBeInstanceOf(JournalLostError);
      expect((error as Error).message).toMatch(/permission/i);
    });

    test('to pull errors readers with JournalLostError', async () => {
      const scrivener = await open({ connection: await as('waiter') });
      expect(await scrivener.write(1)).toBe(1);
      expect(await rejection(lastValueFrom(scrivener.tail()))).toBeInstanceOf(JournalLostError);
    });

    test('but for inboxes under a prefix of its own is none', async () => {
      const own = await server.connect({ user: 'own', pass: 'x', inboxPrefix: '_OWN' });
      const scrivener = await open({ connection: own });
      expect(await scrivener.write(1)).toBe(1);
      expect((await scrivener.waitFor(0, () => true)).entry).toBe(1);
    });
  });

  describe('an acknowledgement that does not come through', () => {
    let proxy: CuttingProxy;
    let cut: JetStreamScrivener<number>;

    beforeEach(async () => {
      proxy = await CuttingProxy.start(server.port);
      cut = await open({ connection: await server.connect({ servers: proxy.url, user: 'all', pass: 'x' }) });
    });
    afterEach(() => proxy.stop());

    const stored = async () => (await manager.streams.info(stream)).state.last_seq;
    const until = async (last: number) => {
      while ((await stored()) < last) await new Promise((resolve) => setTimeout(resolve, 5));
    };

    test('has the entry sent again, and gives the first position, with `expect` too', async () => {
      expect(await cut.write(1)).toBe(1);
      proxy.mute();
      const writes = [
        cut.write(2, { expect: 1 }),
        cut.write(3),
        cut.write(4, { expect: 9 }),
        cut.write(5, { expect: 3 }),
      ];
      const settled = Promise.allSettled(writes);
      await until(4);
      const other = await open();
      expect(await other.write(6)).toBe(5);
      proxy.cut();
      const [second, third, refused, fourth] = await settled;
      expect([second, third, fourth].map((outcome) => (outcome as { value?: number }).value)).toEqual([2, 3, 4]);
      expect((refused as PromiseRejectedResult).reason).toBeInstanceOf(PositionConflictError);
      expect((refused as PromiseRejectedResult).reason).toMatchObject({ expected: 9, actual: 5 });
      expect(await stored()).toBe(5);
    });

    test('has nothing sent again while the server does not answer a question', async () => {
      expect(await cut.write(1)).toBe(1);
      proxy.mute();
      proxy.heard = '';
      const writes = Promise.all([2, 3, 4].map((n) => cut.write(n)));
      await until(4);
      // It stands still for longer than it takes to hold back, to ask, and to ask again.
      while (proxy.heard.split('STREAM.INFO').length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(proxy.heard.match(/^HPUB /gm)).toHaveLength(3);
      proxy.cut();
      expect(await writes).toEqual([2, 3, 4]);
      expect(await stored()).toBe(4);
    });

    test('nor the entry: it is sent again in the order of the calls', async () => {
      proxy.cutAfter(5_000);
      const positions = await Promise.all(Array.from({ length: 200 }, (_, n) => cut.write(n + 1)));
      expect(positions).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    });

    test('makes it uncertain after half of the duplicate window; what was never sent is not in the journal', async () => {
      stream = `${stream}-short`;
      const own = await server.connect({ servers: proxy.url, user: 'all', pass: 'x', reconnectTimeWait: 5_000 });
      const scrivener = await open({ connection: own, streamConfig: { duplicate_window: 3e9 } });
      proxy.mute();
      const sent = rejection(scrivener.write(1));
      await until(1);
      const disconnected = (async () => {
        for await (const { type } of own.status()) if (type === 'disconnect') return;
      })();
      proxy.cut();
      await disconnected;
      await new Promise((resolve) => setTimeout(resolve)); // the scrivener hears of it as this does
      const aborting = new AbortController();
      const [unsent, aborted] = [rejection(scrivener.write(2)), rejection(scrivener.write(3, aborting))];
      aborting.abort('no longer wanted');
      expect(await aborted).toBe('no longer wanted');
      expect(await sent).toBeInstanceOf(WriteUncertainError);
      expect(await unsent).toBeInstanceOf(JournalLostError);
      await own.close();
      expect(await stored()).toBe(1);
    });
  });

  describe('entries', () => {
    test('stand in messages without their position, their keys sorted', async () => {
      const scrivener = await open<{ b: number; a: string }>();
      await scrivener.write({ b: 1, a: 'x' });
      const message = await manager.streams.getMessage(stream, { seq: 1 });
      expect(message?.string()).toBe('{"schemaVersion":"1","entry":{"a":"x","b":1}}');
    });

    test('go through a serializer', async () => {
      const serialized: number[] = [];
      const serializer: EntrySerializer<number> = {
        serialize({ position, entry }) {
          serialized.push(position);
          if (entry < 0) throw new Error('negative');
          return `<${entry}>`;
        },
        deserialize(line) {
          if (!line.startsWith('<')) throw new CorruptEntryError('it does not begin with <');
          return { position: 99, entry: Number(line.slice(1, -1)) };
        },
      };
      const scrivener = await open({ serializer });
      await scrivener.write(7);
      await scrivener.write(8);
      expect(await rejection(scrivener.write(-1))).toMatchObject({ code: 'ERR_SERIALIZATION' });
      expect(serialized).toEqual([1, 1, 1]);
      expect((await manager.streams.getMessage(stream, { seq: 2 }))?.string()).toBe('<8>');
      expect(await scrivener.waitFor(1, () => true)).toEqual({ position: 2, entry: 8 });
      const other = await open();
      await other.write(9);
      expect(await rejection(scrivener.waitFor(2, () => true))).toMatchObject({
        reason: 'the message with sequence 3: it does not begin with <',
      });
    });

    test('that JSON has no text for reject with SerializationError, and harm no other', async () => {
      const scrivener = await open<unknown>();
      for (const entry of [undefined, 1n, () => 1]) {
        expect(await rejection(scrivener.write(entry))).toMatchObject({ code: 'ERR_SERIALIZATION' });
      }
      expect(await scrivener.write(1)).toBe(1);
    });
  });

  test('where the stream takes no batches writeAll rejects with NotSupportedError, says why, and appends nothing', async () => {
    const scrivener = await open({ streamConfig: { allow_atomic: false } });
    const error = await rejection(scrivener.writeAll([1, 2]));
    expect(error).toBeInstanceOf(NotSupportedError);
    expect(error).toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
    expect((error as Error).message).toMatch(/nats-server 2\.12 .*`allow_atomic`; the server is \d/);
    expect(await scrivener.write(1)).toBe(1);
  });

  test('a stream that is full refuses a write with an error of its own', async () => {
    const scrivener = await open({ streamConfig: { max_msgs: 1, discard: 'new' as never } });
    expect(await scrivener.write(1)).toBe(1);
    expect(await rejection(scrivener.write(2))).toMatchObject({
      code: 'ERR_WRITE_REFUSED',
      reason: 'maximum messages exceeded',
      cause: { name: 'JetStreamApiError', code: 10077 },
    });
  });

  test('head is what this process knows of', async () => {
    const [first, second] = [await open(), await open()];
    await first.write(1);
    await first.write(2);
    expect([first.head, second.head]).toEqual([2, 0]);
    await second.waitFor(0, () => true);
    expect(second.head).toBe(2);
  });

  test('closing ends also where the connection is given up for good while a write waits', async () => {
    const own = await NatsServer.start();
    const given = await own.connect({ maxReconnectAttempts: 2 });
    await whenReady(given);
    const scrivener = await openJetStreamScrivener<number>({ connection: given, stream: 'given-up' });
    const noticed = (async () => {
      for await (const { type } of given.status()) if (type === 'disconnect') return;
    })();
    await own.kill('SIGKILL');
    // What is sent before may have arrived.
    await noticed;
    const writing = rejection(scrivener.write(1));
    const closing = scrivener.close();
    expect(await writing).toBeInstanceOf(JournalLostError);
    await closing;
    await own.stop();
  });
});
