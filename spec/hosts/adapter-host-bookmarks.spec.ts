import { NEVER, Subject } from 'rxjs';
import {
  AdapterHost,
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  type Adapter,
  type BookmarkStore,
  type DaemonEvent,
  type Position,
  type PositionTrimmedError,
} from 'rx-scrivener';
import { FileBookmarkStore } from 'rx-scrivener/file';
import { HandSink } from '../flush/hand-sink';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { settle, track } from '../journal/settle';
import { byAgent, Gate, noted, SlowDelivery, userSide, type ChatEntry } from './chat';

const boom = new Error('boom');
const path = useTempDir();
let journal: InMemoryScrivener<ChatEntry>;
let events: InMemoryScrivener<DaemonEvent>;
beforeEach(() => {
  journal = new InMemoryScrivener();
  events = new InMemoryScrivener();
});

/** A bookmark in memory that says what it is asked. */
class Bookmark implements BookmarkStore {
  readonly calls: string[] = [];
  constructor(public position: Position = 0) {}
  async load(): Promise<Position> {
    this.calls.push('load');
    return this.position;
  }
  async save(position: Position): Promise<void> {
    this.calls.push(`save ${position}`);
    this.position = position;
  }
}

function hostOf(
  deliver: Adapter<string>['deliver'],
  bookmarks: BookmarkStore,
  incoming: Adapter<string>['incoming'] = NEVER,
): AdapterHost<string, ChatEntry> {
  return new AdapterHost({
    scrivener: journal,
    codec: userSide,
    adapter: { incoming, deliver },
    bookmarks,
    daemonEvents: events,
    name: 'client',
  });
}

function journaled(): unknown[] {
  const log: unknown[] = [];
  events
    .readBackward()
    .subscribe(({ entry }) => log.unshift(entry.type === 'StatusChanged' ? entry.status : entry.error));
  return log;
}

test('it delivers what lies after the bookmark: with none, the whole journal', async () => {
  for (const text of 'abc') journal.append(byAgent(text));
  for (const [position, expected] of [
    [0, 'abc'],
    [2, 'c'],
    [3, ''],
  ] as const) {
    const got: string[] = [];
    const host = hostOf((text) => void got.push(text), new Bookmark(position));
    await host.start();
    await settle();
    expect(got.join('')).toBe(expected);
    await host.shutdown();
  }
});

test('a bookmark ahead of the journal fails the start, and says by how much', async () => {
  journal.append(byAgent('a'));
  const host = hostOf(() => undefined, new Bookmark(2));
  await expect(host.start()).rejects.toMatchObject({ code: 'ERR_BOOKMARK_AHEAD', bookmark: 2, head: 1 });
  expect([host.status, journal.observed]).toEqual(['Failed', false]);
});

test('is saved after the delivery, before the next begins', async () => {
  const bookmarks = new Bookmark();
  const host = hostOf((text) => void bookmarks.calls.push(`deliver ${text}`), bookmarks);
  await host.start();
  for (const text of 'ab') journal.append(byAgent(text));
  await settle();
  expect(bookmarks.calls).toEqual(['load', 'deliver a', 'save 1', 'deliver b', 'save 2']);
});

test('a slow save does not hold the next delivery up; the newest position is saved next, and shutdown waits for it', async () => {
  const got: string[] = [];
  const gate = new Gate();
  const saves: Position[] = [];
  const save = (position: Position) => {
    saves.push(position);
    return gate.passed;
  };
  const host = hostOf((text) => void got.push(text), { load: async () => 0, save });
  await host.start();
  for (const text of 'abc') journal.append(byAgent(text));
  await settle();
  const down = track(host.shutdown());
  await settle();
  expect([got, saves, down.state]).toEqual([['a', 'b', 'c'], [1], 'pending']);
  gate.open();
  await settle();
  expect([saves, down.state]).toEqual([[1, 3], 'resolved']);
});

test('nothing is taken in or delivered while it is being loaded', async () => {
  const gate = new Gate<Position>();
  const source = new Subject<string>();
  const got: string[] = [];
  const host = hostOf((text) => void got.push(text), { load: () => gate.passed, save: async () => undefined }, source);
  const started = track(host.start());
  journal.append(byAgent('a'));
  await settle();
  expect([started.state, host.status, source.observed, got]).toEqual(['pending', 'Stopped', false, []]);
  gate.open(0);
  await settle();
  expect([started.state, source.observed, got]).toEqual(['resolved', true, ['a']]);
  await host.shutdown();
});

