import { EMPTY, NEVER, Observable, of, Subject, throwError, type ObservableInput } from 'rxjs';
import {
  AdapterHost,
  type Adapter,
  InMemoryScrivener,
  TappedScrivener,
  toAsyncIterable,
  type DaemonEvent,
  type MessageCodec,
  type Scrivener,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { byAgent, byUser, Gate, HandFed, userSide, type ChatEntry } from './chat';

const boom = new Error('boom');
const hosts: AdapterHost<string, ChatEntry>[] = [];
let journal: InMemoryScrivener<ChatEntry>;
let events: InMemoryScrivener<DaemonEvent>;
let delivered: string[];
beforeEach(() => {
  journal = new InMemoryScrivener();
  events = new InMemoryScrivener();
  delivered = [];
});
afterEach(async () => {
  for (const host of hosts.splice(0)) void host[Symbol.asyncDispose]().catch(() => undefined);
  await settle();
});

function hostOf(
  incoming: Adapter<string>['incoming'],
  {
    scrivener = journal,
    codec = userSide,
  }: { scrivener?: Scrivener<ChatEntry>; codec?: MessageCodec<string, ChatEntry> } = {},
): AdapterHost<string, ChatEntry> {
  const host = new AdapterHost({
    scrivener,
    codec,
    adapter: { incoming, deliver: (text) => void delivered.push(text) },
    daemonEvents: events,
    name: 'client',
  });
  hosts.push(host);
  return host;
}

function written(): string[] {
  const texts: string[] = [];
  journal.readBackward().subscribe(({ entry }) => texts.unshift(entry.text));
  return texts;
}

function journaled(): unknown[] {
  const log: unknown[] = [];
  events
    .readBackward()
    .subscribe(({ entry }) => log.unshift(entry.type === 'StatusChanged' ? entry.status : entry.error));
  return log;
}

/** A journal whose writes wait until the test lets them through. */
function slowJournal(): { scrivener: Scrivener<ChatEntry>; asked: string[]; pass(): void; fail(error: unknown): void } {
  const gates: Gate[] = [];
  const asked: string[] = [];
  const scrivener = new TappedScrivener(journal, async (entry, inner, options) => {
    asked.push(entry.text);
    const gate = new Gate();
    gates.push(gate);
    await gate.passed;
    return inner.write(entry, options);
  });
  return { scrivener, asked, pass: () => gates.shift()!.open(), fail: (error) => gates.shift()!.fail(error) };
}

describe('nothing is taken before start', () => {
  test('an Observable is not subscribed, an iterable not pulled', async () => {
    const source = new Subject<string>();
    const fed = new HandFed<string>();
    hostOf(source);
    hostOf(fed);
    await settle();
    expect([source.observed, fed.pulls]).toEqual([false, 0]);
  });

  test('once each, however often it is started', async () => {
    let subscriptions = 0;
    const host = hostOf(
      new Observable((subscriber) => {
        subscriptions++;
        subscriber.next('a');
      }),
    );
    await Promise.all([host.start(), host.start()]);
    await host.start();
    await settle();
    expect([subscriptions, written()]).toEqual([1, ['a']]);
  });
});

describe('every kind of source is written in order', () => {
  const kinds: [string, () => ObservableInput<string>][] = [
    ['an Observable that emits at once', () => of('a', 'b', 'c')],
    ['a Promise', () => Promise.resolve('a')],
    ['an array', () => ['a', 'b', 'c']],
    ['a Set', () => new Set(['a', 'b', 'c'])],
    ['a string', () => 'abc'],
    [
      'a generator',
      function* () {
        yield* ['a', 'b', 'c'];
      },
    ],
    [
      'an async generator',
      async function* () {
        yield* ['a', 'b', 'c'];
      },
    ],
    ['toAsyncIterable of a source', () => toAsyncIterable(of('a', 'b', 'c'))],
    [
      'the platform’s Observable',
      () =>
        ({
          subscribe(observer: { next(text: string): void; complete(): void }) {
            for (const text of ['a', 'b', 'c']) observer.next(text);
            observer.complete();
          },
        }) as unknown as ObservableInput<string>,
    ],
    [
      'a ReadableStream',
      () =>
        new ReadableStream<string>({
          start(controller) {
            for (const text of ['a', 'b', 'c']) controller.enqueue(text);
            controller.close();
          },
        }),
    ],
  ];
  test.each(kinds)('%s', async (_, source) => {
    const host = hostOf(source());
    await host.start();
    await settle();
    expect(written().join('')).toMatch(/^(abc|a)$/);
    expect(host.status).toBe('Running');
    await host.shutdown();
    expect(host.status).toBe('Completed');
    expect(journaled()).toEqual(['Running', 'Completed']);
  });

  test('as the codec translates them', async () => {
    await hostOf(of('a')).start();
    expect(await journal.waitFor(0, () => true)).toEqual({ position: 1, entry: byUser('a') });
  });

  test('its own are not delivered back, the other side’s are', async () => {
    await hostOf(of('a')).start();
    journal.append(byAgent('b'));
    await settle();
    expect([written(), delivered]).toEqual([['a', 'b'], ['b']]);
  });
});

test('a platform’s Observable is unsubscribed by its signal', async () => {
  let signal: AbortSignal | undefined;
  const source = {
    subscribe(observer: { next(text: string): void }, options: { signal: AbortSignal }) {
      signal = options.signal;
      observer.next('a');
    },
  };
  const host = hostOf(source);
  await host.start();
  await settle();
  expect([written(), signal?.aborted]).toEqual([['a'], false]);
  await host.shutdown();
  expect(signal?.aborted).toBe(true);
});

describe('the journal sets the pace', () => {
  test('an async iterable is pulled no faster than it is written', async () => {
    const fed = new HandFed<string>();
    fed.feed('a', 'b', 'c');
    const slow = slowJournal();
    await hostOf(fed, { scrivener: slow.scrivener }).start();
    await settle();
    expect([fed.pulls, slow.asked]).toEqual([1, ['a']]);
    slow.pass();
    await settle();
    expect([fed.pulls, slow.asked, written()]).toEqual([2, ['a', 'b'], ['a']]);
  });

  test('a generator, too: one without an end is no harm', async () => {
    let pulled = 0;
    function* endless(): Generator<string> {
      // Not quite: a host that pulls it all at once is to fail, not to hang.
      while (pulled < 10_000) yield String(++pulled);
    }
    const slow = slowJournal();
    await hostOf(endless(), { scrivener: slow.scrivener }).start();
    await settle();
    expect(pulled).toBeLessThanOrEqual(2);
    slow.pass();
    await settle();
    expect(written()).toEqual(['1']);
  });

  test('an Observable cannot be held up: what it emits meanwhile waits, in order', async () => {
    const source = new Subject<string>();
    const slow = slowJournal();
    await hostOf(source, { scrivener: slow.scrivener }).start();
    for (const text of ['a', 'b', 'c']) source.next(text);
    await settle();
    expect(slow.asked).toEqual(['a']);
    for (let i = 0; i < 3; i++) {
      slow.pass();
      await settle();
    }
    expect(written()).toEqual(['a', 'b', 'c']);
  });

  test('a slow delivery does not hold ingress up', async () => {
    const host = new AdapterHost({
      scrivener: journal,
      codec: userSide,
      adapter: { incoming: of('a', 'b'), deliver: () => new Promise<void>(() => undefined) },
      after: 0,
    });
    journal.append(byAgent('x'));
    await host.start();
    await settle();
    expect(written()).toEqual(['x', 'a', 'b']);
  });
});

describe('a source that ends', () => {
  test.each<[string, () => ObservableInput<string>]>([
    ['an Observable', () => EMPTY],
    ['an async iterable', async function* () {}],
    ['an array', () => []],
  ])('%s: the client is still delivered to', async (_, source) => {
    const host = hostOf(source());
    await host.start();
    await settle();
    expect(host.status).toBe('Running');
    journal.append(byAgent('b'));
    await settle();
    expect(delivered).toEqual(['b']);
    await host.shutdown();
    expect(journaled()).toEqual(['Running', 'Completed']);
  });
});

describe('a source that fails is a journaled failure, after what it gave', () => {
  const broken: [string, () => ObservableInput<string>][] = [
    [
      'an Observable',
      () =>
        new Observable((subscriber) => {
          subscriber.next('a');
          subscriber.error(boom);
        }),
    ],
    [
      'an async generator',
      async function* () {
        yield 'a';
        throw boom;
      },
    ],
    [
      'a generator',
      function* () {
        yield 'a';
        throw boom;
      },
    ],
    [
      'an iterator whose next throws',
      () => {
        let pulls = 0;
        return {
          [Symbol.asyncIterator]: () => ({
            next: () => {
              if (pulls++ > 0) throw boom;
              return Promise.resolve({ done: false, value: 'a' });
            },
          }),
        } as AsyncIterable<string>;
      },
    ],
  ];
  test.each(broken)('%s', async (_, source) => {
    const host = hostOf(source());
    await host.start();
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect(written()).toEqual(['a']);
    expect(journaled()).toEqual(expect.arrayContaining(['Running', boom, 'Failed']));
    expect(journaled()).toHaveLength(3);
    await settle();
    expect(journal.observed).toBe(false);
  });

  test.each<[string, () => ObservableInput<string>]>([
    ['a rejected Promise', () => Promise.reject(boom)],
    ['an Observable at once', () => throwError(() => boom)],
    [
      'one that cannot be iterated',
      () => ({
        [Symbol.asyncIterator]() {
          throw boom;
        },
      }),
    ],
    [
      'one that cannot be subscribed',
      () =>
        new Observable(() => {
          throw boom;
        }),
    ],
  ])('%s', async (_, source) => {
    const host = hostOf(source());
    await host.start();
    expect(await host.waitForFailure()).toBe(boom);
    expect(host.status).toBe('Failed');
    await settle();
    expect(journal.observed).toBe(false);
  });

  test('what is not a source at all fails it', async () => {
    const host = hostOf(7 as unknown as ObservableInput<string>);
    await host.start().catch(() => undefined);
    expect(await host.waitForFailure()).toBeInstanceOf(TypeError);
  });

  test('a getter that throws fails it', async () => {
    const host = new AdapterHost<string, ChatEntry>({
      scrivener: journal,
      codec: userSide,
      adapter: {
        get incoming(): ObservableInput<string> {
          throw boom;
        },
        deliver: () => undefined,
      },
    });
    await host.start().catch(() => undefined);
    expect(await host.waitForFailure()).toBe(boom);
  });
});

describe('a codec that throws on the way in', () => {
  test.each<[string, (texts: string[]) => ObservableInput<string>]>([
    ['an Observable', (texts) => of(...texts)],
    [
      'an async iterable',
      async function* (texts) {
        yield* texts;
      },
    ],
  ])('from %s: fails it, after the ones before, and takes no more', async (_, source) => {
    const codec: MessageCodec<string, ChatEntry> = {
      ...userSide,
      toEntry: (text) => {
        if (text === 'b') throw boom;
        return byUser(text);
      },
    };
    const host = hostOf(source(['a', 'b', 'c']), { codec });
    await host.start();
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect(written()).toEqual(['a']);
    expect(journal.observed).toBe(false);
  });
});

describe('a journal that refuses', () => {
  test('fails it with the error of the write; what came after is not written past it', async () => {
    const source = new Subject<string>();
    const slow = slowJournal();
    const host = hostOf(source, { scrivener: slow.scrivener });
    await host.start();
    source.next('a');
    source.next('b');
    await settle();
    slow.fail(boom);
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect([written(), slow.asked, source.observed, journal.observed]).toEqual([[], ['a'], false, false]);
  });

  test('releases an async iterable, also one that is blocked', async () => {
    const fed = new HandFed<string>();
    const host = hostOf(fed);
    await host.start();
    journal.error(boom);
    expect(await host.waitForFailure()).toBe(boom);
    await settle();
    expect(fed.returns).toBeGreaterThan(0);
  });

  test('a message that comes once the journal has ended does not make the end a failure', async () => {
    const source = new Subject<string>();
    const host = hostOf(source);
    await host.start();
    journal.complete();
    source.next('a'); // before the host could know
    await settle();
    expect(journaled()).toEqual(['Running', 'Completed']);
  });

  test('because another journal has ended, fails it', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    const other = new InMemoryScrivener<ChatEntry>();
    other.complete();
    const source = new Subject<string>();
    const host = hostOf(source, { scrivener: new TappedScrivener(journal, (entry) => other.write(entry)) });
    await host.start();
    source.next('a');
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await host.waitForFailure()).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    jest.useRealTimers();
  });
});

