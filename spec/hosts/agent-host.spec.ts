import { getEventListeners } from 'node:events';
import { TimeoutError } from 'rxjs';
import {
  AgentHost,
  END,
  InMemoryScrivener,
  JournalStream,
  TappedScrivener,
  type MessageCodec,
  type Position,
  type Positioned,
  type WaitOptions,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { agentSide, byAgent, byUser, noted, type ChatEntry } from './chat';

const boom = new Error('boom');
let journal: InMemoryScrivener<ChatEntry>;
let host: AgentHost<string, ChatEntry>;
beforeEach(() => {
  journal = new InMemoryScrivener();
  host = new AgentHost(journal, agentSide);
});
afterEach(() => {
  expect(journal.observed).toBe(false);
  jest.useRealTimers();
});

function written(): ChatEntry[] {
  const log: ChatEntry[] = [];
  journal.readBackward().subscribe(({ entry }) => log.unshift(entry));
  return log;
}

describe('waitForMessage', () => {
  beforeEach(() => {
    for (const entry of [noted('x'), byUser('a'), byAgent('mine'), byUser('b')]) journal.append(entry);
  });

  test.each<[Position | undefined, Positioned<string>]>([
    [undefined, { position: 2, entry: 'a' }],
    [0, { position: 2, entry: 'a' }],
    [1, { position: 2, entry: 'a' }],
    [2, { position: 4, entry: 'b' }],
    [3, { position: 4, entry: 'b' }],
  ])('after %p', async (after, expected) => {
    expect(await host.waitForMessage(after)).toEqual(expected);
  });

  test('waits for one that is for this side', async () => {
    const waiting = track(host.waitForMessage(4));
    for (const entry of [noted('y'), byAgent('z')]) journal.append(entry);
    await settle();
    expect(waiting.state).toBe('pending');
    journal.append(byUser('c'));
    journal.append(byUser('d'));
    await settle();
    expect(waiting.value).toEqual({ position: 7, entry: 'c' });
  });

  test('read on from its position: every message once, in order', async () => {
    const got: string[] = [];
    for (let last = 0; got.length < 2;) {
      const { position, entry } = await host.waitForMessage(last);
      got.push(entry);
      last = position;
    }
    expect(got).toEqual(['a', 'b']);
  });

  test('several at once do not mix', async () => {
    const waits = [1, 2, 4].map((after) => host.waitForMessage(after));
    journal.append(byUser('c'));
    expect((await Promise.all(waits)).map(({ entry }) => entry)).toEqual(['a', 'b', 'c']);
  });

  test('timeout', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    const waiting = track(host.waitForMessage(4, { timeout: 100 }));
    await jest.advanceTimersByTimeAsync(99);
    journal.append(noted('not for this side, so it does not count'));
    expect(waiting.state).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(waiting.error).toBeInstanceOf(TimeoutError);
  });

  test('abort, before and while it waits', async () => {
    await expect(host.waitForMessage(4, { signal: AbortSignal.abort(boom) })).rejects.toBe(boom);
    const controller = new AbortController();
    const waiting = track(host.waitForMessage(4, { signal: controller.signal }));
    await settle();
    controller.abort(boom);
    await settle();
    expect(waiting.error).toBe(boom);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('a journal that ends', async () => {
    journal.complete();
    await expect(host.waitForMessage(4)).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    expect(await host.waitForMessage(2)).toEqual({ position: 4, entry: 'b' });
  });

  test.each([-1, 0.5, NaN, END])('%p is no position to wait after', async (after) => {
    await expect(host.waitForMessage(after)).rejects.toThrow(RangeError);
  });

  test('a codec that throws', async () => {
    const broken = new AgentHost(journal, {
      ...agentSide,
      toMessage: () => {
        throw boom;
      },
    });
    await expect(broken.waitForMessage()).rejects.toBe(boom);
  });

  test('a message that is falsy but not undefined is one', async () => {
    for (const message of [null, 0, '', false]) {
      const scrivener = new InMemoryScrivener<unknown>();
      const codec: MessageCodec<unknown, unknown> = { toEntry: (m) => m, toMessage: (entry) => entry };
      scrivener.append(undefined);
      scrivener.append(message);
      expect(await new AgentHost(scrivener, codec).waitForMessage()).toEqual({ position: 2, entry: message });
    }
  });

  test('gives the message of the entry it was given, whatever else the journal looked at', async () => {
    // A backend that matches whole pages and takes the first.
    class Paged extends InMemoryScrivener<ChatEntry> {
      override async waitFor(
        after: Position,
        match: (entry: ChatEntry) => boolean,
        _options?: WaitOptions,
      ): Promise<never> {
        const page: Positioned<ChatEntry>[] = [];
        this.readBackward().subscribe((record) => page.unshift(record));
        const matching = page.filter(({ position, entry }) => match(entry) && position > after);
        return matching[0] as never;
      }
    }
    const paged = new Paged();
    for (const text of 'abc') paged.append(byUser(text));
    paged.append(noted('x'));
    expect(await new AgentHost(paged, agentSide).waitForMessage()).toEqual({ position: 1, entry: 'a' });
  });
});

describe('sendMessage', () => {
  test('writes in order of the calls, and resolves with positions', async () => {
    const sent = ['a', 'b', 'c'].map((text) => host.sendMessage(text));
    expect(await Promise.all(sent)).toEqual([1, 2, 3]);
    expect(written()).toEqual([byAgent('a'), byAgent('b'), byAgent('c')]);
  });

  test('rejects with what the codec throws, and with the journal’s error; nothing is written', async () => {
    const broken = new AgentHost<string, ChatEntry>(journal, {
      ...agentSide,
      toEntry: () => {
        throw boom;
      },
    });
    let sent: Promise<Position> | undefined;
    expect(() => (sent = broken.sendMessage('a'))).not.toThrow();
    await expect(sent).rejects.toBe(boom);
    journal.complete();
    await expect(host.sendMessage('a')).rejects.toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    expect(written()).toEqual([]);
  });
});

describe('ask', () => {
  const isYes = (text: string): text is 'yes' => text === 'yes';

  test('resolves with the first answer after the question, not with an older one or another message', async () => {
    journal.append(byUser('yes'));
    const asking = track(host.ask('ready?', isYes));
    await settle();
    for (const entry of [noted('x'), byAgent('yes'), byUser('what?')]) journal.append(entry);
    await settle();
    expect(asking.state).toBe('pending');
    journal.append(byUser('yes'));
    await settle();
    expect(asking.value).toEqual({ position: 6, entry: 'yes' });
    expect(written()[1]).toEqual(byAgent('ready?'));
  });

  test('gets an answer that comes before the write has resolved', async () => {
    const subscription = journal.tail().subscribe(({ entry }) => {
      if (entry.text === 'ready?') journal.append(byUser('yes'));
    });
    expect(await host.ask('ready?', isYes)).toEqual({ position: 2, entry: 'yes' });
    subscription.unsubscribe();
  });

  test('timeout counts from the moment the question is written, and the question stays', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    const slow = new TappedScrivener<ChatEntry>(journal, async (entry, inner, options) => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return inner.write(entry, options);
    });
    const asking = track(new AgentHost(slow, agentSide).ask('ready?', isYes, { timeout: 100 }));
    await jest.advanceTimersByTimeAsync(1_099);
    expect([asking.state, journal.head]).toEqual(['pending', 1]);
    await jest.advanceTimersByTimeAsync(1);
    expect(asking.error).toBeInstanceOf(TimeoutError);
    expect(jest.getTimerCount()).toBe(0);
    expect(written()).toEqual([byAgent('ready?')]);
  });

  test.each<[string, WaitOptions, unknown]>([
    ['an aborted signal', { signal: AbortSignal.abort(boom) }, boom],
    ['a timeout that is none', { timeout: -1 }, expect.any(RangeError)],
    ['a timeout that is no number', { timeout: NaN }, expect.any(RangeError)],
  ])('%s: nothing is asked', async (_, options, error) => {
    const asking = track(host.ask('ready?', isYes, options));
    await settle();
    expect([asking, written()]).toEqual([{ state: 'rejected', error }, []]);
  });

  test('an abort while it waits', async () => {
    const controller = new AbortController();
    const asking = track(host.ask('ready?', isYes, { signal: controller.signal }));
    await settle();
    controller.abort(boom);
    await settle();
    expect(asking.error).toBe(boom);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('what isAnswer throws', async () => {
    const asking = host.ask('ready?', (_: string): _ is string => {
      throw boom;
    });
    await settle();
    journal.append(byUser('yes'));
    await expect(asking).rejects.toBe(boom);
  });

  test('a journal that ends first', async () => {
    const asking = track(host.ask('ready?', isYes));
    await settle();
    journal.complete();
    await settle();
    expect(asking.error).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
  });
});

describe('each entry is translated once', () => {
  test('in a wait, an ask and a loop', async () => {
    const translated: string[] = [];
    const counting = new AgentHost<string, ChatEntry>(journal, {
      ...agentSide,
      toMessage: (entry) => {
        translated.push(entry.text);
        return agentSide.toMessage(entry);
      },
    });
    for (const text of 'ab') journal.append(byUser(text));
    expect((await counting.waitForMessage()).entry).toBe('a');
    expect(translated).toEqual(['a']);
    const asking = counting.ask('ready?', (text) => text === 'yes');
    await settle();
    for (const text of ['no', 'yes']) journal.append(byUser(text));
    expect(await asking).toEqual({ position: 5, entry: 'yes' });
    expect(translated).toEqual(['a', 'no', 'yes']);
  });

  test('a journal that gives copies of its entries is translated from what it gives', async () => {
    class Copying extends InMemoryScrivener<ChatEntry> {
      override async waitFor(
        after: Position,
        match: (entry: ChatEntry) => boolean,
        options?: WaitOptions,
      ): Promise<never> {
        const { position, entry } = await super.waitFor(after, match, options);
        return { position, entry: { ...entry } } as never;
      }
    }
    const copying = new Copying();
    copying.append(byUser('a'));
    expect(await new AgentHost(copying, agentSide).waitForMessage()).toEqual({ position: 1, entry: 'a' });
  });
});

test('ask tells the matcher where the question stands', async () => {
  journal.append(noted('x'));
  const asking = host.ask('ready?', (text, asked) => text === `yes to ${asked}`);
  await settle();
  for (const text of ['yes to 1', 'yes to 2']) journal.append(byUser(text));
  expect(await asking).toEqual({ position: 4, entry: 'yes to 2' });
});

describe('messages', () => {
  beforeEach(() => {
    for (const entry of [byUser('a'), noted('x'), byAgent('mine'), byUser('b')]) journal.append(entry);
  });

  test('are a JournalStream, cold, with gaps, the past and then live', () => {
    const stream = host.messages();
    expect(stream).toBeInstanceOf(JournalStream);
    const logs: Positioned<string>[][] = [[], []];
    const subscriptions = logs.map((log) => stream.subscribe((record) => log.push(record)));
    journal.append(byUser('c'));
    const all = [
      { position: 1, entry: 'a' },
      { position: 4, entry: 'b' },
      { position: 5, entry: 'c' },
    ];
    expect(logs).toEqual([all, all]);
    for (const subscription of subscriptions) subscription.unsubscribe();
  });

  test('after a position', () => {
    const log: string[] = [];
    host
      .messages(1)
      .subscribe(({ entry }) => log.push(entry))
      .unsubscribe();
    expect(log).toEqual(['b']);
  });

  test.each([-1, 0.5, NaN])('after %p: RangeError at the call', (after) => {
    expect(() => host.messages(after)).toThrow(RangeError);
  });

  test('iterated, they are pulled: a slow loop translates no more than it takes', async () => {
    const translated: string[] = [];
    const spy = new AgentHost<string, ChatEntry>(journal, {
      ...agentSide,
      toMessage: (entry) => {
        translated.push(entry.text);
        return agentSide.toMessage(entry);
      },
    });
    const iterator = spy.messages()[Symbol.asyncIterator]();
    await settle();
    expect(translated).toEqual([]);
    expect(await iterator.next()).toEqual({ done: false, value: { position: 1, entry: 'a' } });
    await settle();
    expect(translated).toEqual(['a']);
    expect(await iterator.next()).toEqual({ done: false, value: { position: 4, entry: 'b' } });
    await iterator.return!();
  });

  test('break and return release it, also while it waits', async () => {
    for await (const { entry } of host.messages()) if (entry === 'b') break;
    expect(journal.observed).toBe(false);
    const iterator = host.messages(4)[Symbol.asyncIterator]();
    const pending = track(iterator.next());
    await settle();
    expect(journal.observed).toBe(true);
    await iterator.return!();
    await settle();
    expect([pending.value, journal.observed]).toEqual([{ done: true, value: undefined }, false]);
  });

  test('can be passed on to by `yield*`, and thrown into', async () => {
    async function* passedOn(): AsyncGenerator<Positioned<string>> {
      yield* host.messages()[Symbol.asyncIterator]() as AsyncIterableIterator<Positioned<string>>;
    }
    const generator = passedOn();
    expect((await generator.next()).value).toEqual({ position: 1, entry: 'a' });
    await expect(generator.throw(boom)).rejects.toBe(boom);
    expect(await generator.next()).toEqual({ done: true, value: undefined });
    expect(journal.observed).toBe(false);
  });

  test('end with the journal, and fail with it and with the codec', async () => {
    const loop = async (to: AgentHost<string, ChatEntry>) => {
      const log: unknown[] = [];
      try {
        for await (const { entry } of to.messages()) log.push(entry);
        log.push('|');
      } catch (error) {
        log.push(error);
      }
      const pushed: unknown[] = [];
      to.messages().subscribe({
        next: ({ entry }) => pushed.push(entry),
        error: (error: unknown) => pushed.push(error),
        complete: () => pushed.push('|'),
      });
      expect(pushed).toEqual(log);
      return log;
    };
    const broken = new AgentHost<string, ChatEntry>(journal, {
      ...agentSide,
      toMessage: (entry) => {
        if (entry.text === 'b') throw boom;
        return agentSide.toMessage(entry);
      },
    });
    expect(await loop(broken)).toEqual(['a', boom]);
    expect(journal.observed).toBe(false);
    const retaining = new InMemoryScrivener<ChatEntry>({ retain: 1 });
    for (const text of 'abc') retaining.append(byUser(text));
    expect(await loop(new AgentHost(retaining, agentSide))).toEqual([
      expect.objectContaining({ code: 'ERR_POSITION_TRIMMED' }),
    ]);
    journal.complete();
    expect(await loop(host)).toEqual(['a', 'b', '|']);
  });
});