describe('a bookmark that fails', () => {
  const failures: [string, () => Promise<Position>][] = [
    ['rejects', () => Promise.reject(boom)],
    [
      'throws',
      () => {
        throw boom;
      },
    ],
  ];
  test.each(failures)('at load, it %s: start rejects, nothing was taken', async (_, load) => {
    const source = new Subject<string>();
    let subscribed = false;
    const incoming = new Proxy(source, {
      get: (target, key) => {
        if (key === 'subscribe') subscribed = true;
        return Reflect.get(target, key) as unknown;
      },
    });
    const host = hostOf(() => undefined, { load, save: async () => undefined }, incoming);
    await expect(host.start()).rejects.toBe(boom);
    expect([host.status, journaled(), subscribed, journal.observed]).toEqual([
      'Failed',
      [boom, 'Failed'],
      false,
      false,
    ]);
  });

  test.each([-1, 0.5, NaN, undefined])('with a position that is none (%p): start rejects', async (position) => {
    const host = hostOf(() => undefined, { load: async () => position!, save: async () => undefined });
    const outcome = track(host.start());
    await settle();
    // `undefined` is nobody's position either; it must not mean START.
    expect(outcome.state).toBe('rejected');
    expect(outcome.error).toBeInstanceOf(RangeError);
    expect(host.status).toBe('Failed');
  });

  test('at save: a journaled failure, no delivery begins after it, and all is delivered again after the restart', async () => {
    const got: string[] = [];
    const stored = new Bookmark();
    const host = hostOf((text) => void got.push(text), { load: () => stored.load(), save: () => Promise.reject(boom) });
    await host.start();
    journal.append(byAgent('a'));
    expect(await host.waitForFailure()).toBe(boom);
    journal.append(byAgent('b'));
    await settle();
    expect([got, journaled(), journal.observed]).toEqual([['a'], ['Running', boom, 'Failed'], false]);

    await hostOf((text) => void got.push(text), stored).start();
    await settle();
    expect(got).toEqual(['a', 'a', 'b']);
  });
});

test('a message whose delivery failed is not bookmarked', async () => {
  const bookmarks = new Bookmark();
  const host = hostOf((text) => (text === 'b' ? Promise.reject(boom) : undefined), bookmarks);
  await host.start();
  for (const text of 'abc') journal.append(byAgent(text));
  await host.waitForFailure();
  await settle();
  expect(bookmarks.position).toBe(1);
});

test('a message whose delivery shutdown waited for is bookmarked', async () => {
  const bookmarks = new Bookmark();
  const slow = new SlowDelivery();
  const host = hostOf(slow.deliver, bookmarks);
  await host.start();
  for (const text of 'ab') journal.append(byAgent(text));
  await settle();
  const down = host.shutdown();
  slow.finish();
  await down;
  expect([bookmarks.position, slow.done]).toEqual([1, ['a']]);
});

test('entries for nobody do not hold the bookmark back: a restart does not translate them without end', async () => {
  const bookmarks = new Bookmark();
  const host = hostOf(() => undefined, bookmarks);
  await host.start();
  journal.append(byAgent('a'));
  for (let i = 0; i < 5; i++) journal.append(noted('x'));
  journal.append(byAgent('b'));
  await settle();
  expect(bookmarks.position).toBe(7);
});

/** At every step there may be a crash: from then on nothing more happens, neither a delivery nor a save. */
describe.each(['before the delivery', 'within it', 'behind it', 'behind the bookmark'])('a crash %s', (where) => {
  test.each([1, 2, 5])(
    'at message %i: each is delivered, in order, and no other than that one twice',
    async (crashAt) => {
      const stored = new Bookmark();
      const got: string[] = [];
      const never = new Promise<never>(() => undefined);
      let crashed = false;
      const crash = () => {
        crashed = true;
        return never;
      };
      const crashing: BookmarkStore = {
        load: () => stored.load(),
        save: async (position) => {
          if (crashed || (where === 'behind it' && position === crashAt)) await crash();
          await stored.save(position);
          if (where === 'behind the bookmark' && position === crashAt) await crash();
        },
      };
      for (const text of '12345') journal.append(byAgent(text));
      const host = hostOf(async (text, position) => {
        if (crashed || (where === 'before the delivery' && position === crashAt)) await crash();
        got.push(text);
        if (where === 'within it' && position === crashAt) await crash();
      }, crashing);
      await host.start();
      await settle();

      journal.append(byAgent('6'));
      await hostOf((text) => void got.push(text), stored).start();
      await settle();
      const twice = where === 'within it' || where === 'behind it' ? [String(crashAt)] : [];
      expect(got).toEqual(['1', '2', '3', '4', '5', '6', ...twice].sort());
      expect(stored.position).toBe(6);
    },
  );
});

test('with a bookmark in a file it continues in a new host, after a shutdown and after a failure', async () => {
  const store = () => new FileBookmarkStore(path('client.json'));
  const got: string[] = [];
  for (const text of 'abc') journal.append(byAgent(text));

  const first = hostOf((text) => void got.push(text), store());
  await first.start();
  await until(() => got.length >= 2);
  await first.shutdown();
  const delivered = got.length;
  expect(await store().load()).toBe(delivered);

  for (const text of 'def') journal.append(byAgent(text));
  const second = hostOf((text) => {
    if (text === 'f') throw boom;
    got.push(text);
  }, store());
  await second.start();
  await second.waitForFailure();
  expect(await store().load()).toBe(5);

  const third = hostOf((text) => void got.push(text), store());
  await third.start();
  await until(() => got.length === 6);
  await third.shutdown();
  expect(got.join('')).toBe('abcdef');
});

