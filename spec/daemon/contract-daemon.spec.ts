import { getEventListeners } from 'node:events';
import { TimeoutError } from 'rxjs';
import {
  ContractDaemon,
  InMemoryScrivener,
  InvalidTransitionError,
  ScrivenerError,
  TappedScrivener,
  type DaemonEvent,
  type DaemonOptions,
  type DaemonStatus,
  type Scrivener,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';

class Probe extends ContractDaemon {
  readonly calls: string[] = [];
  constructor(
    private readonly hooks: {
      onStart?(probe: Probe): Promise<void> | void;
      onShutdown?(probe: Probe): Promise<void> | void;
    } = {},
    options: DaemonOptions = {},
  ) {
    super(options);
  }
  protected override async onStart(): Promise<void> {
    this.calls.push('start');
    await this.hooks.onStart?.(this);
    this.calls.push('started');
  }
  protected override async onShutdown(): Promise<void> {
    this.calls.push('shutdown');
    await this.hooks.onShutdown?.(this);
    this.calls.push('shut down');
  }
  breakWith(error: unknown): Promise<void> {
    return this.fail(error);
  }
}

function gate(): { promise: Promise<void>; open(): void; fail(error: unknown): void } {
  let open!: () => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

function statuses(daemon: ContractDaemon): string[] {
  const log: string[] = [];
  daemon.status$.subscribe({
    next: (status) => log.push(status),
    error: (e: unknown) => log.push(`error ${String(e)}`),
    complete: () => log.push('|'),
  });
  return log;
}

function journaled(events: InMemoryScrivener<DaemonEvent>): string[] {
  const log: string[] = [];
  events
    .tail()
    .subscribe(({ entry }) =>
      log.push(
        entry.type === 'StatusChanged' ? `${entry.daemon} ${entry.status}` : `${entry.daemon} ${String(entry.error)}`,
      ),
    );
  return log;
}

function unreachable(): never {
  throw new Error('should have rejected');
}

const boom = new Error('boom');
const invalid = (action: RegExp, status: DaemonStatus) => (error: unknown) => {
  expect(error).toBeInstanceOf(InvalidTransitionError);
  expect(error).toBeInstanceOf(ScrivenerError);
  expect(error).toMatchObject({ code: 'ERR_INVALID_TRANSITION', status });
  expect((error as Error).message).toMatch(action);
};

describe('the lifecycle', () => {
  test('Stopped, Running, Completed', async () => {
    const daemon = new Probe();
    const log = statuses(daemon);
    expect(daemon.status).toBe('Stopped');
    await daemon.start();
    expect(daemon.status).toBe('Running');
    await daemon.shutdown();
    expect(daemon.status).toBe('Completed');
    expect(log).toEqual(['Stopped', 'Running', 'Completed', '|']);
    expect(daemon.calls).toEqual(['start', 'started', 'shutdown', 'shut down']);
  });

  test('start resolves only once it is Running; onStart begins within the call', async () => {
    const { promise, open } = gate();
    const daemon = new Probe({ onStart: () => promise });
    const started = track(daemon.start());
    expect(daemon.calls).toEqual(['start']);
    await settle();
    expect([started.state, daemon.status]).toEqual(['pending', 'Stopped']);
    open();
    await settle();
    expect([started.state, daemon.status]).toEqual(['resolved', 'Running']);
  });

  test('concurrent starts start once', async () => {
    const daemon = new Probe({ onStart: () => settle() });
    await Promise.all([daemon.start(), daemon.start(), daemon.start()]);
    await daemon.start();
    expect(daemon.calls).toEqual(['start', 'started']);
  });

  test('start, shutdown and start, un-awaited, come one after the other', async () => {
    const daemon = new Probe({ onStart: () => settle(), onShutdown: () => settle() });
    const started = daemon.start();
    const down = daemon.shutdown();
    const again = track(daemon.start());
    await started;
    await down;
    await settle();
    expect(daemon.calls).toEqual(['start', 'started', 'shutdown', 'shut down']);
    expect(again.state).toBe('rejected');
    invalid(/start/, 'Completed')(again.error);
  });

  test('concurrent shutdowns shut down once', async () => {
    const daemon = new Probe({ onShutdown: () => settle() });
    await daemon.start();
    await Promise.all([daemon.shutdown(), daemon.shutdown()]);
    await daemon.shutdown();
    expect(daemon.calls).toEqual(['start', 'started', 'shutdown', 'shut down']);
  });

  test('shutdown before start is an InvalidTransitionError, and it can be started still', async () => {
    const daemon = new Probe({}, { name: 'mine' });
    await daemon.shutdown().then(unreachable, invalid(/mine.*shut/, 'Stopped'));
    expect(daemon.status).toBe('Stopped');
    await daemon.start();
    expect(daemon.status).toBe('Running');
  });

  test('start after Completed and after Failed is an InvalidTransitionError, and starts nothing', async () => {
    const completed = new Probe();
    await completed.start();
    await completed.shutdown();
    await completed.start().then(unreachable, invalid(/start/, 'Completed'));
    const failed = new Probe();
    await failed.start();
    await failed.breakWith(boom);
    await failed.start().then(unreachable, invalid(/start/, 'Failed'));
    expect([...completed.calls, ...failed.calls].filter((call) => call === 'start')).toHaveLength(2);
    expect(failed.status).toBe('Failed');
  });

  test('shutdown after Failed resolves, and shuts nothing down', async () => {
    const daemon = new Probe();
    await daemon.start();
    await daemon.breakWith(boom);
    await daemon.shutdown();
    expect(daemon.calls).not.toContain('shutdown');
    expect(daemon.status).toBe('Failed');
  });

  test('a call while a queued one is running waits for it, too', async () => {
    const { promise, open } = gate();
    const daemon = new Probe({ onShutdown: () => promise });
    void daemon.start();
    const first = track(daemon.shutdown());
    await settle();
    expect(daemon.calls).toEqual(['start', 'started', 'shutdown']);
    const second = track(daemon.shutdown());
    await settle();
    expect([first.state, second.state]).toEqual(['pending', 'pending']);
    open();
    await settle();
    expect([first.state, second.state]).toEqual(['resolved', 'resolved']);
    expect(daemon.calls).toEqual(['start', 'started', 'shutdown', 'shut down']);
  });

  test('a lifecycle call that rejects does not hold up the next', async () => {
    const daemon = new Probe();
    const refused = track(daemon.shutdown());
    const started = daemon.start();
    await started;
    expect(refused.state).toBe('rejected');
    await daemon.shutdown();
    expect(daemon.status).toBe('Completed');
  });
});

describe('a hook that rejects', () => {
  test.each(['rejects', 'throws'])('onStart %s: start rejects with it, and the daemon is Failed', async (how) => {
    const daemon = new Probe({
      onStart: () => {
        if (how === 'throws') throw boom;
        return Promise.reject(boom);
      },
    });
    const log = statuses(daemon);
    await expect(daemon.start()).rejects.toBe(boom);
    expect(log).toEqual(['Stopped', 'Failed', '|']);
    await expect(daemon.waitForFailure()).resolves.toBe(boom);
    await expect(daemon.shutdown()).resolves.toBeUndefined();
  });

  test('concurrent starts: the second is an InvalidTransitionError, not a second try', async () => {
    const daemon = new Probe({ onStart: () => Promise.reject(boom) });
    const outcomes = await Promise.allSettled([daemon.start(), daemon.start()]);
    expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: boom });
    expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { code: 'ERR_INVALID_TRANSITION' } });
    expect(daemon.calls).toEqual(['start']);
  });

  test('onShutdown: shutdown rejects with it, and the daemon is Failed, not Completed', async () => {
    const daemon = new Probe({ onShutdown: () => Promise.reject(boom) });
    const log = statuses(daemon);
    await daemon.start();
    const outcomes = await Promise.allSettled([daemon.shutdown(), daemon.shutdown()]);
    expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: boom });
    expect(outcomes[1]).toMatchObject({ status: 'fulfilled' });
    expect(log).toEqual(['Stopped', 'Running', 'Failed', '|']);
    await expect(daemon.waitForFailure()).resolves.toBe(boom);
    expect(daemon.calls.filter((call) => call === 'shutdown')).toHaveLength(1);
  });

  test('with undefined: that is a failure still', async () => {
    const daemon = new Probe({ onShutdown: () => Promise.reject(undefined) });
    await daemon.start();
    await expect(daemon.shutdown()).rejects.toBeUndefined();
    expect(daemon.status).toBe('Failed');
  });
});

