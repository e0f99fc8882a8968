import type { RetryConfig } from 'rxjs';
import { InMemoryScrivener, type DaemonEvent } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { retrying as retryingAny } from '../../../lib/flush/retrying';
import { rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const errorOf = (code: string) => Object.assign(new Error(code), { code });
const retrying = (step: () => Promise<void>, config: RetryConfig, report: (error: unknown, count: number) => void) =>
  retryingAny(step, config, (error) => error === full || error === busy, 1, report);
const full = errorOf('ENOSPC');
const busy = errorOf('EBUSY');

/** Fails with each of the errors once, in their order; tells when it was tried, and what was reported. */
function failing(errors: readonly Error[]) {
  const triedAt: number[] = [];
  const reported: [unknown, number][] = [];
  let left = [...errors];
  const step = async () => {
    triedAt.push(Date.now());
    const [error, ...rest] = left;
    left = rest;
    if (error) throw error;
  };
  const report = (error: unknown, count: number) => reported.push([error, count]);
  return { step, report, triedAt, reported };
}

describe('retrying', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  test('waits twice as long from attempt to attempt, up to a second, where no delay is given', async () => {
    const { step, report, triedAt } = failing(Array.from({ length: 10 }, () => full));
    const done = retrying(step, {}, report);
    await jest.runAllTimersAsync();
    await done;
    const waited = triedAt.map((ms, index) => ms - (triedAt[index - 1] ?? 0));
    expect(waited).toEqual([0, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
  });

  test('keeps to a delay that is given', async () => {
    const { step, report, triedAt } = failing([full, full, full]);
    const done = retrying(step, { delay: 7 }, report);
    await jest.runAllTimersAsync();
    await done;
    expect(triedAt).toEqual([0, 7, 14, 21]);
  });

  test('reports failures of one kind ever more seldom, and all of them in the end', async () => {
    const { step, report, reported } = failing([...Array.from({ length: 870 }, () => full), busy, busy, busy, full]);
    const done = retrying(step, { delay: 1 }, report);
    await jest.advanceTimersByTimeAsync(100);
    expect(reported.map(([, count]) => count)).toEqual([1, 1, 2, 4, 8, 16, 32]);
    await jest.runAllTimersAsync();
    await done;
    const counts = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 358];
    expect(reported).toEqual([...counts.map((count) => [full, count]), [busy, 1], [busy, 1], [busy, 1], [full, 1]]);
  });

  test('reports nothing where the first attempt succeeds, or fails for good', async () => {
    const { step, report, reported } = failing([]);
    await retrying(step, {}, report);
    const lost = errorOf('EIO');
    expect(await rejectionOf(retrying(() => Promise.reject(lost), {}, report))).toBe(lost);
    expect(reported).toEqual([]);
  });
});

test('events of failures in a row say how many they stand for', async () => {
  const daemonEvents = new InMemoryScrivener<DaemonEvent>();
  let calls = 0;
  const sink = { append: async () => (++calls <= 20 ? Promise.reject(full) : undefined) };
  const scrivener = await openFileScrivener({ filePath: path('f'), sink, daemonEvents, retry: { delay: 0 } });
  await scrivener.write('a');
  await scrivener.flush();
  await scrivener.close();
  const counts: unknown[] = [];
  daemonEvents.tail().subscribe(({ entry }) => {
    if (entry.type === 'FailureOccurred') counts.push(entry.count ?? 1);
  });
  expect(counts).toEqual([1, 1, 2, 4, 8, 4]);
});

test('by default the newest thousand events are kept', async () => {
  const scrivener = await openFileScrivener({ filePath: path('f') });
  const events = scrivener.daemonEvents as unknown as InMemoryScrivener<DaemonEvent>;
  for (let n = 0; n < 5_000; n++) events.append({ type: 'StatusChanged', daemon: 'other', status: 'Running' });
  expect(events.head - events.first + 1).toBe(1_000);
  await scrivener.close();
  expect(scrivener.flusher.status).toBe('Completed');
});
