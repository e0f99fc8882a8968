import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { lastValueFrom, take, toArray } from 'rxjs';
import { PositionConflictError, SerializationError } from 'rx-scrivener';
import {
  NotSupportedError,
  openJetStreamScrivener,
  WriteRefusedError,
  type JetStreamScrivener,
  type JetStreamScrivenerConfig,
} from 'rx-scrivener/nats';
import { CuttingProxy } from './support/cutting-proxy';
import { NatsCluster } from './support/nats-cluster';
import { describeWithNats, hasBatches, NatsServer, whenReady } from './support/nats-server';

jest.setTimeout(60_000);

const describeWithBatches = hasBatches
  ? describeWithNats
  : (name: string, define: () => void) =>
      describe.skip(`${name} (skipped: nats-server takes no batches before 2.12)`, define);

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

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const stored = async () => (await manager.streams.info(stream)).state.last_seq;
const until = async (last: number) => {
  while ((await stored()) < last) await new Promise((resolve) => setTimeout(resolve, 5));
};
const numbers = (length: number, from = 1) => Array.from({ length }, (_, index) => from + index);

async function read<T>(scrivener: JetStreamScrivener<T>): Promise<T[]> {
  const records = await lastValueFrom(scrivener.tail().pipe(take(await stored()), toArray()), { defaultValue: [] });
  return records.map(({ entry }) => entry);
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((scrivener) => scrivener.close()));
});

describeWithBatches('writeAll, on one server', () => {
  let server: NatsServer;
  let proxy: CuttingProxy;
  let cut: NatsConnection;

  beforeAll(async () => {
    server = await NatsServer.start();
    connection = await server.connect();
    await whenReady(connection);
    manager = await jetstreamManager(connection);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    stream = `batches-${++count}`;
    proxy = await CuttingProxy.start(server.port);
    cut = await server.connect({ servers: proxy.url });
  });
  afterEach(() => proxy.stop());

  test('a stream that is made takes batches; one that exists may not, and says so', async () => {
    await open();
    expect((await manager.streams.info(stream)).config.allow_atomic).toBe(true);
    stream += '-without';
    const without = await open({ streamConfig: { allow_atomic: false } });
    expect(await rejection(without.writeAll([1, 2]))).toBeInstanceOf(NotSupportedError);
    await manager.streams.update(stream, { allow_atomic: true });
    expect(await (await open()).writeAll([1, 2])).toEqual([1, 2]);
  });

  test('a stream that is changed to take none is reported, and `write` continues', async () => {
    const scrivener = await open();
    await scrivener.writeAll([1, 2]);
    await manager.streams.update(stream, { allow_atomic: false });
    const [group, single] = [rejection(scrivener.writeAll([3, 4])), scrivener.write(3)];
    expect(await group).toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
    expect(await single).toBe(3);
    expect(await rejection(scrivener.writeAll([4, 5]))).toBeInstanceOf(NotSupportedError);
  });

  test('a stream whose messages are persisted later can be made', async () => {
    const scrivener = await open({ streamConfig: { persist_mode: 'async' } });
    expect(await scrivener.write(1)).toBe(1);
  });

  test('an acknowledgement that is lost doubles nothing, and gives the positions', async () => {
    const scrivener = await open({ connection: cut });
    expect(await scrivener.write(1)).toBe(1);
    proxy.mute();
    const groups = [
      scrivener.writeAll([2, 3, 4]),
      scrivener.writeAll([5, 6], { expect: 4 }),
      rejection(scrivener.writeAll([90, 91], { expect: 4 })),
    ];
    await until(6);
    expect(await (await open()).writeAll([7, 8])).toEqual([7, 8]);
    proxy.cut();
    const [second, fifth, refused] = await Promise.all(groups);
    expect([second, fifth]).toEqual([
      [2, 3, 4],
      [5, 6],
    ]);
    expect(refused).toBeInstanceOf(PositionConflictError);
    expect(await read(scrivener)).toEqual(numbers(8));
  });

  test.each([700, 1_500, 2_600, 5_200])('a connection cut after %d bytes leaves no part of a group', async (bytes) => {
    const scrivener = await open({ connection: cut });
    proxy.cutAfter(bytes);
    const groups = await Promise.all(numbers(8).map((n) => scrivener.writeAll(numbers(5, 5 * n - 4))));
    expect(groups.flat()).toEqual(numbers(40));
    expect(await read(scrivener)).toEqual(numbers(40));
  });

  test('a server that is killed leaves no part of a group', async () => {
    const scrivener = await open();
    const writing = Promise.all(numbers(50).map((n) => scrivener.writeAll(numbers(20, 20 * n - 19))));
    await until(100);
    await server.kill('SIGKILL');
    server.launch();
    expect((await writing).flat()).toEqual(numbers(1_000));
    expect(await read(scrivener)).toEqual(numbers(1_000));
  });

  test('a group that is refused for one of its entries leaves none, and harms no other', async () => {
    const scrivener = await open<string>({ streamConfig: { max_msg_size: 500 } });
    const large = 'x'.repeat(1_000);
    const [first, middle, last, next] = [
      scrivener.writeAll(['a', 'b']),
      rejection(scrivener.writeAll(['c', large, 'd'])),
      rejection(scrivener.writeAll(['c', large])),
      scrivener.write('e'),
    ];
    expect(await first).toEqual([1, 2]);
    for (const error of [await middle, await last]) expect(error).toBeInstanceOf(SerializationError);
    await next;
    expect(await read(scrivener)).toEqual(['a', 'b', 'e']);
  });

  test('more than the server takes as one is refused, and so is more than the stream holds', async () => {
    const scrivener = await open({ streamConfig: { max_msgs: 3, discard: 'new' as never } });
    expect(await rejection(scrivener.writeAll(numbers(1_001)))).toBeInstanceOf(WriteRefusedError);
    expect(await scrivener.writeAll([1, 2])).toEqual([1, 2]);
    expect(await rejection(scrivener.writeAll([3, 4]))).toMatchObject({ reason: 'maximum messages exceeded' });
    expect(await scrivener.write(3)).toBe(3);
  });

  test('an entry that cannot be journaled rejects the group before anything is sent', async () => {
    const scrivener = await open<unknown>();
    expect(await rejection(scrivener.writeAll([1, undefined]))).toMatchObject({ code: 'ERR_SERIALIZATION' });
    expect(await scrivener.write(1)).toBe(1);
  });
});

