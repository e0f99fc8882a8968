import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { openJetStreamScrivener } from 'rx-scrivener/nats';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';
import { NatsCluster } from './support/nats-cluster';
import { describeWithNats, hasBatches, useNatsServer } from './support/nats-server';

// A stream keeps what its settings say, ends for nobody, and answers when the network lets it. Servers before 2.12 take no batches.
const supports = { writeAll: hasBatches, ends: true, retain: false, complete: false, fail: false, immediate: false };

let count = 0;

async function onStream(connection: NatsConnection, replicas: number): Promise<ConformanceSubject> {
  const stream = `conformance-${++count}`;
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const scrivener = await openJetStreamScrivener<ConformanceEntry>({
    connection,
    stream,
    streamConfig: { num_replicas: replicas },
  });
  return {
    scrivener,
    observed: async () => (await manager.streams.info(stream)).state.consumer_count > 0,
    dispose: async () => {
      await scrivener.close();
      await manager.streams.delete(stream);
    },
  };
}

describeWithNats('JetStreamScrivener, on one server', () => {
  const nats = useNatsServer();

  scrivenerConformance({ test, create: () => onStream(nats.connection, 1), supports, timeoutMs: 20_000 });
});

describeWithNats('JetStreamScrivener, on a cluster of three with a stream on each', () => {
  let cluster: NatsCluster;
  let connection: NatsConnection;

  beforeAll(async () => {
    cluster = await NatsCluster.start();
    connection = await cluster.connect();
  }, 120_000);
  afterAll(() => cluster.stop());

  scrivenerConformance({ test, create: () => onStream(connection, 3), supports, timeoutMs: 20_000 });
});

jest.setTimeout(60_000);
