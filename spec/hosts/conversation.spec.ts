import { Subject } from 'rxjs';
import { AdapterHost, AgentHost, entries } from 'rx-scrivener';
import { FileBookmarkStore } from 'rx-scrivener/file';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { backends } from '../patterns/backends';
import { agentSide, userSide, type ChatEntry } from './chat';

const path = useTempDir();

describe.each(backends<ChatEntry>())('a user and an agent who share nothing but a journal %s', (_, open) => {
  test('talk in turn, through a restart of the user’s side', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    const agent = new AgentHost(scrivener, agentSide);
    const stop = new AbortController();
    const work = (async () => {
      for (let last = 0; ;) {
        const { position, entry } = await agent.waitForMessage(last, { signal: stop.signal });
        await agent.sendMessage(entry.toUpperCase());
        last = position;
      }
    })();
    const ended = work.catch((error: unknown) => error);

    const shown: string[] = [];
    const session = async (lines: string[], answers: number) => {
      const incoming = new Subject<string>();
      const host = new AdapterHost({
        scrivener,
        codec: userSide,
        adapter: { incoming, deliver: async (text) => void shown.push(text) },
        bookmarks: new FileBookmarkStore(path('user.json')),
      });
      await host.start();
      for (const line of lines) incoming.next(line);
      await until(() => shown.length === answers);
      await host.shutdown();
      expect(incoming.observed).toBe(false);
    };
    await session(['a', 'b'], 2);
    await agent.sendMessage('while you were out');
    await session(['c'], 4);
    expect(shown).toEqual(['A', 'B', 'while you were out', 'C']);

    stop.abort('over');
    expect(await ended).toBe('over');
    const texts: string[] = [];
    const subscription = scrivener
      .tail()
      .pipe(entries())
      .subscribe(({ text }) => texts.push(text));
    await until(() => texts.length === 7);
    subscription.unsubscribe();
    expect(texts.filter((text) => text === text.toLowerCase())).toEqual(['a', 'b', 'while you were out', 'c']);
    await close();
  });

  test('an async iterable is written whole, in order, and each message is heard once', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    const lines = Array.from({ length: 50 }, (_, n) => String(n));
    async function* incoming(): AsyncGenerator<string> {
      yield* lines;
    }
    const host = new AdapterHost({
      scrivener,
      codec: userSide,
      adapter: { incoming: incoming(), deliver: () => undefined },
    });
    await host.start();
    const heard: string[] = [];
    for await (const { entry } of new AgentHost(scrivener, agentSide).messages()) {
      heard.push(entry);
      if (heard.length === lines.length) break;
    }
    expect(heard).toEqual(lines);
    await host.shutdown();
    await close();
  });
});