describeWithBatches('Writes in a cluster go in batches', () => {
  let cluster: NatsCluster;

  beforeAll(async () => {
    cluster = await NatsCluster.start();
    connection = await cluster.connect();
    manager = await jetstreamManager(connection, { timeout: 10_000 });
  }, 120_000);
  afterAll(() => cluster.stop());
  beforeEach(() => {
    stream = `clustered-${++count}`;
  });

  const streamConfig = { num_replicas: 3 };

  test('each call has its own position and its own refusal', async () => {
    const scrivener = await open<string>({ streamConfig: { ...streamConfig, max_msg_size: 2_000 } });
    const [a, large, b, wrong, group, right] = await Promise.allSettled([
      scrivener.write('a'),
      scrivener.write('x'.repeat(5_000)),
      scrivener.write('b'),
      scrivener.write('no', { expect: 77 }),
      scrivener.writeAll(['c', 'd']),
      scrivener.write('e', { expect: 4 }),
    ]);
    expect([a, b, group, right].map((outcome) => (outcome as { value?: unknown }).value)).toEqual([1, 2, [3, 4], 5]);
    expect((large as PromiseRejectedResult).reason).toBeInstanceOf(SerializationError);
    expect((wrong as PromiseRejectedResult).reason).toMatchObject({ expected: 77, actual: 2 });
    expect(await read(scrivener)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('calls that each expect the one before go together, and fail on their own', async () => {
    const scrivener = await open({ streamConfig });
    expect(await Promise.all(numbers(50).map((n) => scrivener.write(n, { expect: n - 1 })))).toEqual(numbers(50));
    const other = await open();
    await other.write(51);
    const outcomes = await Promise.all(
      numbers(3, 51).map((n) => scrivener.write(n, { expect: n - 1 }).catch((error: unknown) => error)),
    );
    expect(outcomes[0]).toMatchObject({ code: 'ERR_POSITION_CONFLICT', expected: 50, actual: 51 });
    expect(outcomes.slice(1)).toEqual([52, 53]);
  });

  test('a signal that is aborted while the call waits for its turn rejects it alone', async () => {
    const scrivener = await open({ streamConfig });
    const aborting = new AbortController();
    const first = scrivener.write(1);
    await Promise.resolve().then(() => undefined);
    const aborted = rejection(scrivener.write(90, aborting));
    const last = scrivener.write(2);
    aborting.abort('no longer wanted');
    expect(await aborted).toBe('no longer wanted');
    expect(await Promise.all([first, last])).toEqual([1, 2]);
  });
});