describe('shutdown', () => {
  test('after a failure waits for what is running, too', async () => {
    const source = new Subject<string>();
    const slow = slowJournal();
    const host = new AdapterHost({
      scrivener: slow.scrivener,
      codec: userSide,
      adapter: { incoming: source, deliver: () => Promise.reject(boom) },
    });
    await host.start();
    for (const text of ['a', 'b', 'c']) source.next(text);
    journal.append(byAgent('x'));
    expect(await host.waitForFailure()).toBe(boom);
    const down = track(host.shutdown());
    for (let i = 0; i < 3; i++) {
      await settle();
      expect([down.state, source.observed]).toEqual(['pending', false]);
      slow.pass();
    }
    await settle();
    expect(down.state).not.toBe('pending');
    expect(written()).toEqual(['x', 'a', 'b', 'c']);
  });

  test('writes what an Observable emitted in the same tick, and nothing after it', async () => {
    const source = new Subject<string>();
    const host = hostOf(source);
    await host.start();
    await settle();
    source.next('a');
    source.next('b');
    const down = host.shutdown();
    source.next('late');
    await down;
    expect([written(), source.observed, journal.observed]).toEqual([['a', 'b'], false, false]);
  });

  test('waits for the writes of what was taken, all of it', async () => {
    const slow = slowJournal();
    const host = hostOf(of('a', 'b', 'c'), { scrivener: slow.scrivener });
    await host.start();
    const down = track(host.shutdown());
    for (let i = 0; i < 3; i++) {
      await settle();
      expect([down.state, host.status]).toEqual(['pending', 'Running']);
      slow.pass();
    }
    await settle();
    expect([down.state, written()]).toEqual(['resolved', ['a', 'b', 'c']]);
  });

  test('of an iterable writes the value that is being written, and pulls no more', async () => {
    const fed = new HandFed<string>();
    fed.feed('a', 'b');
    const slow = slowJournal();
    const host = hostOf(fed, { scrivener: slow.scrivener });
    await host.start();
    await settle();
    const down = track(host.shutdown());
    await settle();
    expect(down.state).toBe('pending');
    slow.pass();
    await settle();
    expect([down.state, written(), fed.pulls, fed.returns > 0]).toEqual(['resolved', ['a'], 1, true]);
  });

  test('of an iterable writes the value that arrived in the same tick', async () => {
    const fed = new HandFed<string>();
    const host = hostOf(fed);
    await host.start();
    await settle();
    fed.feed('a');
    await host.shutdown();
    expect(written()).toEqual(['a']);
  });

  test.each([1, 2, 3])(
    'of %i generators around a source writes the value that arrived in the same tick',
    async (depth) => {
      const source = new Subject<string>();
      async function* around(inner: AsyncIterable<string>): AsyncGenerator<string> {
        for await (const text of inner) yield text;
      }
      let incoming = toAsyncIterable(source);
      for (let i = 0; i < depth; i++) incoming = around(incoming);
      const host = hostOf(incoming);
      await host.start();
      await settle();
      source.next('a');
      await host.shutdown();
      expect(written()).toEqual(['a']);
    },
  );

  test('is not held up by a generator that is blocked in next, and ends it when it comes back', async () => {
    const gate = new Gate();
    const steps: string[] = [];
    async function* blocked(): AsyncGenerator<string> {
      try {
        yield 'a';
        await gate.passed;
        steps.push('unblocked');
        yield 'late';
        steps.push('went on');
      } finally {
        steps.push('finally');
      }
    }
    const host = hostOf(blocked());
    await host.start();
    await settle();
    const down = track(host.shutdown());
    await settle();
    expect([down.state, host.status, journal.observed]).toEqual(['resolved', 'Completed', false]);
    gate.open();
    await settle();
    expect(steps).toEqual(['unblocked', 'finally']);
    expect(written()).toEqual(['a']);
  });

  test('is not held up by a Promise or an Observable that never comes', async () => {
    for (const incoming of [NEVER, new Promise<string>(() => undefined)]) {
      const host = hostOf(incoming);
      await host.start();
      await host.shutdown();
      expect(host.status).toBe('Completed');
    }
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw boom;
      },
    ],
    ['rejects', () => Promise.reject(boom)],
    ['gives no promise', () => ({ done: true, value: undefined })],
    ['never settles', () => new Promise(() => undefined)],
  ])('is not held up by an iterator whose return %s', async (_, returns) => {
    const incoming = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: returns }),
    } as AsyncIterable<string>;
    const host = hostOf(incoming);
    await host.start();
    const down = track(host.shutdown());
    await settle();
    expect([down.state, host.status]).toEqual(['resolved', 'Completed']);
  });

  test('does without return where an iterator has none', async () => {
    const host = hostOf({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) });
    await host.start();
    await host.shutdown();
    expect(host.status).toBe('Completed');
  });

  test('un-awaited after start it still comes second', async () => {
    const host = hostOf(of('a'));
    void host.start();
    await host.shutdown();
    expect(written()).toEqual(['a']);
    expect(journaled()).toEqual(['Running', 'Completed']);
  });

  test('a write that fails on the way fails it, and shutdown says so', async () => {
    const slow = slowJournal();
    const host = hostOf(of('a'), { scrivener: slow.scrivener });
    await host.start();
    const down = track(host.shutdown());
    await settle();
    slow.fail(boom);
    await settle();
    expect(down).toEqual({ state: 'rejected', error: boom });
    expect(journaled()).toEqual(['Running', boom, 'Failed']);
  });
});
