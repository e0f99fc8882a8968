import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SerializationError } from 'rx-scrivener';
import { openJetStreamScrivener, type JetStreamScrivener, type JetStreamScrivenerConfig } from 'rx-scrivener/nats';
import { Chain } from '../../lib/nats/chain';
import { CuttingProxy } from './support/cutting-proxy';
import { NatsCluster } from './support/nats-cluster';
import { describeWithNats, hasChains } from './support/nats-server';

jest.setTimeout(60_000);

const numbers = (length: number, from = 1) => Array.from({ length }, (_, index) => from + index);

describe('How many flights are chained', () => {
  const take = (chain: Chain, positions: number[]) => {
    for (const position of positions) chain.acknowledged(position);
    return chain.length;
  };

  test('one at first, more and more while positions follow each other, 256 at most', () => {
    const chain = new Chain();
    expect(chain.length).toBe(1);
    expect(take(chain, numbers(9))).toBe(1);
    expect(take(chain, numbers(10, 10))).toBe(11);
    expect(take(chain, numbers(1_000, 20))).toBe(256);
  });

  test('one when somebody else has a position between', () => {
    const chain = new Chain();
    expect(take(chain, numbers(100))).toBeGreaterThan(50);
    expect(take(chain, [102])).toBe(1);
  });

  test('one when the chain breaks; it takes longer each time until it is tried again, until it has been as long as it may be', () => {
    const chain = new Chain();
    let last = 0;
    const needed = () => {
      for (let count = 1; ; count++) {
        chain.acknowledged(++last);
        if (chain.length > 1) return count;
      }
    };
    expect(needed()).toBe(10);
    for (const count of [17, 33, 65, 65]) {
      chain.broke();
      expect(chain.length).toBe(1);
      expect(needed()).toBe(count);
    }
    take(chain, numbers(1_000, last + 1));
    last += 1_000;
    chain.broke();
    expect(needed()).toBeLessThan(20);
  });
});

describeWithNats('Writes in a cluster to a stream that takes no batches', () => {
  let cluster: NatsCluster;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let proxy: CuttingProxy;
  let stream: string;
  let count = 0;
  const opened: { close(): Promise<void> }[] = [];

  const open = async <T>(config: Partial<JetStreamScrivenerConfig<T>> = {}) => {
    const streamConfig = { num_replicas: 3, allow_atomic: false, ...config.streamConfig };
    const scrivener = await openJetStreamScrivener<T>({ connection, stream, ...config, streamConfig });
    opened.push(scrivener);
    return scrivener;
  };
  const stored = async () => {
    const { last_seq } = (await manager.streams.info(stream)).state;
    const messages = await Promise.all(numbers(last_seq).map((seq) => manager.streams.getMessage(stream, { seq })));
    return messages.map((message) => message!.json<{ entry: unknown }>().entry);
  };
  const chained = () => proxy.heard.split('Nats-Expected-Last-Msg-Id').length - 1;

  beforeAll(async () => {
    cluster = await NatsCluster.start();
    connection = await cluster.connect();
    manager = await jetstreamManager(connection, { timeout: 10_000 });
  }, 120_000);
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    stream = `chained-${++count}`;
    proxy = await CuttingProxy.start(cluster.servers[0]!.port);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((scrivener) => scrivener.close()));
    await proxy.stop();
  });
  const throughProxy = () => cluster.servers[0]!.connect({ servers: proxy.url, ignoreClusterUpdates: true });

  test('of one writer, most are chained on 2.10, in the order of the calls', async () => {
    const scrivener = await open<number>({ connection: await throughProxy() });
    expect(await Promise.all(numbers(1_000).map((n) => scrivener.write(n)))).toEqual(numbers(1_000));
    if (hasChains) expect(chained()).toBeGreaterThan(900);
    else expect(chained()).toBe(0);
    expect(await stored()).toEqual(numbers(1_000));
  });

  test('of two writers, each has its own order, and every entry is there once', async () => {
    const [ours, others] = [await open<string>(), await open<string>({ connection: await throughProxy() })];
    const write = (scrivener: JetStreamScrivener<string>, name: string) =>
      Promise.all(numbers(500).map((n) => scrivener.write(`${name}${n}`)));
    const positions = await Promise.all([write(ours, 'a'), write(others, 'b')]);
    for (const own of positions) expect(own).toEqual([...own].sort((a, b) => a - b));
    const all = await stored();
    expect(all).toHaveLength(1_000);
    positions.forEach((own, index) => {
      expect(own.map((position) => all[position - 1])).toEqual(numbers(500).map((n) => `${'ab'[index]}${n}`));
    });
  });

  test('a chain that somebody else breaks continues after what came between', async () => {
    const scrivener = await open<number>({ connection: await throughProxy() });
    const other = await open<number>();
    await Promise.all(numbers(300).map((n) => scrivener.write(n)));
    const writing = Promise.all(numbers(2_000, 301).map((n) => scrivener.write(n)));
    const between = [await other.write(-1), await other.write(-2), await other.write(-3)];
    const positions = await writing;
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    const all = await stored();
    expect(all.filter((n) => Number(n) > 0)).toEqual(numbers(2_300));
    expect(between.map((position) => all[position - 1])).toEqual([-1, -2, -3]);
  });

  test('what is refused among them rejects alone', async () => {
    const scrivener = await open<string>({ streamConfig: { max_msg_size: 2_000 } });
    await Promise.all(numbers(100).map((n) => scrivener.write(String(n))));
    const outcomes = await Promise.allSettled([
      ...numbers(20, 101).map((n) => scrivener.write(String(n))),
      scrivener.write('x'.repeat(5_000)),
      scrivener.write('no', { expect: 77 }),
      scrivener.write('121', { expect: 120 }),
      ...numbers(20, 122).map((n) => scrivener.write(String(n))),
    ]);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
    expect(refused).toHaveLength(2);
    expect(refused[0]).toBeInstanceOf(SerializationError);
    expect(refused[1]).toMatchObject({ expected: 77, actual: 120 });
    expect(await stored()).toEqual(numbers(141).map(String));
  });

  test('a connection that is cut in a chain doubles nothing, and keeps the order', async () => {
    const scrivener = await open<number>({ connection: await throughProxy() });
    await Promise.all(numbers(300).map((n) => scrivener.write(n)));
    const writing = Promise.all(numbers(1_000, 301).map((n) => scrivener.write(n)));
    for (const bytes of [20_000, 30_001]) {
      proxy.cutAfter(bytes);
      await scrivener.write(0).catch(() => undefined);
    }
    expect(await writing).toEqual(numbers(1_000, 301));
    expect((await stored()).filter((n) => n !== 0)).toEqual(numbers(1_300));
  });
});
