import type { NatsConnection } from '@nats-io/transport-node';
import { openJetStreamScrivener, type JetStreamScrivener } from 'rx-scrivener/nats';
import { CuttingProxy } from './support/cutting-proxy';
import { describeWithNats, NatsServer, whenReady } from './support/nats-server';
import { Traffic, type Mark } from './support/traffic';

jest.setTimeout(60_000);

const STREAM = 'faults';

describeWithNats('With writers and readers at work, on one server', () => {
  let server: NatsServer;
  let connection: NatsConnection;
  let scriveners: JetStreamScrivener<Mark>[];
  let traffic: Traffic;

  /** Two processes, as far as the server can tell. */
  const begin = async (connections: NatsConnection[]) => {
    scriveners = [];
    for (const connection of connections) {
      scriveners.push(await openJetStreamScrivener<Mark>({ connection, stream: STREAM }));
    }
    traffic = new Traffic();
    scriveners.forEach((scrivener, index) => {
      traffic.write(scrivener, index + 1);
      traffic.subscribe(scrivener);
      traffic.iterate(scrivener);
    });
    await traffic.more(300);
  };

  beforeEach(async () => {
    server = await NatsServer.start();
    connection = await server.connect();
    await whenReady(connection);
  });
  afterEach(async () => {
    await Promise.all(scriveners.map((scrivener) => scrivener.close()));
    await server.stop();
  });

  test('it is killed and started again, three times', async () => {
    await begin([connection, await server.connect()]);
    for (let time = 1; time <= 3; time++) {
      await server.kill('SIGKILL');
      server.launch();
      await traffic.more(300);
    }
    await traffic.settle('SIGKILL of a single server, three times', connection, STREAM);
  });

  test('it stands still for longer than clients wait for an answer to a ping', async () => {
    await begin([await server.connect({ pingInterval: 200, maxPingOut: 2 }), connection]);
    server.pause();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    server.resume();
    await traffic.more(300);
    await traffic.settle('SIGSTOP of a single server for 2.5 s, pings each 0.2 s', connection, STREAM);
  });

  test('the connection is cut within messages, and after ones whose acknowledgements did not come through', async () => {
    const proxy = await CuttingProxy.start(server.port);
    await begin([await server.connect({ servers: proxy.url }), connection]);
    for (const bytes of [1, 77, 1_234, 4_321]) {
      proxy.cutAfter(bytes);
      await traffic.more(100);
    }
    for (let time = 1; time <= 3; time++) {
      proxy.mute();
      await traffic.more(50);
      proxy.cut();
      await traffic.more(100);
    }
    await traffic.settle('Seven cuts of a connection', connection, STREAM);
    await proxy.stop();
  });

  test('a reader is slow', async () => {
    await begin([connection, await server.connect()]);
    traffic.iterate(scriveners[0]!, 100);
    await traffic.more(3_000);
    await traffic.settle('A slow reader', connection, STREAM);
  });
});
