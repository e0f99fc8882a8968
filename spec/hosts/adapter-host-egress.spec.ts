import { NEVER, Subject } from 'rxjs';
import {
  AdapterHost,
  END,
  InMemoryScrivener,
  type Adapter,
  type AdapterHostOptions,
  type DaemonEvent,
  type MessageCodec,
  type Position,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { byAgent, byUser, noted, SlowDelivery, userSide, type ChatEntry } from './chat';

const boom = new Error('boom');
let journal: InMemoryScrivener<ChatEntry>;
let events: InMemoryScrivener<DaemonEvent>;
let delivered: [Position, string][];
const record: Adapter<string>['deliver'] = (text, position) => void delivered.push([position, text]);
beforeEach(() => {
  journal = new InMemoryScrivener();
  events = new InMemoryScrivener();
  delivered = [];
});

function hostOf(
  deliver: Adapter<string>['deliver'] = record,
  options: Partial<AdapterHostOptions<string, ChatEntry>> = {},
): AdapterHost<string, ChatEntry> {
  const adapter = { incoming: NEVER, deliver };
  return new AdapterHost({
    scrivener: journal,
    codec: userSide,
    adapter,
    daemonEvents: events,
    name: 'client',
    ...options,
  });
}

function journaled(): unknown[] {
  const log: unknown[] = [];
  events
    .readBackward()
    .subscribe(({ entry }) => log.unshift(entry.type === 'StatusChanged' ? entry.status : entry.error));
  return log;
}

describe('what is wrong is refused when it is built', () => {
  test.each([-1, 0.5, NaN, Infinity, '1', null])('after: %p', (after) => {
    expect(() => hostOf(record, { after: after as number })).toThrow(RangeError);
  });

  test('after and bookmarks at once', () => {
    const bookmarks = { load: async () => 0, save: async () => undefined };
    expect(() => hostOf(record, { after: 0, bookmarks })).toThrow(TypeError);
    expect(() => hostOf(record, { after: undefined, bookmarks })).not.toThrow();
  });
});

describe('where delivery begins', () => {
  beforeEach(() => {
    for (const text of ['old', 'older']) journal.append(byAgent(text));
  });

  test('by default after the history that is there at start', async () => {
    await hostOf().start();
    journal.append(byAgent('new'));
    await settle();
    expect(delivered).toEqual([[3, 'new']]);
  });

  test('the end at start, not that at construction', async () => {
    const host = hostOf();
    journal.append(byAgent('before start'));
    const started = host.start();
    journal.append(byAgent('right behind'));
    await started;
    await settle();
    expect(delivered).toEqual([[4, 'right behind']]);
  });

  test.each([
    [0, [1, 2, 3]],
    [1, [2, 3]],
    [2, [3]],
    [END, []],
  ])('after: %p', async (after, positions) => {
    await hostOf(record, { after }).start();
    journal.append(byAgent('new'));
    await settle();
    expect(delivered.map(([position]) => position)).toEqual(positions);
  });

  test('after a position that is not there yet', async () => {
    await hostOf(record, { after: 4 }).start();
    for (const text of ['c', 'd', 'e']) journal.append(byAgent(text));
    await settle();
    expect(delivered).toEqual([[5, 'e']]);
  });

  test('of an empty journal, all of it', async () => {
    journal = new InMemoryScrivener();
    await hostOf().start();
    journal.append(byAgent('first'));
    await settle();
    expect(delivered).toEqual([[1, 'first']]);
  });

  test('of a journal that dropped its oldest entries, its end', async () => {
    journal = new InMemoryScrivener({ retain: 2 });
    for (const text of 'abcd') journal.append(byAgent(text));
    const host = hostOf();
    await host.start();
    journal.append(byAgent('e'));
    await settle();
    expect([delivered, host.status]).toEqual([[[5, 'e']], 'Running']);
    await host.shutdown();
  });
});

describe('delivery', () => {
  test('gives each message at its position, and passes over what is for nobody or its own', async () => {
    await hostOf().start();
    for (const entry of [noted('x'), byUser('mine'), byAgent('a'), noted('y'), byAgent('b')]) journal.append(entry);
    await settle();
    expect(delivered).toEqual([
      [3, 'a'],
      [5, 'b'],
    ]);
  });

  test('one at a time, in order', async () => {
    const slow = new SlowDelivery();
    await hostOf(slow.deliver).start();
    for (const text of 'abc') journal.append(byAgent(text));
    for (const begun of ['a', 'ab', 'abc']) {
      await settle();
      expect(slow.begun.join('')).toBe(begun);
      slow.finish();
    }
    await settle();
    expect([slow.done, slow.peak]).toEqual([['a', 'b', 'c'], 1]);
  });

  test('waits in the journal, not in a queue: writers continue, and nothing is read ahead', async () => {
    const slow = new SlowDelivery();
    const translated: string[] = [];
    const codec: MessageCodec<string, ChatEntry> = {
      ...userSide,
      toMessage: (entry) => {
        translated.push(entry.text);
        return userSide.toMessage(entry);
      },
    };
    await hostOf(slow.deliver, { codec }).start();
    for (let i = 0; i < 1_000; i++) journal.append(byAgent(String(i)));
    await settle();
    expect(journal.head).toBe(1_000);
    expect(translated).toEqual(['0']);
  });

  test('a message that is falsy but not undefined is delivered', async () => {
    const got: unknown[] = [];
    const host = new AdapterHost<unknown, unknown>({
      scrivener: new InMemoryScrivener<unknown>(),
      codec: { toEntry: (message) => message, toMessage: (entry) => entry },
      adapter: { incoming: ['', 0, null, false], deliver: (message) => void got.push(message) },
    });
    await host.start();
    await settle();
    expect(got).toEqual(['', 0, null, false]);
  });

  test('is called on its adapter', async () => {
    class Client implements Adapter<string> {
      readonly incoming = NEVER;
      readonly got: string[] = [];
      deliver(text: string): void {
        this.got.push(text);
      }
    }
    const adapter = new Client();
    await new AdapterHost({ scrivener: journal, codec: userSide, adapter }).start();
    journal.append(byAgent('a'));
    await settle();
    expect(adapter.got).toEqual(['a']);
  });

  test('that writes to the journal is given what it wrote, after what was there before', async () => {
    await hostOf((text): void => {
      void record(text, 0);
      if (text.length < 3) journal.append(byAgent(text + '!'));
    }).start();
    journal.append(byAgent('a'));
    journal.append(byAgent('b'));
    await settle();
    expect(delivered.map(([, text]) => text)).toEqual(['a', 'b', 'a!', 'b!', 'a!!', 'b!!']);
  });

  test('that waits for what it wrote is not held up by itself', async () => {
    await hostOf(async (text) => {
      void record(text, 0);
      if (text !== 'a') return;
      const position = await journal.write(noted('delivering'));
      await journal.waitFor(position - 1, (entry) => entry.type === 'Noted');
    }).start();
    journal.append(byAgent('a'));
    journal.append(byAgent('b'));
    await settle();
    expect(delivered.map(([, text]) => text)).toEqual(['a', 'b']);
  });

  test('that shuts its host down is finished, and is the last', async () => {
    let down: Promise<void> | undefined;
    const host = hostOf(async (text) => {
      down ??= host.shutdown();
      await settle();
      void record(text, 0);
    });
    await host.start();
    journal.append(byAgent('a'));
    journal.append(byAgent('b'));
    await settle();
    await down;
    expect([delivered.map(([, text]) => text), host.status, journal.observed]).toEqual([['a'], 'Completed', false]);
  });
});

describe('a delivery or a codec that fails is a journaled failure', () => {
  const failing: [string, Adapter<string>['deliver']][] = [
    ['rejects', async () => Promise.reject(boom)],
    [
      'throws',
      () => {
        throw boom;
      },
    ],
  ];
  test.each(failing)('a delivery that %s ends it: no message after it, nothing subscribed', async (_, fail) => {
    const source = new Subject<string>();
    const begun: string[] = [];
    const host = hostOf(record, {
      adapter: {
        incoming: source,
        deliver: (text, position) => {
          begun.push(text);
          return text === 'b' ? fail(text, position) : undefined;
        },
      },
    });
    await host.start();
    for (const text of 'abc') journal.append(byAgent(text));
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    expect(journaled()).toEqual(['Running', boom, 'Failed']);
    expect([source.observed, journal.observed]).toEqual([false, false]);
    await host.shutdown(); // idempotent once it has failed
    source.next('late');
    expect(journal.head).toBe(3);
  });

  test('what ingress took by then is written', async () => {
    const source = new Subject<string>();
    const slow = new SlowDelivery();
    const host = hostOf(record, { adapter: { incoming: source, deliver: slow.deliver } });
    await host.start();
    journal.append(byAgent('a'));
    await settle();
    slow.fail(boom);
    for (const text of ['x', 'y']) source.next(text);
    await host.waitForFailure();
    await settle();
    const texts: string[] = [];
    journal.tail().subscribe(({ entry }) => texts.push(entry.text));
    expect(texts).toEqual(['a', 'x', 'y']);
  });

  test('a codec that throws on the way out', async () => {
    const codec: MessageCodec<string, ChatEntry> = {
      ...userSide,
      toMessage: (entry) => {
        if (entry.text === 'b') throw boom;
        return userSide.toMessage(entry);
      },
    };
    const host = hostOf(record, { codec });
    await host.start();
    for (const text of 'abc') journal.append(byAgent(text));
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect(delivered).toEqual([[1, 'a']]);
    expect(journaled()).toEqual(['Running', boom, 'Failed']);
    expect(journal.observed).toBe(false);
  });

  test('of two that fail the first counts, and the process lives', async () => {
    const source = new Subject<string>();
    const slow = new SlowDelivery();
    const host = hostOf(record, { adapter: { incoming: source, deliver: slow.deliver } });
    await host.start();
    journal.append(byAgent('a'));
    await settle();
    source.error(boom);
    slow.fail(new Error('second'));
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect(journaled()).toEqual(['Running', boom, 'Failed']);
  });

  test('a failure with undefined is one', async () => {
    const host = hostOf(() => Promise.reject(undefined));
    await host.start();
    journal.append(byAgent('a'));
    await host.waitFor('Failed');
    expect(journaled()).toEqual(['Running', undefined, 'Failed']);
  });

  test('a failing source lets the current delivery end, and begins no other', async () => {
    const source = new Subject<string>();
    const slow = new SlowDelivery();
    const host = hostOf(record, { adapter: { incoming: source, deliver: slow.deliver } });
    await host.start();
    for (const text of 'ab') journal.append(byAgent(text));
    await settle();
    source.error(boom);
    await host.waitForFailure();
    slow.finish();
    await settle();
    expect([slow.begun, slow.done, journal.observed]).toEqual([['a'], ['a'], false]);
  });
});

describe('the end of the journal', () => {
  test('completes it, once all is delivered', async () => {
    const source = new Subject<string>();
    const slow = new SlowDelivery();
    const host = hostOf(record, { adapter: { incoming: source, deliver: slow.deliver } });
    await host.start();
    for (const text of 'ab') journal.append(byAgent(text));
    journal.complete();
    for (const _ of 'ab') {
      await settle();
      expect(host.status).toBe('Running');
      slow.finish();
    }
    await settle();
    expect([host.status, slow.done, source.observed]).toEqual(['Completed', ['a', 'b'], false]);
    expect(journaled()).toEqual(['Running', 'Completed']);
  });

  test('fails it when it is an error, once all is delivered', async () => {
    const host = hostOf();
    await host.start();
    for (const text of 'ab') journal.append(byAgent(text));
    journal.error(boom);
    expect(await host.waitForFailure()).toBe(boom);
    expect(delivered.map(([, text]) => text)).toEqual(['a', 'b']);
    expect(journaled()).toEqual(['Running', boom, 'Failed']);
  });

  test('before start: it completes at once, or fails', async () => {
    journal.append(byAgent('a'));
    journal.complete();
    const host = hostOf(record, { after: 0 });
    await host.start();
    await host.waitFor('Completed');
    expect(delivered).toEqual([[1, 'a']]);

    journal = new InMemoryScrivener();
    journal.error(boom);
    const failing = hostOf();
    await failing.start().catch(() => undefined);
    expect(await failing.waitForFailure()).toBe(boom);
  });

  test('a reader that falls behind what is retained fails it', async () => {
    journal = new InMemoryScrivener({ retain: 2 });
    const slow = new SlowDelivery();
    const host = hostOf(slow.deliver);
    await host.start();
    for (const text of 'abcde') journal.append(byAgent(text));
    await settle();
    slow.finish();
    expect(await host.waitForFailure()).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 2, first: 4 });
    expect(slow.done).toEqual(['a']);
  });
});

