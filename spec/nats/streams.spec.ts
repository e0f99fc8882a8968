import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { lastEntries } from 'rx-scrivener';
import { JournalLostError, NotSupportedError, openJetStreamScrivener } from 'rx-scrivener/nats';
import { describeWithNats, freePorts, NatsServer, whenReady } from './support/nats-server';

jest.setTimeout(60_000);

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describeWithNats('Streams of other kinds', () => {
  let server: NatsServer;
  let connection: NatsConnection;
  let manager: JetStreamManager;

  beforeAll(async () => {
    server = await NatsServer.start();
    connection = await server.connect();
    await whenReady(connection);
    manager = await jetstreamManager(connection);
  });
  afterAll(() => server.stop());

  test.each([
    ['a mirror', 'mirror', { mirror: { name: 'mirror-origin' } }],
    ['a stream of sources alone', 'sourced', { sources: [{ name: 'sourced-origin' }] }],
  ])('%s is opened for reading', async (_, name, config) => {
    const origin = await openJetStreamScrivener<string>({ connection, stream: `${name}-origin` });
    for (const text of ['a', 'b', 'c']) await origin.write(text);
    await manager.streams.add({ name, ...config });
    const copy = await openJetStreamScrivener<string>({ connection, stream: name });
    expect(await copy.waitFor(0, (entry) => entry === 'c')).toEqual({ position: 3, entry: 'c' });
    expect((await lastEntries(copy, 2)).map(({ entry }) => entry)).toEqual(['b', 'c']);
    const error = await rejection(copy.write('d'));
    expect(error).toBeInstanceOf(NotSupportedError);
    expect(error).toMatchObject({ code: 'ERR_NOT_SUPPORTED', reason: expect.stringContaining(name) as string });
    const live = copy.waitFor(3, () => true);
    await origin.write('d');
    expect(await live).toEqual({ position: 4, entry: 'd' });
    await copy.close();
    await origin.close();
  });

  test('a mirror can be made', async () => {
    const origin = await openJetStreamScrivener<string>({ connection, stream: 'mirrored' });
    await origin.write('a');
    const streamConfig = { mirror: { name: 'mirrored' } };
    const copy = await openJetStreamScrivener<string>({ connection, stream: 'mirror-of-it', streamConfig });
    expect((await copy.waitFor(0, () => true)).entry).toBe('a');
    await copy.close();
    await origin.close();
  });

  test('one that has as many consumers as it may is read when another reader leaves', async () => {
    const streamConfig = { max_consumers: 1 };
    const scrivener = await openJetStreamScrivener<string>({ connection, stream: 'crowded', streamConfig });
    await scrivener.write('a');
    const first = scrivener.tail()[Symbol.asyncIterator]();
    expect((await first.next()).value).toEqual({ position: 1, entry: 'a' });
    const second = scrivener.waitFor(0, () => true);
    second.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await first.return?.();
    expect(await second).toEqual({ position: 1, entry: 'a' });
    await scrivener.close();
  });
});

describeWithNats('JetStream domains', () => {
  let hub: NatsServer;
  let leaf: NatsServer;
  let connection: NatsConnection;

  beforeAll(async () => {
    const [port] = await freePorts(1);
    hub = await NatsServer.start({ name: 'hub', domain: 'hub', config: `leafnodes { listen: "127.0.0.1:${port}" }` });
    const remotes = `leafnodes { remotes: [{ url: "nats://127.0.0.1:${port}" }] }`;
    leaf = await NatsServer.start({ name: 'leaf', domain: 'leaf', config: remotes });
    const atHub = await hub.connect();
    await whenReady(atHub);
    const origin = await openJetStreamScrivener<string>({ connection: atHub, stream: 'chat', create: true });
    await origin.write('a');
    await origin.close();
    connection = await leaf.connect();
    await whenReady(connection);
  });
  afterAll(async () => {
    await leaf.stop();
    await hub.stop();
  });

  test.each([{ domain: 'hub' }, { apiPrefix: '$JS.hub.API' }])('a stream is reached by %j', async (where) => {
    for (;;) {
      const opened = await openJetStreamScrivener<string>({
        connection,
        stream: 'chat',
        create: false,
        ...where,
      }).catch((error: unknown) => error);
      if (opened instanceof JournalLostError) {
        await new Promise((resolve) => setTimeout(resolve, 100)); // the leaf is not connected yet
        continue;
      }
      const chat = opened as Awaited<ReturnType<typeof openJetStreamScrivener<string>>>;
      expect((await chat.waitFor(0, () => true)).entry).toBe('a');
      const position = await chat.write('b');
      expect((await chat.waitFor(position - 1, () => true)).entry).toBe('b');
      await chat.close();
      return;
    }
  });

  test('none is made where it may be meant in another domain; it is when asked for', async () => {
    const error = await rejection(openJetStreamScrivener({ connection, stream: 'chat' }));
    expect(error).toBeInstanceOf(JournalLostError);
    expect((error as Error).message).toMatch(/domain "leaf".*`domain`/);
    const here = await openJetStreamScrivener({ connection, stream: 'own', domain: 'leaf' });
    expect(await here.write('a')).toBe(1);
    await here.close();
    const asked = await openJetStreamScrivener({ connection, stream: 'asked', create: true });
    expect(await asked.write('a')).toBe(1);
    await asked.close();
  });

  test.each([
    [{ domain: 'a.b' }, 'domain'],
    [{ apiPrefix: '' }, 'apiPrefix'],
    [{ domain: 'a', apiPrefix: 'b' }, 'both'],
  ])('%j is refused', async (where, name) => {
    const error = await rejection(openJetStreamScrivener({ connection, stream: 'chat', ...where }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(name);
  });
});