test('a store that refuses one position is a failure, also where it would take the next', async () => {
  const gate = new Gate();
  let refuses = true;
  const save = async () => {
    if (!refuses) return;
    refuses = false;
    throw boom;
  };
  const host = hostOf(() => gate.passed, { load: async () => 0, save });
  await host.start();
  for (const text of 'ab') journal.append(byAgent(text));
  await settle();
  gate.open();
  expect(await host.waitForFailure()).toBe(boom);
});

test('it is never ahead of what the journal has flushed; deliveries do not wait for that', async () => {
  const sink = new HandSink<ChatEntry>();
  sink.hanging = true;
  await new FlusherDaemon({ scrivener: journal, sink, predicate: countThreshold(1) }).start();
  const got: string[] = [];
  const bookmarks = new Bookmark();
  const host = hostOf((text) => void got.push(text), bookmarks);
  await host.start();
  for (const text of 'abc') journal.append(byAgent(text));
  await settle();
  expect([got, bookmarks.calls]).toEqual([['a', 'b', 'c'], ['load']]);
  sink.accept();
  await settle();
  expect(bookmarks.calls).toEqual(['load', 'save 1']);
  const down = track(host.shutdown());
  await settle();
  expect(down.state).toBe('pending');
  sink.release();
  await settle();
  expect([down.state, bookmarks.position]).toEqual(['resolved', 3]);
});

describe('entries that are not for its side', () => {
  test('move it: on a journal that keeps few, the next host starts', async () => {
    journal = new InMemoryScrivener({ retain: 10 });
    const bookmarks = new Bookmark();
    const host = hostOf(() => undefined, bookmarks);
    await host.start();
    for (let n = 0; n < 50; n++) {
      journal.append(noted(String(n)));
      await settle();
    }
    await host.shutdown();
    expect(bookmarks.calls).toEqual(['load', 'save 50']);
    journal.append(byAgent('a'));
    const got: string[] = [];
    const next = hostOf((text) => void got.push(text), bookmarks);
    await next.start();
    await settle();
    expect(got).toEqual(['a']);
    await next.shutdown();
  });

  test('are saved now and then, also while nothing else comes, and never past the current delivery', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    const bookmarks = new Bookmark();
    const slow = new SlowDelivery();
    const host = hostOf(slow.deliver, bookmarks);
    await host.start();
    for (let n = 0; n < 1_000; n++) journal.append(noted(String(n)));
    journal.append(byAgent('a'));
    await jest.advanceTimersByTimeAsync(1_000);
    expect(bookmarks.calls.length).toBeLessThan(5);
    expect([bookmarks.position, slow.begun]).toEqual([1_000, ['a']]);
    slow.finish();
    await settle();
    expect(bookmarks.position).toBe(1_001);
    await host.shutdown();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});

test('a host that is started while the one before still works waits for it', async () => {
  for (const text of 'ab') journal.append(byAgent(text));
  const bookmarks = new Bookmark();
  const slow = new SlowDelivery();
  const first = hostOf(slow.deliver, bookmarks);
  await first.start();
  await settle();
  const down = first.shutdown();
  const got: string[] = [];
  const second = hostOf((text) => void got.push(text), bookmarks);
  const started = track(second.start());
  await settle();
  expect([started.state, got]).toEqual(['pending', []]);
  slow.finish();
  await down;
  await settle();
  expect([started.state, got, bookmarks.calls]).toEqual(['resolved', ['b'], ['load', 'save 1', 'load', 'save 2']]);
  await second.shutdown();
});

test('a host whose journal cannot be read fails, and leaves its bookmark to the next', async () => {
  const bookmarks = new Bookmark();
  const reading = jest.spyOn(journal, 'tail').mockImplementationOnce(() => {
    throw boom;
  });
  const failing = hostOf(() => undefined, bookmarks);
  await failing.start();
  expect(await failing.waitForFailure()).toBe(boom);
  expect(reading).toHaveBeenCalledTimes(1);
  const next = hostOf(() => undefined, bookmarks);
  const started = track(next.start());
  await settle();
  expect(started.state).toBe('resolved');
  await next.shutdown();
});

test('the way out of a bookmark whose next entry was retired: save the position before the oldest kept', async () => {
  journal = new InMemoryScrivener({ retain: 2 });
  for (const text of 'abcd') journal.append(byAgent(text));
  const bookmarks = new Bookmark(1);
  const host = hostOf(() => undefined, bookmarks);
  await host.start();
  const error = (await host.waitForFailure()) as PositionTrimmedError;
  expect(error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 2, first: 3 });
  await bookmarks.save(error.first - 1);
  const got: string[] = [];
  const next = hostOf((text) => void got.push(text), bookmarks);
  await next.start();
  await settle();
  expect(got).toEqual(['c', 'd']);
  await next.shutdown();
});