describe('shutdown', () => {
  test('finishes the current delivery and begins no other', async () => {
    const slow = new SlowDelivery();
    const host = hostOf(slow.deliver);
    await host.start();
    for (const text of 'ab') journal.append(byAgent(text));
    await settle();
    const down = track(host.shutdown());
    await settle();
    expect([down.state, host.status]).toEqual(['pending', 'Running']);
    slow.finish();
    await settle();
    expect([down.state, host.status, slow.begun, slow.done]).toEqual(['resolved', 'Completed', ['a'], ['a']]);
    expect(journal.observed).toBe(false);
  });

  test('of an idle one leaves nothing subscribed, and what is written then is not delivered', async () => {
    const host = hostOf();
    await host.start();
    await settle();
    expect(journal.observed).toBe(true);
    await host.shutdown();
    expect(journal.observed).toBe(false);
    journal.append(byAgent('late'));
    await settle();
    expect(delivered).toEqual([]);
  });

  test('in the tick in which a message arrives does not break it off half-way', async () => {
    let begun = 0;
    let done = 0;
    const host = hostOf(async () => {
      begun++;
      await settle();
      done++;
    });
    await host.start();
    await settle();
    journal.append(byAgent('a'));
    await host.shutdown();
    expect(done).toBe(begun);
    await settle();
    expect([begun, done]).toEqual([done, done]);
  });

  test('during which the delivery fails: it is Failed, and shutdown says so', async () => {
    const slow = new SlowDelivery();
    const host = hostOf(slow.deliver);
    await host.start();
    journal.append(byAgent('a'));
    await settle();
    const down = track(host.shutdown());
    await settle();
    slow.fail(boom);
    await settle();
    expect(down).toEqual({ state: 'rejected', error: boom });
    expect(journaled()).toEqual(['Running', boom, 'Failed']);
  });

  test('twice, at once and later, is once; before start it is refused; after it there is no start', async () => {
    const host = hostOf();
    await expect(host.shutdown()).rejects.toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
    await host.start();
    await Promise.all([host.shutdown(), host.shutdown()]);
    await host.shutdown();
    await expect(host.start()).rejects.toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
    expect(journaled()).toEqual(['Running', 'Completed']);
  });

  test('await using shuts it down', async () => {
    {
      await using host = hostOf();
      await host.start();
    }
    expect(journaled()).toEqual(['Running', 'Completed']);
    expect(journal.observed).toBe(false);
  });
});

test('is called after its class where it has no name', () => {
  expect(
    new AdapterHost({ scrivener: journal, codec: userSide, adapter: { incoming: NEVER, deliver: record } }).name,
  ).toBe('AdapterHost');
});