describe('fail', () => {
  test('while Running', async () => {
    const daemon = new Probe();
    const log = statuses(daemon);
    await daemon.start();
    await daemon.breakWith(boom);
    expect(daemon.status).toBe('Failed');
    expect(log).toEqual(['Stopped', 'Running', 'Failed', '|']);
    expect(await daemon.waitForFailure()).toBe(boom);
  });

  test('twice: the first counts', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const log = journaled(events);
    const daemon = new Probe({}, { daemonEvents: events, name: 'd' });
    await daemon.start();
    await Promise.all([daemon.breakWith('first'), daemon.breakWith('second')]);
    await daemon.breakWith('third');
    expect(await daemon.waitForFailure()).toBe('first');
    expect(log).toEqual(['d Running', 'd first', 'd Failed']);
  });

  test('with undefined counts as well', async () => {
    const daemon = new Probe();
    await daemon.start();
    await daemon.breakWith(undefined);
    await daemon.breakWith('second');
    expect(daemon.status).toBe('Failed');
    expect(await daemon.waitForFailure()).toBeUndefined();
  });

  test('after Completed changes nothing', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const log = journaled(events);
    const daemon = new Probe({}, { daemonEvents: events, name: 'd' });
    await daemon.start();
    await daemon.shutdown();
    await daemon.breakWith(boom);
    expect(daemon.status).toBe('Completed');
    expect(log).toEqual(['d Running', 'd Completed']);
    await daemon.waitForFailure().then(unreachable, invalid(/Failed/, 'Completed'));
  });

  test('awaited inside onStart does not deadlock, and the daemon ends Failed', async () => {
    const daemon = new Probe({ onStart: (probe) => probe.breakWith(boom) });
    await Promise.allSettled([daemon.start()]);
    expect(daemon.status).toBe('Failed');
    expect(await daemon.waitForFailure()).toBe(boom);
    expect(statuses(daemon)).toEqual(['Failed', '|']);
    await daemon.start().then(unreachable, invalid(/start/, 'Failed'));
  });

  test('awaited inside onStart, which then rejects: Failed with the first error', async () => {
    const daemon = new Probe({
      onStart: async (probe) => {
        await probe.breakWith('first');
        throw new Error('second');
      },
    });
    const [outcome] = await Promise.allSettled([daemon.start()]);
    expect(outcome.status).toBe('rejected');
    expect(daemon.status).toBe('Failed');
    expect(await daemon.waitForFailure()).toBe('first');
  });

  test('awaited inside onShutdown does not deadlock: shutdown rejects with it', async () => {
    const daemon = new Probe({ onShutdown: (probe) => probe.breakWith(boom) });
    await daemon.start();
    await expect(daemon.shutdown()).rejects.toBe(boom);
    expect(daemon.status).toBe('Failed');
  });

  test('while shutdown is running: shutdown rejects with it', async () => {
    const { promise, open } = gate();
    const daemon = new Probe({ onShutdown: () => promise });
    await daemon.start();
    const down = track(daemon.shutdown());
    await settle();
    expect(daemon.calls).toContain('shutdown');
    await daemon.breakWith(boom);
    open();
    await settle();
    expect(down).toEqual({ state: 'rejected', error: boom });
    expect(daemon.status).toBe('Failed');
  });

  test('while start is running ends Failed, and is not Running afterwards', async () => {
    const { promise, open } = gate();
    const daemon = new Probe({ onStart: () => promise });
    const log = statuses(daemon);
    const started = track(daemon.start());
    await daemon.breakWith(boom);
    open();
    await settle();
    expect(started.state).not.toBe('pending');
    expect(daemon.status).toBe('Failed');
    expect(log.slice(-2)).toEqual(['Failed', '|']);
    expect(await daemon.waitForFailure()).toBe(boom);
  });

  test('before start is final', async () => {
    const daemon = new Probe();
    await daemon.breakWith(boom);
    expect(daemon.status).toBe('Failed');
    await daemon.start().then(unreachable, invalid(/start/, 'Failed'));
    await daemon.shutdown();
    expect(daemon.calls).toEqual([]);
  });

  test('from inside a subscriber of status$ counts', async () => {
    const daemon = new Probe();
    daemon.status$.subscribe((status) => {
      if (status === 'Running') void daemon.breakWith(boom);
    });
    const log = statuses(daemon);
    await daemon.start();
    expect(daemon.status).toBe('Failed');
    expect(log.at(-1)).toBe('|');
    expect(log.filter((entry) => entry === 'Failed')).toHaveLength(1);
  });
});

