import { debounceTime, filter, NEVER, Observable, throwError, timer } from 'rxjs';
import { InMemoryScrivener, InvalidTransitionError, type DaemonEvent, type Positioned } from 'rx-scrivener';
import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { journalText, textOf } from '../support/journal-text';
import { rejectionOf, turns, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

let scrivener: FileScrivener<number>;
async function open(config: Partial<FileScrivenerConfig<number>> = {}) {
  scrivener = await openFileScrivener<number>({ filePath: filePath(), ...config });
  return scrivener;
}
afterEach(() => scrivener.close().catch(() => undefined));
afterEach(() => jest.useRealTimers());

const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const write = (from: number, to: number) => Promise.all(span(from, to).map((n) => scrivener.write(n)));
const fakeTimers = () =>
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });

describe('by time', () => {
  test('by default an entry is in the file a second after it was written', async () => {
    await open();
    fakeTimers();
    await scrivener.write(1);
    jest.advanceTimersByTime(999);
    await turns();
    expect(scrivener.flushed).toBe(0);
    expect(textOf(filePath())).toBe('');
    jest.advanceTimersByTime(1);
    await scrivener.whenFlushed(1);
    expect(textOf(filePath())).toBe(journalText([1]));
  });

  test('for real', async () => {
    await open();
    const start = performance.now();
    await scrivener.write(1);
    await until(() => scrivener.flushed === 1);
    const ms = performance.now() - start;
    expect(textOf(filePath())).toBe(journalText([1]));
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(2500);
  });

  test('not for who waits for an entry: it is in the file without the clock', async () => {
    await open({ flushIntervalMs: Infinity });
    await scrivener.whenFlushed(await scrivener.write(1));
    expect(textOf(filePath())).toBe(journalText([1]));
  });

  test('the time counts from the first entry that waits; an idle journal has no timer', async () => {
    await open({ flushIntervalMs: 300 });
    fakeTimers();
    expect(jest.getTimerCount()).toBe(0);
    await scrivener.write(1);
    jest.advanceTimersByTime(200);
    await scrivener.write(2);
    jest.advanceTimersByTime(100);
    await scrivener.whenFlushed(2);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(10_000);
    await scrivener.write(3);
    jest.advanceTimersByTime(299);
    await turns();
    expect(scrivener.flushed).toBe(2);
    jest.advanceTimersByTime(1);
    await scrivener.whenFlushed(3);
    expect(textOf(filePath())).toBe(journalText([1, 2, 3]));
  });

  test('a batch that was cut by count takes its timer with it', async () => {
    await open({ flushIntervalMs: 300, flushThreshold: 2 });
    fakeTimers();
    await write(1, 2);
    await scrivener.whenFlushed(2);
    expect(jest.getTimerCount()).toBe(0);
    await scrivener.write(3);
    jest.advanceTimersByTime(299);
    await turns();
    expect(scrivener.flushed).toBe(2);
    jest.advanceTimersByTime(1);
    await scrivener.whenFlushed(3);
  });

  test('0: at once', async () => {
    await open({ flushIntervalMs: 0 });
    await scrivener.write(1);
    await scrivener.whenFlushed(1, { timeout: 5000 });
    expect(textOf(filePath())).toBe(journalText([1]));
  });

  test('Infinity: never', async () => {
    await open({ flushIntervalMs: Infinity, flushThreshold: 3 });
    fakeTimers();
    await write(1, 2);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(2 ** 31);
    await turns();
    expect(scrivener.flushed).toBe(0);
    expect(textOf(filePath())).toBe('');
    await scrivener.write(3);
    await scrivener.whenFlushed(3);
    expect(textOf(filePath())).toBe(journalText([1, 2, 3]));
  });
});

