import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { firstValueFrom, lastValueFrom, take, tap, toArray } from 'rxjs';
import { END, type Positioned } from 'rx-scrivener';
import { openJetStreamScrivener, type JetStreamScrivener, type JetStreamScrivenerConfig } from 'rx-scrivener/nats';
import { describeWithNats, NatsServer, whenReady } from './support/nats-server';

let server: NatsServer;
let connection: NatsConnection;
let manager: JetStreamManager;
let stream: string;
let count = 0;
const opened: JetStreamScrivener<number>[] = [];

async function open(config: Partial<JetStreamScrivenerConfig<number>> = {}): Promise<JetStreamScrivener<number>> {
  const scrivener = await openJetStreamScrivener<number>({ connection, stream, ...config });
  opened.push(scrivener);
  return scrivener;
}

/** A journal of the numbers from 1 on, so that each is its own position. */
async function filled(
  last: number,
  config?: Partial<JetStreamScrivenerConfig<number>>,
): Promise<JetStreamScrivener<number>> {
  const scrivener = await open(config);
  for (let n = 1; n <= last; n++) await scrivener.write(n);
  return scrivener;
}

const positions = (records: readonly Positioned<number>[]) => records.map(({ position }) => position);
const consumers = async () => (await manager.streams.info(stream)).state.consumer_count;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What a tail gives, and how it ends. */
function watch(scrivener: JetStreamScrivener<number>, after = 0) {
  const seen: unknown[] = [];
  const subscription = scrivener
    .tail(after, { caughtUp: (position) => seen.push(`caught up at ${position}`) })
    .subscribe({
      next: ({ position }) => seen.push(position),
      error: (error: unknown) => seen.push(error),
      complete: () => seen.push('complete'),
    });
  return { seen, subscription, reaches: (length: number) => until(() => seen.length >= length) };
}

