import type { NatsConnection } from '@nats-io/transport-node';
import { openJetStreamScrivener, type JetStreamScrivener } from 'rx-scrivener/nats';
import { NatsCluster } from './support/nats-cluster';
import { describeWithNats } from './support/nats-server';
import { Traffic, type Mark } from './support/traffic';

/** How often a leader is killed: more by hand than each time, for it takes some five seconds. */
const KILLS = Number(process.env.NATS_KILLS ?? 2);
/** Of one of the writers, so that many of its calls are under way when the leader dies. */
const MANY_IN_FLIGHT = 64;

jest.setTimeout(180_000 + KILLS * 30_000);

const STREAM = 'faults';

describeWithNats('With writers and readers at work, on a cluster of three', () => {
  let cluster: NatsCluster;
  let connection: NatsConnection;
  let scriveners: JetStreamScrivener<Mark>[];
  let traffic: Traffic;

  beforeEach(async () => {
    cluster = await NatsCluster.start();
    connection = await cluster.connect();
    const connections = [
      connection,
      ...(await Promise.all([1, 2].map(() => cluster.connect({ pingInterval: 300, timeout: 1_000 })))),
    ];
    traffic = new Traffic();
    scriveners = [];
    for (const connection of connections) {
      traffic.listen(connection);
      scriveners.push(
        await openJetStreamScrivener<Mark>({ connection, stream: STREAM, streamConfig: { num_replicas: 3 } }),
      );
    }
    scriveners.forEach((scrivener, index) => {
      traffic.write(scrivener, index + 1, index === 0 ? MANY_IN_FLIGHT : undefined);
      traffic.subscribe(scrivener);
      traffic.iterate(scrivener);
    });
    await traffic.more(300);
  });
  afterEach(async () => {
    await Promise.all(scriveners.map((scrivener) => scrivener.close()));
    await cluster.stop();
  });

  test('the leader of the stream is killed, again and again', async () => {
    for (let time = 1; time <= KILLS; time++) {
      const leader = await cluster.leaderOf(connection, STREAM);
      await leader.kill('SIGKILL');
      await traffic.moreOfEach(50);
      leader.launch();
      await cluster.whenCurrent(connection, STREAM);
      await traffic.moreOfEach(50);
    }
    await traffic.settle(`SIGKILL of the leader, ${KILLS} times`, connection, STREAM, true);
  });

  test('each server is killed in turn', async () => {
    for (const server of cluster.servers) {
      await server.kill('SIGKILL');
      await traffic.more(200);
      server.launch();
      await traffic.more(200);
    }
    await traffic.settle('SIGKILL of each of three in turn', connection, STREAM, true);
  });

  test('the leader stands still for longer than clients wait for an answer to a ping', async () => {
    const leader = await cluster.leaderOf(connection, STREAM);
    leader.pause();
    await traffic.more(300);
    leader.resume();
    await traffic.more(300);
    await traffic.settle('SIGSTOP of the leader', connection, STREAM, true);
  });
});