describe('by count', () => {
  test('by default a hundred', async () => {
    await open({ flushIntervalMs: Infinity });
    await write(1, 99);
    await turns();
    expect(scrivener.flushed).toBe(0);
    await write(100, 150);
    await scrivener.whenFlushed(100);
    expect(scrivener.flushed).toBe(100);
    expect(textOf(filePath())).toBe(journalText(span(1, 100)));
    await scrivener.flush();
    expect(textOf(filePath())).toBe(journalText(span(1, 150)));
  });

  test('counted again from what was recovered', async () => {
    await open({ flushThreshold: 3, flushIntervalMs: Infinity });
    await write(1, 4);
    await scrivener.close();
    await open({ flushThreshold: 3, flushIntervalMs: Infinity });
    expect(scrivener.flushed).toBe(4);
    await write(5, 6);
    await turns();
    expect(scrivener.flushed).toBe(4);
    await scrivener.write(7);
    await scrivener.whenFlushed(7);
    expect(textOf(filePath())).toBe(journalText(span(1, 7)));
  });

  test('flushed$ emits the current position, then that of each batch', async () => {
    await open({ flushThreshold: 2, flushIntervalMs: Infinity });
    await write(1, 2);
    await scrivener.whenFlushed(2);
    const seen: (number | string)[] = [];
    scrivener.flushed$.subscribe({ next: (position) => seen.push(position), complete: () => seen.push('end') });
    expect(seen).toEqual([2]);
    await write(3, 7);
    await scrivener.whenFlushed(6);
    expect(seen).toEqual([2, 4, 6]);
    await scrivener.close();
    expect(seen).toEqual([2, 4, 6, 7, 'end']);
  });
});

describe('by a predicate', () => {
  test("of one's own, instead of count and time", async () => {
    await open({ predicate: filter((batch) => batch.at(-1)!.entry % 5 === 0), flushThreshold: 1, flushIntervalMs: 0 });
    await write(1, 4);
    await turns();
    expect(scrivener.flushed).toBe(0);
    await write(5, 8);
    await scrivener.whenFlushed(5);
    await turns();
    expect(scrivener.flushed).toBe(5);
    expect(textOf(filePath())).toBe(journalText(span(1, 5)));
  });

  test.each([
    ['debounceTime', () => debounceTime<readonly Positioned<number>[]>(200), 400],
    ['a timer', () => () => timer(300), 300],
  ])('%s', async (_, predicate, at) => {
    await open({ predicate: predicate() });
    fakeTimers();
    await scrivener.write(1);
    jest.advanceTimersByTime(100);
    await scrivener.write(2);
    jest.advanceTimersByTime(100);
    await scrivener.write(3);
    jest.advanceTimersByTime(at - 201);
    await turns();
    expect(scrivener.flushed).toBe(0);
    jest.advanceTimersByTime(1);
    await scrivener.whenFlushed(3);
    expect(textOf(filePath())).toBe(journalText([1, 2, 3]));
  });

  test('that errors: what was accepted is flushed, then the flusher fails, and the journal continues', async () => {
    const error = new Error('predicate');
    let fail = false;
    await open({
      predicate: (batches) =>
        new Observable((subscriber) =>
          batches.subscribe({
            next: (batch) => (fail ? subscriber.error(error) : batch.length === 3 && subscriber.next(0)),
          }),
        ),
    });
    await write(1, 3);
    await scrivener.whenFlushed(3);
    fail = true;
    await scrivener.write(4);
    expect(await scrivener.flusher.waitForFailure()).toBe(error);
    expect(scrivener.flushed).toBe(4);
    expect(textOf(filePath())).toBe(journalText(span(1, 4)));
    // Nothing was lost, so far.
    expect(await scrivener.write(5)).toBe(5);
    expect(await rejectionOf(scrivener.flush())).toBe(error);
    expect(await rejectionOf(scrivener.close())).toBe(error);
    expect(textOf(filePath())).toBe(journalText(span(1, 4)));
    await open();
    expect(scrivener.head).toBe(4);
  });

  test('that errors when everything is flushed: close has nothing to complain about', async () => {
    await open({ predicate: () => throwError(() => new Error('predicate')) });
    await scrivener.write(1);
    await scrivener.flusher.waitFor('Failed');
    expect(scrivener.flushed).toBe(1);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText([1]));
    await open();
    expect(scrivener.head).toBe(1);
  });

  test('that never fires: flush and close do', async () => {
    await open({ predicate: () => NEVER });
    await write(1, 3);
    await scrivener.flush();
    expect(textOf(filePath())).toBe(journalText(span(1, 3)));
    await write(4, 5);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(span(1, 5)));
  });
});

