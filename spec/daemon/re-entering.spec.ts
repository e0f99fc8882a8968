import {
  ContractDaemon,
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  type DaemonEvent,
  type DaemonOptions,
  type DaemonStatus,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';

type Hooks = Partial<Record<'onStart' | 'onShutdown', (daemon: Hooked) => void | Promise<void>>>;

class Hooked extends ContractDaemon {
  readonly calls: string[] = [];
  constructor(
    private readonly hooks: Hooks,
    options?: DaemonOptions,
  ) {
    super(options);
  }
  protected override async onStart(): Promise<void> {
    this.calls.push('start');
    await this.hooks.onStart?.(this);
  }
  protected override async onShutdown(): Promise<void> {
    this.calls.push('shutdown');
    await this.hooks.onShutdown?.(this);
  }
  breakWith(error: unknown): Promise<void> {
    return this.fail(error);
  }
}

const boom = new Error('boom');

describe('a lifecycle call from inside a hook', () => {
  test.each([
    ['before', (again: () => void) => again()],
    ['after', (again: () => void) => Promise.resolve().then(again)],
  ])('start in onStart, %s its first await, starts once', async (_, at) => {
    const starts: Promise<void>[] = [];
    const daemon = new Hooked({ onStart: (d) => at(() => starts.push(d.start(), d.start())) });
    await daemon.start();
    await Promise.all(starts);
    expect(starts).toHaveLength(2);
    expect(daemon.calls).toEqual(['start']);
    expect(daemon.status).toBe('Running');
  });

  test('shutdown in the synchronous part of onStart waits for the start', async () => {
    let down!: Promise<void>;
    const daemon = new Hooked({ onStart: (d) => void (down = d.shutdown()) });
    await daemon.start();
    await down;
    expect(daemon.calls).toEqual(['start', 'shutdown']);
    expect(daemon.status).toBe('Completed');
  });

  test('shutdown in onShutdown shuts down once', async () => {
    const downs: Promise<void>[] = [];
    const daemon = new Hooked({ onShutdown: (d) => void downs.push(d.shutdown(), d.shutdown()) });
    await daemon.start();
    await daemon.shutdown();
    await Promise.all(downs);
    expect(downs).toHaveLength(2);
    expect(daemon.calls).toEqual(['start', 'shutdown']);
  });

  test('dispose in the synchronous part of onStart shuts down after it', async () => {
    let disposed!: Promise<void>;
    const daemon = new Hooked({ onStart: (d) => void (disposed = d[Symbol.asyncDispose]()) });
    await daemon.start();
    await disposed;
    expect(daemon.status).toBe('Completed');
  });

  test('a hook that throws at once does not hold up what it called', async () => {
    let again!: Promise<void>;
    const daemon = new Hooked({
      onStart: (d) => {
        again = d.start();
        throw boom;
      },
    });
    await expect(daemon.start()).rejects.toBe(boom);
    await expect(again).rejects.toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
    expect(daemon.calls).toEqual(['start']);
  });
});

describe('a flusher whose sink, predicate or journal calls it back while it replays', () => {
  test('a sink that starts it again: nothing is flushed twice', async () => {
    const scrivener = new InMemoryScrivener<number>();
    for (const n of [1, 2]) scrivener.append(n);
    const accepted: number[][] = [];
    const starts: Promise<void>[] = [];
    const flusher = new FlusherDaemon<number>({
      scrivener,
      predicate: countThreshold(1),
      sink: {
        append: async (snapshot) => {
          accepted.push(snapshot.map(({ position }) => position));
          starts.push(flusher.start());
        },
      },
    });
    await flusher.start();
    scrivener.append(3);
    await flusher.shutdown();
    await Promise.allSettled(starts);
    expect(accepted).toEqual([[1], [2], [3]]);
  });

  test('a sink that writes through a helper which starts what is not started yet', async () => {
    const scrivener = new InMemoryScrivener<string>();
    for (const entry of ['one', 'two']) await scrivener.write(entry);
    const accepted: string[] = [];
    const write = async (entry: string) => {
      const started = flusher.start();
      const position = scrivener.append(entry);
      await started;
      return position;
    };
    let audits = 0;
    const flusher = new FlusherDaemon<string>({
      scrivener,
      predicate: countThreshold(1),
      sink: {
        append: async (snapshot) => {
          accepted.push(...snapshot.map(({ entry }) => entry));
          if (audits++ === 0) await write('audit');
        },
      },
    });
    await write('a');
    await flusher.flush();
    await flusher.shutdown();
    expect([...accepted].sort()).toEqual(['a', 'audit', 'one', 'two']);
  });

  test('a predicate that shuts it down: all that was written is persisted, then Completed', async () => {
    const scrivener = new InMemoryScrivener<number>();
    for (const n of [1, 2, 3]) scrivener.append(n);
    const accepted: number[] = [];
    let down: Promise<void> | undefined;
    const flusher = new FlusherDaemon<number>({
      scrivener,
      predicate: (growth) => {
        down ??= flusher.shutdown();
        return countThreshold(2)(growth);
      },
      sink: { append: async (snapshot) => void accepted.push(...snapshot.map(({ position }) => position)) },
    });
    await flusher.start();
    await down;
    expect(accepted).toEqual([1, 2, 3]);
    expect(flusher.status).toBe('Completed');
  });
});

describe('a status is reached before it is reported', () => {
  const watched = (hooks: Hooks = {}) => {
    const events = new InMemoryScrivener<DaemonEvent>();
    const daemon = new Hooked(hooks, { daemonEvents: events, name: 'd' });
    const seen: string[] = [];
    events
      .tail()
      .subscribe(({ entry }) =>
        seen.push(`${entry.type === 'StatusChanged' ? entry.status : 'failure'} at ${daemon.status}`),
      );
    return { events, daemon, seen };
  };

  test('to a subscriber of its events', async () => {
    const { daemon, seen } = watched();
    await daemon.start();
    await daemon.shutdown();
    expect(seen).toEqual(['Running at Running', 'Completed at Completed']);
  });

  test('also of a failure, while Running and while starting', async () => {
    for (const hooks of [{}, { onStart: (d: Hooked) => void d.breakWith(boom) }]) {
      const { daemon, seen } = watched(hooks);
      await daemon.start();
      await daemon.breakWith(boom);
      expect(seen).toEqual(['Running at Running', 'failure at Failed', 'Failed at Failed']);
    }
  });

  test.each(['FailureOccurred', 'Failed'])('a shutdown on %s changes nothing and runs no hook', async (moment) => {
    for (const settled of [true, false]) {
      const { events, daemon } = watched();
      let down: Promise<void> | undefined;
      events.tail().subscribe(({ entry }) => {
        if (entry.type === moment || (entry.type === 'StatusChanged' && entry.status === moment))
          down = daemon.shutdown();
      });
      const started = daemon.start();
      if (settled) await started;
      await daemon.breakWith(boom);
      await started;
      await settle();
      await expect(down).resolves.toBeUndefined();
      expect(daemon.calls).toEqual(['start']);
      expect(daemon.status).toBe('Failed');
    }
  });

  test('to every subscriber of status$, each status, when the first of them makes the next', async () => {
    const { daemon, seen } = watched();
    daemon.status$.subscribe((status) => status === 'Running' && void daemon.breakWith(boom));
    const statuses: [DaemonStatus, DaemonStatus][] = [];
    daemon.status$.subscribe((status) => statuses.push([status, daemon.status]));
    await daemon.start();
    expect(statuses).toEqual([
      ['Stopped', 'Stopped'],
      ['Running', 'Running'],
      ['Failed', 'Failed'],
    ]);
    expect(seen).toEqual(['Running at Running', 'failure at Failed', 'Failed at Failed']);
  });

  test('and when the events make the next', async () => {
    const { daemon, events } = watched();
    events.tail().subscribe(() => void daemon.breakWith(boom));
    const later: string[] = [];
    events.tail().subscribe(({ entry }) => later.push(entry.type === 'StatusChanged' ? entry.status : 'failure'));
    await daemon.start();
    const down = track(daemon.shutdown());
    await settle();
    expect(later).toEqual(['Running', 'failure', 'Failed']);
    expect(down.state).toBe('resolved');
  });
});
