import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlusherDaemon, countThreshold, JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { copyJournal, openJetStreamScrivener } from 'rx-scrivener/nats';
import { describeWithNats, useNatsServer } from './support/nats-server';

interface Said {
  readonly type: 'Said';
  readonly text: string;
}

describeWithNats('Between files and streams', () => {
  const nats = useNatsServer();
  const file = (name: string) => join(nats.server.folder, name);

  test('a journal moves from a file to a stream and back, and the files are the same', async () => {
    const first = await openFileScrivener<Said>({ filePath: file('first.ndjson') });
    for (let n = 1; n <= 1_000; n++) first.append({ type: 'Said', text: `Grüße ${n} 🖋` });
    const stream = await openJetStreamScrivener<Said>({ connection: nats.connection, stream: 'moved' });
    expect(await copyJournal(first, stream)).toBe(1_000);
    expect(await stream.write({ type: 'Said', text: 'in the stream' })).toBe(1_001);
    const second = await openFileScrivener<Said>({ filePath: file('second.ndjson') });
    expect(await copyJournal(stream, second)).toBe(1_001);
    expect(await copyJournal(stream, second)).toBe(1_001);
    await Promise.all([first.close(), second.close(), stream.close()]);
    const [before, after] = ['first.ndjson', 'second.ndjson'].map((name) => readFileSync(file(name), 'utf8'));
    expect(after!.startsWith(before!)).toBe(true);
    expect(after!.trimEnd().split('\n')).toHaveLength(1_001);
  });

  test('copies that are cut off by the death of the server continue', async () => {
    const from = await openFileScrivener<Said>({ filePath: file('cut.ndjson') });
    for (let n = 1; n <= 5_000; n++) from.append({ type: 'Said', text: String(n) });
    const stream = await openJetStreamScrivener<Said>({ connection: nats.connection, stream: 'cut' });
    const copying = copyJournal(from, stream).catch((error: unknown) => error);
    await stream.waitFor(0, ({ text }) => text === '500');
    await nats.server.kill('SIGKILL');
    nats.server.launch();
    await copying;
    expect(await copyJournal(from, stream)).toBe(5_000);
    let count = 0;
    for await (const { position, entry } of stream.tail()) {
      expect(entry.text).toBe(String(++count));
      if (position === 5_000) break;
    }
    await Promise.all([from.close(), stream.close()]);
  });

  test('a flusher keeps a copy of a stream in a file', async () => {
    const scrivener = await openJetStreamScrivener<Said>({ connection: nats.connection, stream: 'mirrored' });
    const serializer = new JsonEntrySerializer<Said>();
    const filePath = file('mirror.ndjson');
    const mirror = () =>
      new FlusherDaemon<Said>({
        scrivener,
        sink: new FileAppendSink({ filePath, serializer }),
        predicate: countThreshold(10),
      });
    const flusher = mirror();
    await flusher.start();
    for (let n = 1; n <= 25; n++) await scrivener.write({ type: 'Said', text: String(n) });
    await flusher.whenFlushed(20);
    await flusher.shutdown();
    const texts: string[] = [];
    for await (const { position, entry } of readJournal<Said>(filePath)) {
      expect(position).toBe(texts.push(entry.text));
    }
    expect(texts).toEqual(Array.from({ length: 25 }, (_, index) => String(index + 1)));
    await scrivener.close();
  });
});