describe('status$', () => {
  test('gives the current status and completes at once on a daemon that has ended', async () => {
    const daemon = new Probe();
    await daemon.start();
    await daemon.shutdown();
    expect(statuses(daemon)).toEqual(['Completed', '|']);
  });

  test('agrees with status inside next', async () => {
    const daemon = new Probe();
    const seen: string[] = [];
    daemon.status$.subscribe((status) => seen.push(`${status} ${daemon.status}`));
    await daemon.start();
    await daemon.shutdown();
    expect(seen).toEqual(['Stopped Stopped', 'Running Running', 'Completed Completed']);
  });

  test('cannot be written to', () => {
    expect((new Probe().status$ as unknown as { next?: unknown }).next).toBeUndefined();
  });
});

describe('waitFor', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('resolves at once for a status that was reached, also when it has changed since', async () => {
    const daemon = new Probe();
    await daemon.waitFor('Stopped');
    await daemon.start();
    await daemon.waitFor('Running');
    await daemon.shutdown();
    for (const status of ['Stopped', 'Running', 'Completed'] as const) await daemon.waitFor(status);
  });

  test('resolves when the status comes, and not before', async () => {
    const { signal } = new AbortController();
    const daemon = new Probe();
    const running = track(daemon.waitFor('Running', { timeout: 1000, signal }));
    const completed = track(daemon.waitFor('Completed'));
    await settle();
    expect([running.state, completed.state]).toEqual(['pending', 'pending']);
    await daemon.start();
    await settle();
    expect([running.state, completed.state]).toEqual(['resolved', 'pending']);
    expect(jest.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await daemon.shutdown();
    await settle();
    expect(completed).toEqual({ state: 'resolved', value: undefined });
  });

  test('rejects with InvalidTransitionError once the status can no longer come', async () => {
    const daemon = new Probe({}, { name: 'mine' });
    const waiting = track(daemon.waitFor('Failed', { timeout: 1000 }));
    await daemon.start();
    await daemon.shutdown();
    await settle();
    expect(waiting.state).toBe('rejected');
    invalid(/mine.*Failed/, 'Completed')(waiting.error);
    await daemon.waitFor('Failed').then(unreachable, invalid(/Failed/, 'Completed'));
    expect(jest.getTimerCount()).toBe(0);

    const failed = new Probe({ onStart: () => Promise.reject(boom) });
    const running = track(failed.waitFor('Running'));
    const completed = track(failed.waitFor('Completed'));
    await failed.start().catch(() => undefined);
    await settle();
    invalid(/Running/, 'Failed')(running.error);
    invalid(/Completed/, 'Failed')(completed.error);
  });

  test('times out with TimeoutError and leaves no timer', async () => {
    const daemon = new Probe();
    const waiting = track(daemon.waitFor('Running', { timeout: 100 }));
    await jest.advanceTimersByTimeAsync(99);
    expect(waiting.state).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(waiting.error).toBeInstanceOf(TimeoutError);
    expect(waiting.error).toHaveProperty('message', `Waited 100 ms for daemon "${daemon.name}" to be Running`);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('rejects with the reason of an abort, before or during, and leaves nothing', async () => {
    const daemon = new Probe();
    await expect(daemon.waitFor('Running', { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const controller = new AbortController();
    const waiting = track(daemon.waitFor('Running', { signal: controller.signal, timeout: 1000 }));
    await settle();
    controller.abort('gone');
    await settle();
    expect(waiting).toEqual({ state: 'rejected', error: 'gone' });
    expect(jest.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('rejects an unusable timeout with RangeError', async () => {
    await expect(new Probe().waitFor('Running', { timeout: -1 })).rejects.toThrow(RangeError);
  });

  test('waitForFailure resolves with the first error, rejects as waitFor does', async () => {
    const daemon = new Probe();
    const waiting = track(daemon.waitForFailure({ timeout: 100 }));
    await daemon.start();
    await settle();
    expect(waiting.state).toBe('pending');
    await daemon.breakWith(boom);
    await settle();
    expect(waiting).toEqual({ state: 'resolved', value: boom });
    const fine = new Probe();
    const timedOut = track(fine.waitForFailure({ timeout: 5 }));
    await jest.advanceTimersByTimeAsync(5);
    expect(timedOut.error).toBeInstanceOf(TimeoutError);
    await expect(fine.waitForFailure({ signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
  });
});

describe('asyncDispose', () => {
  test('of a daemon that was never started does nothing', async () => {
    const daemon = new Probe();
    await daemon[Symbol.asyncDispose]();
    expect(daemon.status).toBe('Stopped');
    expect(daemon.calls).toEqual([]);
  });

  test('of one that is Running shuts it down', async () => {
    const daemon = new Probe();
    {
      await using running = daemon;
      await running.start();
    }
    expect(daemon.status).toBe('Completed');
  });

  test('of one whose start is running waits for it, then shuts it down', async () => {
    const { promise, open } = gate();
    const daemon = new Probe({ onStart: () => promise });
    void daemon.start();
    const disposed = track(daemon[Symbol.asyncDispose]());
    await settle();
    expect(disposed.state).toBe('pending');
    open();
    await settle();
    expect(disposed.state).toBe('resolved');
    expect(daemon.status).toBe('Completed');
  });

  test('of one whose start fails resolves', async () => {
    const daemon = new Probe({ onStart: () => Promise.reject(boom) });
    daemon.start().catch(() => undefined);
    await daemon[Symbol.asyncDispose]();
    expect(daemon.status).toBe('Failed');
  });

  test('of one that has ended does nothing', async () => {
    const completed = new Probe();
    await completed.start();
    await completed.shutdown();
    await completed[Symbol.asyncDispose]();
    expect(completed.calls.filter((call) => call === 'shutdown')).toHaveLength(1);
    const failed = new Probe();
    await failed.start();
    await failed.breakWith(boom);
    await failed[Symbol.asyncDispose]();
    expect(failed.calls).not.toContain('shutdown');
  });

  test('rejects when the shutdown fails', async () => {
    const daemon = new Probe({ onShutdown: () => Promise.reject(boom) });
    await daemon.start();
    await expect(daemon[Symbol.asyncDispose]()).rejects.toBe(boom);
  });
});

describe('its events', () => {
  test('are journaled in order, with its name', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const daemon = new Probe({}, { daemonEvents: events, name: 'mine' });
    const seen: DaemonEvent[] = [];
    events.tail().subscribe(({ entry }) => seen.push(entry));
    await daemon.start();
    await daemon.shutdown();
    expect(seen).toEqual([
      { type: 'StatusChanged', daemon: 'mine', status: 'Running' },
      { type: 'StatusChanged', daemon: 'mine', status: 'Completed' },
    ]);
  });

  test('of a failure: FailureOccurred with the error, then StatusChanged', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const daemon = new Probe({}, { daemonEvents: events, name: 'mine' });
    const seen: DaemonEvent[] = [];
    events.tail().subscribe(({ entry }) => seen.push(entry));
    await daemon.start();
    await daemon.breakWith(boom);
    expect(seen.slice(1)).toEqual([
      { type: 'FailureOccurred', daemon: 'mine', error: boom },
      { type: 'StatusChanged', daemon: 'mine', status: 'Failed' },
    ]);
    expect((seen[1] as { error: unknown }).error).toBe(boom);
  });

  test('of a failure come once, whichever way it fails', async () => {
    const run = async (use: (daemonEvents: InMemoryScrivener<DaemonEvent>) => Promise<unknown>) => {
      const events = new InMemoryScrivener<DaemonEvent>();
      const log = journaled(events);
      await use(events).catch(() => undefined);
      await settle();
      return log.filter((line) => line !== 'd Running');
    };
    const failed = ['d Error: boom', 'd Failed'];
    const reject = () => Promise.reject(boom);
    const failing = (probe: Probe) => probe.breakWith(boom);
    const make = (hooks: ConstructorParameters<typeof Probe>[0]) => (daemonEvents: InMemoryScrivener<DaemonEvent>) =>
      new Probe(hooks, { daemonEvents, name: 'd' });
    expect(await run((events) => make({ onStart: reject })(events).start())).toEqual(failed);
    expect(await run((events) => make({ onStart: failing })(events).start())).toEqual(failed);
    expect(
      await run((events) =>
        make({
          onStart: async (probe) => {
            await failing(probe);
            throw new Error('second');
          },
        })(events).start(),
      ),
    ).toEqual(failed);
    for (const hooks of [{ onShutdown: reject }, { onShutdown: failing }]) {
      expect(
        await run(async (events) => {
          const daemon = make(hooks)(events);
          await daemon.start();
          await daemon.shutdown();
        }),
      ).toEqual(failed);
    }
    expect(
      await run(async (events) => {
        const daemon = make({})(events);
        daemon.status$.subscribe((status) => status === 'Running' && void daemon.breakWith(boom));
        await daemon.start();
      }),
    ).toEqual(failed);
  });

  test('the name is that of its class when none is given', () => {
    expect(new Probe().name).toBe('Probe');
    expect(new Probe({}, { name: 'x' }).name).toBe('x');
  });

  test('of two daemons in one journal: each answers for its own', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const log = journaled(events);
    const a = new Probe({}, { daemonEvents: events, name: 'a' });
    const b = new Probe({}, { daemonEvents: events, name: 'b' });
    await a.start();
    const bRunning = track(b.waitFor('Running'));
    const bFailure = track(b.waitForFailure());
    await a.breakWith(boom);
    await settle();
    expect([b.status, bRunning.state, bFailure.state]).toEqual(['Stopped', 'pending', 'pending']);
    await b.start();
    await b.shutdown();
    expect([a.status, b.status]).toEqual(['Failed', 'Completed']);
    expect(log).toEqual(['a Running', 'a Error: boom', 'a Failed', 'b Running', 'b Completed']);
  });

  test('a journal that refuses them, by rejection, by throwing or by having ended, does not disturb the daemon', async () => {
    const ended = new InMemoryScrivener<DaemonEvent>();
    ended.complete();
    const rejecting = new TappedScrivener<DaemonEvent>(new InMemoryScrivener<DaemonEvent>(), () =>
      Promise.reject(boom),
    );
    const throwing = Object.create(rejecting, {
      write: {
        value: () => {
          throw boom;
        },
      },
    }) as Scrivener<DaemonEvent>;
    for (const daemonEvents of [ended, rejecting, throwing]) {
      const daemon = new Probe({}, { daemonEvents });
      await daemon.start();
      expect(daemon.status).toBe('Running');
      await daemon.shutdown();
      expect(daemon.status).toBe('Completed');
      const failing = new Probe({}, { daemonEvents });
      await failing.start();
      await failing.breakWith('mine');
      expect(failing.status).toBe('Failed');
      expect(await failing.waitForFailure()).toBe('mine');
    }
  });

  test('a journal that never answers does not hold the daemon up', async () => {
    const silent = new TappedScrivener<DaemonEvent>(
      new InMemoryScrivener<DaemonEvent>(),
      () => new Promise(() => undefined),
    );
    const daemon = new Probe({}, { daemonEvents: silent });
    await daemon.start();
    await daemon.shutdown();
    expect(daemon.status).toBe('Completed');
  });

  test('subscribers of the events that throw do not disturb the daemon either', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    jest.useFakeTimers();
    try {
      events.tail().subscribe(() => {
        throw boom;
      });
      const daemon = new Probe({}, { daemonEvents: events });
      await daemon.start();
      await daemon.shutdown();
      expect(daemon.status).toBe('Completed');
      jest.clearAllTimers();
    } finally {
      jest.useRealTimers();
    }
  });

  test('a subscriber of the events that shuts the daemon down on Running', async () => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const daemon = new Probe({}, { daemonEvents: events, name: 'd' });
    let down: Promise<void> | undefined;
    events.tail().subscribe(({ entry }) => {
      if (entry.type === 'StatusChanged' && entry.status === 'Running') down = daemon.shutdown();
    });
    await daemon.start();
    await down;
    expect(daemon.status).toBe('Completed');
  });
});
