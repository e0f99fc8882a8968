import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  JournalLostError,
  JournalMismatchError,
  openJetStreamScrivener,
  type JetStreamScrivener,
} from 'rx-scrivener/nats';
import { describeWithNats, NatsServer, whenReady } from './support/nats-server';

jest.setTimeout(60_000);

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describeWithNats('a stream that goes on in another history', () => {
  let server: NatsServer;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let scrivener: JetStreamScrivener<string>;

  beforeEach(async () => {
    server = await NatsServer.start();
    connection = await server.connect();
    await whenReady(connection);
    manager = await jetstreamManager(connection);
    scrivener = await openJetStreamScrivener<string>({ connection, stream: 'a' });
  });
  afterEach(async () => {
    await scrivener.close();
    await server.stop();
  });

  test('made again by somebody: a write that is given a position again rejects, and so does every later one', async () => {
    for (let n = 1; n <= 5; n++) await scrivener.write(`old ${n}`);
    await manager.streams.delete('a');
    await manager.streams.add({ name: 'a', subjects: ['a.journal'] });
    const errors = await Promise.all([1, 2, 3].map((n) => rejection(scrivener.write(`new ${n}`))));
    expect(errors[0]).toBeInstanceOf(JournalLostError);
    for (const error of errors)
      expect(error).toMatchObject({ code: expect.stringMatching(/LOST|UNCERTAIN/) as string });
    for (let n = 4; n <= 9; n++) expect(await rejection(scrivener.write(`new ${n}`))).toBe(errors[0]);
    expect(await rejection(Promise.resolve(scrivener.tail()[Symbol.asyncIterator]().next()))).toBe(errors[0]);
  });

  describe('a server that has lost what it had acknowledged', () => {
    const backup = () => join(server.folder, 'backup');
    const restore = async () => {
      await server.kill('SIGKILL');
      await rm(join(server.folder, 'store'), { recursive: true });
      await cp(backup(), join(server.folder, 'store'), { recursive: true });
      server.launch();
    };

    beforeEach(async () => {
      for (let n = 1; n <= 3; n++) await scrivener.write(`old ${n}`);
      await server.kill('SIGTERM');
      await cp(join(server.folder, 'store'), backup(), { recursive: true });
      server.launch();
      for (let n = 4; n <= 6; n++) await scrivener.write(`old ${n}`);
    });

    test('errors a writer that had those positions, and a tail that had read them', async () => {
      const tail = scrivener.tail()[Symbol.asyncIterator]();
      for (let n = 1; n <= 6; n++) expect((await tail.next()).value).toMatchObject({ position: n });
      await restore();
      const other = await openJetStreamScrivener<string>({ connection: await server.connect(), stream: 'a' });
      for (let n = 4; n <= 8; n++) expect(await other.write(`new ${n}`)).toBe(n);
      expect(await rejection(Promise.resolve(tail.next()))).toBeInstanceOf(JournalMismatchError);
      await other.close();
    });

    test('errors a writer that is given them again', async () => {
      await restore();
      expect(await rejection(scrivener.write('new 4'))).toBeInstanceOf(JournalLostError);
      expect(await rejection(scrivener.write('new 5'))).toBeInstanceOf(JournalLostError);
    });

    test('errors a tail that had read them when nobody writes, too', async () => {
      const tail = scrivener.tail(5)[Symbol.asyncIterator]();
      expect((await tail.next()).value).toMatchObject({ position: 6 });
      await restore();
      const error = await rejection(Promise.resolve(tail.next()));
      expect(error).toBeInstanceOf(JournalMismatchError);
      expect(error).toMatchObject({ reason: 'the stream ends with position 3, and 6 was read from it' });
    });
  });
});