describe('flush', () => {
  test('resolves when what was written is in the file; with nothing to do at once', async () => {
    await open({ flushIntervalMs: Infinity });
    await scrivener.flush();
    scrivener.append(1);
    scrivener.append(2);
    const flushing = scrivener.flush();
    scrivener.append(3);
    await flushing;
    expect(textOf(filePath()).startsWith(journalText([1, 2]))).toBe(true);
    expect(scrivener.flushed).toBeGreaterThanOrEqual(2);
    await scrivener.flush();
    expect(textOf(filePath())).toBe(journalText([1, 2, 3]));
    await scrivener.flush();
  });

  test('concurrently, in any number', async () => {
    await open({ flushIntervalMs: Infinity, flushQueueCapacity: 1 });
    const flushes: Promise<void>[] = [];
    for (let n = 1; n <= 50; n++) {
      scrivener.append(n);
      flushes.push(
        scrivener.flush().then(() => {
          expect(scrivener.flushed).toBeGreaterThanOrEqual(n);
        }),
      );
    }
    await Promise.all(flushes);
    expect(textOf(filePath())).toBe(journalText(span(1, 50)));
  });

  test('inside a subscriber', async () => {
    await open({ flushIntervalMs: Infinity });
    const flushes: Promise<void>[] = [];
    scrivener.tail().subscribe(({ position }) => position % 2 === 0 && flushes.push(scrivener.flush()));
    await write(1, 6);
    await Promise.all(flushes);
    expect(flushes.length).toBe(3);
    expect(textOf(filePath())).toBe(journalText(span(1, 6)));
  });
});

describe('whenFlushed', () => {
  test('resolves after the batch of the position, immediately if it is in the file', async () => {
    await open({ flushThreshold: 3, flushIntervalMs: Infinity });
    const order: string[] = [];
    void scrivener.whenFlushed(2).then(() => order.push('2'));
    void scrivener.whenFlushed(6).then(() => order.push('6'));
    await scrivener.whenFlushed(0);
    await write(1, 5);
    await until(() => order.length > 0);
    expect(order).toEqual(['2']);
    await write(6, 6);
    await until(() => scrivener.flushed === 6);
    await turns();
    expect(order).toEqual(['2', '6']);
    await scrivener.whenFlushed(5);
  });

  test('times out, is aborted, refuses what is not a position', async () => {
    await open({ flushIntervalMs: Infinity });
    await scrivener.write(1);
    expect(await rejectionOf(scrivener.whenFlushed(2, { timeout: 0 }))).toMatchObject({ name: 'TimeoutError' });
    const reason = new Error('enough');
    expect(await rejectionOf(scrivener.whenFlushed(2, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await rejectionOf(scrivener.whenFlushed(-1))).toBeInstanceOf(RangeError);
    await scrivener.close();
    await scrivener.whenFlushed(1);
    expect(await rejectionOf(scrivener.whenFlushed(2))).toBeInstanceOf(InvalidTransitionError);
  });
});

describe('daemonEvents', () => {
  const eventsOf = (events: { tail: InMemoryScrivener<DaemonEvent>['tail'] }) => {
    const seen: DaemonEvent[] = [];
    events.tail().subscribe(({ entry }) => seen.push(entry));
    return seen;
  };

  test('are journaled in memory by default', async () => {
    await open();
    await scrivener.write(1);
    await scrivener.close();
    expect(eventsOf(scrivener.daemonEvents)).toEqual([
      { type: 'StatusChanged', daemon: 'FlusherDaemon', status: 'Running' },
      { type: 'StatusChanged', daemon: 'FlusherDaemon', status: 'Completed' },
    ]);
    expect(scrivener.flusher.status).toBe('Completed');
  });

  test('are journaled where one likes', async () => {
    const daemonEvents = new InMemoryScrivener<DaemonEvent>();
    await open({ daemonEvents });
    expect(scrivener.daemonEvents).toBe(daemonEvents);
    await scrivener.close();
    expect(eventsOf(daemonEvents).map((event) => 'status' in event && event.status)).toEqual(['Running', 'Completed']);
  });
});

test('one open handle, and one write a batch', async () => {
  const { open: openFile } = await import('node:fs/promises');
  const probe = await openFile(path('probe'), 'a+');
  const prototype = Object.getPrototypeOf(probe) as typeof probe;
  await probe.close();
  await open({ flushThreshold: 50, flushIntervalMs: Infinity });
  const writes = jest.spyOn(prototype, 'write');
  const handles = new Set<unknown>();
  try {
    await write(1, 500);
    await scrivener.flush();
    writes.mock.contexts.forEach((handle) => handles.add(handle));
    expect(writes).toHaveBeenCalledTimes(10);
  } finally {
    writes.mockRestore();
  }
  expect(handles.size).toBe(1);
  expect(textOf(filePath())).toBe(journalText(span(1, 500)));
});
