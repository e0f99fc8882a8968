import { durableStream, openDurableStream, type StreamRecord } from 'rx-scrivener/durable-streams';
import { openJetStreamScrivener } from 'rx-scrivener/nats';
import { describeWithNats, useNatsServer } from './support/nats-server';

describeWithNats('A journal of JetStream as a durable stream', () => {
  const nats = useNatsServer();

  test('is written by an idempotent producer and followed, and its records outlast the server', async () => {
    const serve = async () => {
      await using journal = await openJetStreamScrivener<unknown>({ connection: nats.connection, stream: 'chat' });
      await using records = await openJetStreamScrivener<StreamRecord>({
        connection: nats.connection,
        stream: 'chat-records',
      });
      const handle = durableStream(journal, { authorize: 'public', longPollMs: 100, records });
      const append = (seq: number) =>
        handle(
          new Request('http://host/chat', {
            method: 'POST',
            headers: {
              'Content-Type': 'application/json',
              'Producer-Id': 'p',
              'Producer-Epoch': '0',
              'Producer-Seq': String(seq),
            },
            body: JSON.stringify([{ seq }, { seq }]),
          }),
        );
      const statuses = [(await append(0)).status, (await append(1)).status];
      await using stream = await openDurableStream<{ seq: number }>({
        url: 'http://host/chat',
        fetch: (url, init) => handle(new Request(url, init)),
      });
      const entries: unknown[] = [];
      for await (const { position, entry } of stream.tail()) {
        entries.push(entry);
        if (position === 4) break;
      }
      return { statuses, entries, head: journal.head };
    };
    const entries = [{ seq: 0 }, { seq: 0 }, { seq: 1 }, { seq: 1 }];
    expect(await serve()).toEqual({ statuses: [200, 200], entries, head: 4 });
    expect(await serve()).toEqual({ statuses: [204, 204], entries, head: 4 });
  });
});
