import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { currentState, decide, project, type Projection } from 'rx-scrivener';
import { openJetStreamScrivener } from 'rx-scrivener/nats';
import { describeWithNats, useNatsServer } from './support/nats-server';

const texts: Projection<string, string> = { initial: () => '', evolve: (state, entry) => state + entry };

describeWithNats('The state of a journal in a stream', () => {
  const nats = useNatsServer();

  test('is read, kept up to date, and decided by, while others write', async () => {
    const scrivener = await openJetStreamScrivener<string>({ connection: nats.connection, stream: 'state' });
    const other = await openJetStreamScrivener<string>({ connection: nats.connection, stream: 'state' });
    expect(await currentState(scrivener, texts)).toEqual({ position: 0, state: '' });
    for (const text of ['a', 'b']) await other.write(text);
    expect(await currentState(scrivener, texts)).toEqual({ position: 2, state: 'ab' });
    expect(await firstValueFrom(project(scrivener, texts))).toEqual({ position: 2, state: 'ab' });
    for await (const { position } of project(scrivener, texts)) {
      if (position === 3) break;
      await other.write('c');
    }
    await other.write('d');
    expect(await decide(scrivener, texts, () => undefined)).toMatchObject({ state: 'abcd' });
    let asked = 0;
    const decided = decide(scrivener, texts, async () => {
      if (++asked === 1) await other.write('x');
      return 'y';
    });
    expect(await decided).toEqual({ position: 6, state: 'abcdxy', written: [6] });
    await scrivener.close();
    await other.close();
  });

  test('its entries are upgraded when they are read; the messages stay', async () => {
    const old = await openJetStreamScrivener<string>({ connection: nats.connection, stream: 'upgraded' });
    await old.write('a');
    const scrivener = await openJetStreamScrivener<{ text: string }>({
      connection: nats.connection,
      stream: 'upgraded',
      upgrade: (entry) => (typeof entry === 'string' ? { text: entry } : (entry as { text: string })),
    });
    await scrivener.write({ text: 'b' });
    const read = await lastValueFrom(scrivener.tail().pipe(take(2), toArray()));
    expect(read.map(({ entry }) => entry)).toEqual([{ text: 'a' }, { text: 'b' }]);
    expect((await firstValueFrom(old.tail())).entry).toBe('a');
    await scrivener.close();
    await old.close();
  });
});