describeWithNats('What JetStream does otherwise than a journal', () => {
  beforeAll(async () => {
    server = await NatsServer.start({ config: 'max_payload: 8Mb' });
    connection = await server.connect();
    await whenReady(connection);
    manager = await jetstreamManager(connection);
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    stream = `traps-${++count}`;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((scrivener) => scrivener.close()));
  });

  describe('deleted and purged messages', () => {
    test('a hole errors a tail where it is, after what comes before it', async () => {
      const scrivener = await filled(6);
      await manager.streams.deleteMessage(stream, 3);
      await manager.streams.deleteMessage(stream, 4);
      const { seen, reaches } = watch(scrivener);
      await reaches(3);
      expect(seen).toEqual([1, 2, expect.objectContaining({ code: 'ERR_POSITION_TRIMMED', requested: 3, first: 5 })]);
    });

    test('a hole errors readBackward where it is, after what comes after it', async () => {
      const scrivener = await filled(6);
      await manager.streams.deleteMessage(stream, 2);
      await manager.streams.deleteMessage(stream, 4);
      const seen: number[] = [];
      const reading = scrivener.readBackward().pipe(tap(({ position }) => seen.push(position)));
      await expect(lastValueFrom(reading)).rejects.toMatchObject({
        code: 'ERR_POSITION_TRIMMED',
        requested: 4,
        first: 5,
      });
      expect(seen).toEqual([6, 5]);
      expect(positions(await lastValueFrom(scrivener.readBackward(4).pipe(take(1), toArray())))).toEqual([3]);
      await expect(lastValueFrom(scrivener.readBackward(5))).rejects.toMatchObject({ requested: 4, first: 5 });
      await expect(lastValueFrom(scrivener.readBackward(3))).rejects.toMatchObject({ requested: 2, first: 3 });
    });

    test('a hole that appears while a reader is behind is reported', async () => {
      const scrivener = await filled(1_500);
      const iterator = scrivener.tail()[Symbol.asyncIterator]();
      await iterator.next();
      await manager.streams.deleteMessage(stream, 1_400);
      const read = async () => {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) last = next.value.position;
      };
      let last = 0;
      await expect(read()).rejects.toMatchObject({ requested: 1_400, first: 1_401 });
      expect(last).toBe(1_399);
    });

    test('a hole at the end errors who comes to it, and no other', async () => {
      const scrivener = await filled(4);
      await manager.streams.deleteMessage(stream, 4);
      const trimmed = { code: 'ERR_POSITION_TRIMMED', requested: 4, first: 5 };
      await expect(lastValueFrom(scrivener.tail(3))).rejects.toMatchObject(trimmed);
      await expect(lastValueFrom(scrivener.tail())).rejects.toMatchObject(trimmed);
      await expect(lastValueFrom(scrivener.readBackward())).rejects.toMatchObject(trimmed);
      const { seen, reaches } = watch(scrivener, 4);
      await reaches(1);
      expect(await scrivener.write(5)).toBe(5);
      await reaches(2);
      expect(seen).toEqual(['caught up at 4', 5]);
    });

    test('a purged beginning errors who starts in it at once, also when nothing is left', async () => {
      const scrivener = await filled(6);
      await manager.streams.purge(stream, { seq: 4 });
      await expect(firstValueFrom(scrivener.tail(1))).rejects.toMatchObject({ requested: 2, first: 4 });
      await expect(scrivener.waitFor(0, () => true)).rejects.toMatchObject({ requested: 1, first: 4 });
      expect((await firstValueFrom(scrivener.tail(3))).position).toBe(4);
      await manager.streams.purge(stream);
      await expect(firstValueFrom(scrivener.tail(2))).rejects.toMatchObject({ requested: 3, first: 7 });
      await expect(lastValueFrom(scrivener.readBackward())).rejects.toMatchObject({ requested: 6, first: 7 });
      expect(await scrivener.write(7, { expect: 6 })).toBe(7);
      expect((await firstValueFrom(scrivener.tail(6))).position).toBe(7);
    });

    test('a stream that keeps its newest messages alone is a journal that retains', async () => {
      const scrivener = await filled(5, { streamConfig: { max_msgs: 3 } });
      await expect(firstValueFrom(scrivener.tail())).rejects.toMatchObject({ requested: 1, first: 3 });
      const { seen, reaches } = watch(scrivener, 2);
      await reaches(4);
      expect(seen).toEqual([3, 4, 5, 'caught up at 5']);
      await expect(lastValueFrom(scrivener.readBackward())).rejects.toMatchObject({ requested: 2, first: 3 });
    });
  });

  describe('where a consumer starts', () => {
    test('one that starts past the end gives nothing before its start', async () => {
      const scrivener = await filled(3);
      const { seen, reaches } = watch(scrivener, 5);
      await reaches(1);
      for (let n = 4; n <= 7; n++) await scrivener.write(n);
      await reaches(3);
      expect(seen).toEqual(['caught up at 3', 6, 7]);
    });

    test('one that is lost before its first message is followed by another at its start', async () => {
      const scrivener = await filled(3);
      const { seen, reaches } = watch(scrivener, 3);
      await reaches(1);
      const [lost] = await manager.consumers.list(stream).next();
      await manager.consumers.delete(stream, lost!.name);
      await scrivener.write(4);
      await reaches(2);
      expect(seen).toEqual(['caught up at 3', 4]);
    });

    test('one that is lost between two messages is followed by another after the first', async () => {
      const scrivener = await filled(2);
      const { seen, reaches } = watch(scrivener);
      await reaches(3);
      for (const n of [3, 4, 5]) {
        const [lost] = await manager.consumers.list(stream).next();
        await manager.consumers.delete(stream, lost!.name);
        await scrivener.write(n);
        await until(() => seen.includes(n));
      }
      expect(seen).toEqual([1, 2, 'caught up at 2', 3, 4, 5]);
    });
  });

  describe('consumers', () => {
    test('are gone when nobody reads, however soon it was left', async () => {
      const scrivener = await filled(3);
      const { subscription, reaches } = watch(scrivener);
      await reaches(4);
      expect(await consumers()).toBe(1);
      subscription.unsubscribe();
      await until(async () => (await consumers()) === 0);
      scrivener.tail().subscribe().unsubscribe();
      scrivener.readBackward().subscribe().unsubscribe();
      for (let turn = 0; turn < 5; turn++) {
        const leaving = scrivener.tail().subscribe();
        await new Promise((resolve) => setTimeout(resolve, turn));
        leaving.unsubscribe();
      }
      await firstValueFrom(scrivener.tail());
      await until(async () => (await consumers()) === 0);
    });

    test('of a reader that is closed while it waits are gone, and it completes', async () => {
      const scrivener = await filled(2);
      const { seen, reaches } = watch(scrivener);
      const iterator = scrivener.tail(2)[Symbol.asyncIterator]();
      const next = iterator.next();
      await reaches(3);
      await scrivener.close();
      expect(await next).toEqual({ done: true, value: undefined });
      expect(seen).toEqual([1, 2, 'caught up at 2', 'complete']);
      await until(async () => (await consumers()) === 0);
    });

    test('hold for a slow reader no more than one page', async () => {
      const scrivener = await filled(2_000);
      const iterator = scrivener.tail()[Symbol.asyncIterator]();
      await iterator.next();
      const delivered = async () => (await manager.consumers.list(stream).next())[0]!.delivered.stream_seq;
      await until(async () => (await delivered()) >= 512);
      await connection.flush();
      expect(await delivered()).toBe(512);
      await iterator.return!();
    });
  });

  describe('ids', () => {
    test('are never reused, so that no entry is dropped as the duplicate of another', async () => {
      const [first, second] = [await open(), await open()];
      for (let n = 1; n <= 20; n++) expect(await (n % 2 ? first : second).write(1)).toBe(n);
    });
  });

  describe('messages larger than what is asked for', () => {
    test('come alone', async () => {
      const scrivener = await openJetStreamScrivener<string>({ connection, stream });
      const large = 'x'.repeat(900_000);
      const larger = 'x'.repeat(5_000_000);
      const entries = Array.from({ length: 12 }, (_, index) => `${index}${index % 5 === 3 ? larger : large}`);
      for (const entry of entries) await scrivener.write(entry);
      const read = await lastValueFrom(scrivener.tail().pipe(take(12), toArray()));
      expect(read.map(({ entry }) => entry)).toEqual(entries);
      const backward = await lastValueFrom(scrivener.readBackward().pipe(toArray()));
      expect(backward.map(({ entry }) => entry).reverse()).toEqual(entries);
      await scrivener.close();
    });

    test('than the server takes are a SerializationError, and harm no other', async () => {
      const scrivener = await openJetStreamScrivener<string>({ connection, stream });
      const writes = ['a', 'x'.repeat(8_400_000), 'b'].map((entry) => scrivener.write(entry));
      await expect(writes[1]).rejects.toMatchObject({ code: 'ERR_SERIALIZATION' });
      expect(await Promise.all([writes[0], writes[2]])).toEqual([1, 2]);
      await scrivener.close();
    });
  });

  describe('foreign payloads', () => {
    test.each([
      ['not JSON', 'hello'],
      ['not a JSON object', '[1]'],
      ['schemaVersion', '{"schemaVersion":"2","entry":1}'],
      ['no entry', '{"schemaVersion":"1"}'],
      ['not JSON', '{"schemaVersion":"1","entry":}'],
      ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
      ['not JSON', ''],
    ])('%s: CorruptEntryError with the sequence, after the entries before it', async (reason, payload) => {
      const scrivener = await filled(2);
      await jetstream(connection).publish(`${stream}.journal`, payload);
      await scrivener.write(4);
      const error = expect.objectContaining({
        code: 'ERR_CORRUPT_ENTRY',
        reason: expect.stringMatching(new RegExp(`sequence 3: .*${reason}`)) as string,
      }) as Error;
      const { seen, reaches } = watch(scrivener);
      await reaches(3);
      expect(seen).toEqual([1, 2, error]);
      const backward: unknown[] = [];
      scrivener.readBackward().subscribe({
        next: ({ position }) => backward.push(position),
        error: (error: unknown) => backward.push(error),
      });
      await until(() => backward.length === 2);
      expect(backward).toEqual([4, error]);
      expect((await firstValueFrom(scrivener.tail(3))).position).toBe(4);
    });

    test('with their keys in another order are read', async () => {
      const scrivener = await open();
      await jetstream(connection).publish(
        `${stream}.journal`,
        ' { "entry" : 1, "by": "hand", "schemaVersion" : "1" } ',
      );
      expect(await firstValueFrom(scrivener.tail())).toEqual({ position: 1, entry: 1 });
    });
  });

  test('a tail past the end is no reason to think that the journal goes so far', async () => {
    const scrivener = await filled(2);
    const { reaches } = watch(scrivener, 700);
    await reaches(1);
    await scrivener.write(3);
    await firstValueFrom(scrivener.tail());
    expect(scrivener.head).toBe(3);
  });

  test('tail(END) completes and tells the last position known', async () => {
    const { seen, reaches } = watch(await filled(2), END);
    await reaches(2);
    expect(seen).toEqual(['caught up at 2', 'complete']);
  });
});
