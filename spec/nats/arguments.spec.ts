import type { NatsConnection } from '@nats-io/transport-node';
import { openJetStreamScrivener, type JetStreamScrivener, type JetStreamScrivenerConfig } from 'rx-scrivener/nats';
import { describeWithNats, NatsServer, whenReady } from './support/nats-server';

const none = () => undefined;
const connection = { publish: none, subscribe: none, request: none, status: none, closed: none };

/** Whatever it is called with. */
const open = (config?: unknown) => openJetStreamScrivener<unknown>(config as JetStreamScrivenerConfig<unknown>);

test.each<[title: string, config: unknown, what: RegExp]>([
  ['nothing', undefined, /options of `openJetStreamScrivener`.*got undefined/],
  ['a text', 'chat', /options of `openJetStreamScrivener`.*got "chat"/],
  ['no connection', { stream: 'chat' }, /`connection`.*got undefined/],
  ['a promise of a connection', { stream: 'chat', connection: Promise.resolve() }, /`connection`/],
  ['no stream', { connection }, /`stream`.*got undefined/],
  ['a stream of several tokens', { connection, stream: 'a.b' }, /`stream`.*"a.b": it has a dot/],
  ['a subject that is none', { connection, stream: 'chat', subject: 'a..b' }, /`subject`.*"a..b"/],
  ['a misspelled option', { connection, stream: 'chat', streamconfig: {} }, /no option `streamconfig`.*streamConfig/],
  ['no serializer', { connection, stream: 'chat', serializer: {} }, /`serializer`.*`serialize`/],
  ['no schema', { connection, stream: 'chat', schema: {} }, /`schema`.*Standard Schema/],
  ['no configuration', { connection, stream: 'chat', streamConfig: 3 }, /`streamConfig`.*got 3/],
  ['`create` as a text', { connection, stream: 'chat', create: 'no' }, /`create`.*got "no"/],
  ['a domain of several tokens', { connection, stream: 'chat', domain: 'a.b' }, /`domain`/],
  ['an empty prefix', { connection, stream: 'chat', apiPrefix: '' }, /`apiPrefix`.*got ""/],
  [
    'both of which one is enough',
    { connection, stream: 'chat', domain: 'a', apiPrefix: 'b' },
    /`domain` or `apiPrefix`/,
  ],
])('openJetStreamScrivener with %s rejects with a TypeError that names it', async (_, config, what) => {
  const error: unknown = await open(config).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(what);
});

describeWithNats('A call of a JetStreamScrivener', () => {
  let server: NatsServer;
  let client: NatsConnection;
  let scrivener: JetStreamScrivener<unknown>;
  const call = (method: string, ...args: unknown[]) =>
    (scrivener as unknown as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);

  beforeAll(async () => {
    server = await NatsServer.start();
    client = await server.connect();
    await whenReady(client);
    scrivener = await openJetStreamScrivener<unknown>({ connection: client, stream: 'chat' });
  });
  afterAll(async () => {
    await scrivener.close();
    await server.stop();
  });

  test.each([
    ['write', [1, { expct: 3 }], /no option `expct` of `write`: there are expect, signal/],
    ['write', [1, { signal: {} }], /`signal`/],
    ['write', [1, null], /options of `write`/],
    ['waitFor', [0, () => true, { timout: 5 }], /no option `timout`/],
  ])('%s(%j) rejects', async (method, args, what) => {
    await expect(call(method, ...args)).rejects.toThrow(what);
    expect(scrivener.head).toBe(0);
  });

  test.each([
    ['tail', [0, { macth: 1 }], /no option `macth` of `tail`/],
    ['tail', [0, { caughtUp: 1 }], /`caughtUp`/],
    ['readBackward', [9, { caughtUp: 1 }], /no option `caughtUp` of `readBackward`/],
  ])('%s(%j) throws', (method, args, what) => {
    expect(() => call(method, ...args)).toThrow(what);
  });
});
