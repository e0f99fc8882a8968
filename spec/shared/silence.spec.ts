import {
  JournalLockedError,
  JournalLostError,
  openSharedScrivener,
  WriteUncertainError,
  type ConnectionStatus,
} from 'rx-scrivener/shared';
import { rejectionOf, until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { usePrograms } from './support/program';

const path = useTempDir();
const program = usePrograms('shared-program');
const file = () => path('journal.ndjson');
const realTimeout = setTimeout;

/** While this process waits for nobody, half a minute takes a second. */
const STEP_MS = 50;

/** Lets time pass until something is so; resolves with how many seconds it took. */
async function pass(condition: () => boolean, atMostSeconds = 120): Promise<number> {
  let ms = 0;
  for (; !condition(); ms += STEP_MS) {
    if (ms > atMostSeconds * 1_000) throw new Error(`Not within ${atMostSeconds} s: ${String(condition)}`);
    jest.advanceTimersByTime(STEP_MS);
    await new Promise((resolve) => realTimeout(resolve, 2));
  }
  return ms / 1_000;
}

/** {@link until}, at the pace of the other process. */
async function wait(condition: () => boolean): Promise<void> {
  for (let ms = 0; !condition(); ms += 5) {
    if (ms > 20_000) throw new Error(`Waited in vain for ${String(condition)}`);
    jest.advanceTimersByTime(5);
    await new Promise((resolve) => realTimeout(resolve, 5));
  }
}

afterEach(() => jest.useRealTimers());

test('a holder that is stopped is named by what waits for it, within bounds; when it continues, so does everything', async () => {
  const holder = program(file(), 'holder', '1');
  await until(() => holder.has('written'));
  const { pid } = holder.process;
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'Date'] });
  const guest = await openSharedScrivener<string>({ filePath: file() });
  const seen: string[] = [];
  guest.tail().subscribe(({ entry }) => seen.push(entry));
  const statuses: ConnectionStatus[] = [];
  guest.connected$.subscribe((status) => statuses.push(status));
  await wait(() => seen.length === 1);
  expect(statuses).toEqual([{ status: 'open' }]);
  const isNamed = (error: unknown) => {
    expect(error).toBeInstanceOf(JournalLostError);
    const { reason, cause } = error as JournalLostError;
    expect(reason).toMatch(new RegExp(`^process ${pid} on \\S+ has the file since \\S+, and does not answer$`));
    expect(cause).toBeInstanceOf(JournalLockedError);
    expect((cause as JournalLockedError).holder).toMatchObject({ pid, isThisProcess: false });
  };

  holder.process.kill('SIGSTOP');
  // The first is sent; the second and the group wait for their turn, the last is not sent at all.
  const early = [rejectionOf(guest.write('one'))];
  await new Promise((resolve) => setImmediate(resolve));
  early.push(rejectionOf(guest.write('two')), rejectionOf(guest.writeAll(['three', 'four'])));
  let errors: unknown[] | undefined;
  void Promise.all(early).then((all) => (errors = all));
  const silentAfter = await pass(() => statuses.at(-1)!.status === 'retrying');
  expect(silentAfter).toBeLessThan(11);
  isNamed((statuses.at(-1) as ConnectionStatus & { status: 'retrying' }).error);
  expect(silentAfter + (await pass(() => errors !== undefined))).toBeLessThan(45);
  expect(errors![0]).toBeInstanceOf(WriteUncertainError);
  isNamed((errors![0] as WriteUncertainError).cause);
  for (const error of errors!.slice(1)) isNamed(error);

  let late: unknown[] | undefined;
  void Promise.all([
    rejectionOf(guest.write('five')),
    rejectionOf(guest.writeAll(['six', 'seven'])),
    rejectionOf(guest.whenFlushed(9, { timeout: 1_000 })),
    rejectionOf(openSharedScrivener({ filePath: file() })),
    rejectionOf(openSharedScrivener({ filePath: file(), lockTimeoutMs: 1e9, signal: AbortSignal.timeout(100) })),
  ]).then((all) => (late = all));
  expect(await pass(() => late !== undefined)).toBeLessThan(45);
  for (const error of late!.slice(0, 2)) isNamed(error);
  expect(late!.slice(2)).toMatchObject([
    { name: 'TimeoutError' },
    { code: 'ERR_JOURNAL_LOCKED', holder: { pid } },
    { name: 'TimeoutError' },
  ]);

  holder.process.kill('SIGCONT');
  let position: number | undefined;
  void guest.write('after').then((taken) => (position = taken));
  await wait(() => position !== undefined && seen.length === position);
  // What was sent may have been written; what was not is not.
  expect(seen.filter((entry) => entry !== 'one')).toEqual(['holder.1', 'after']);
  expect(new Set(seen).size).toBe(seen.length);
  await wait(() => statuses.at(-1)!.status === 'open');

  await holder.kill();
  await wait(() => guest.role === 'holder');
  expect(await guest.write('own')).toBe(position! + 1);
  jest.useRealTimers();
  await guest.close();
}, 60_000);

test('opening a journal whose holder is stopped waits as long as `lockTimeoutMs` says', async () => {
  const holder = program(file(), 'holder', '1');
  await until(() => holder.has('written'));
  holder.process.kill('SIGSTOP');
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'Date'] });
  for (const [lockTimeoutMs, atMost] of [
    [0, 2],
    [3_000, 4],
  ] as const) {
    let error: unknown;
    void rejectionOf(openSharedScrivener({ filePath: file(), lockTimeoutMs })).then((reason) => (error = reason));
    expect(await pass(() => error !== undefined)).toBeLessThan(atMost);
    expect(error).toMatchObject({ code: 'ERR_JOURNAL_LOCKED', holder: { pid: holder.process.pid } });
  }
});

test('however long its holder has been stopped, a guest looks for it again within half a second', async () => {
  const holder = program(file(), 'holder', '1');
  await until(() => holder.has('written'));
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'Date'] });
  const guest = await openSharedScrivener<string>({ filePath: file() });
  const pauses: number[] = [];
  guest.connected$.subscribe((now) => {
    if (now.status === 'retrying') pauses.push(now.nextAttempt! - Date.now());
  });
  holder.process.kill('SIGSTOP');
  await pass(() => pauses.length >= 8);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(500);
  await holder.kill();
  await wait(() => guest.role === 'holder');
  jest.useRealTimers();
  await guest.close();
});
