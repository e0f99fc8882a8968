import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readJournal } from 'rx-scrivener/file';
import { useTempDir } from '../file/support/temp-dir';
import { usePrograms, type Program } from './support/program';

/** How often the holder is killed: more by hand than each time. `SHARED_KILLS=100 npx jest spec/shared/faults` */
const KILLS = Number(process.env.SHARED_KILLS ?? 10);
/** Each so many kills it is stopped as well. */
const STOP_EACH = 5;
const PROCESSES = 8;

jest.setTimeout(120_000 + KILLS * 10_000);

const path = useTempDir();
const program = usePrograms('traffic-program');
const names = new Map<Program, string>();
let started = 0;
const start = () => {
  const who = `p${++started}`;
  const process = program(path('journal.ndjson'), who);
  names.set(process, who);
  return process;
};

/** Waits as long as a busy machine may take. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await delay(5);
  }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

test('eight processes write and tail while the holder is killed and stopped, again and again', async () => {
  const all = Array.from({ length: PROCESSES }, start);
  const running = () => all.filter(({ isRunning }) => isRunning);
  const holder = () => running().find(({ role }) => role === 'holder');
  /** Each that runs has written more. */
  const progress = async () => {
    const before = new Map(running().map((process) => [process, process.of('acknowledged').length]));
    await until(() => [...before].every(([process, n]) => process.of('acknowledged').length >= n + 10), 'everybody');
  };
  const takeovers: number[] = [];
  let stops = 0;
  for (let kills = 1; kills <= KILLS; kills++) {
    await progress();
    const victim = holder()!;
    if (kills % STOP_EACH === 0) {
      // For longer than anybody waits for an answer, and for less; it continues, or is killed as it is.
      victim.process.kill('SIGSTOP');
      await delay(stops % 3 === 0 ? 11_000 : 1_000 * Math.random());
      if (stops++ % 2 === 0) {
        victim.process.kill('SIGCONT');
        await progress();
      }
    }
    await delay(50 * Math.random());
    await victim.kill();
    const killed = performance.now();
    await until(() => holder() !== undefined, 'another holder');
    takeovers.push(performance.now() - killed);
    all.push(start());
  }
  await progress();
  const left = running();
  for (const process of left) process.tell('finish');
  await until(() => left.every((process) => process.has('finished')), 'the last writes');

  const journal: string[] = [];
  const hash = createHash('sha256');
  const digests = new Map<string, string>();
  const asked = new Set(all.flatMap((process) => process.of('saw')).map(([position]) => position));
  for await (const { position, entry } of readJournal<string>(path('journal.ndjson'))) {
    expect(position).toBe(journal.push(entry));
    hash.update(`${position} ${entry}\n`);
    digests.set(String(position), hash.copy().digest('hex'));
  }
  expect(asked.size).toBeGreaterThan(0);
  for (const process of left) process.tell(String(journal.length));
  const end = String(journal.length);
  await until(() => left.every((process) => process.of('saw').some(([position]) => position === end)), 'the tails');

  let [acknowledged, uncertain] = [0, 0];
  expect(new Set(journal).size).toBe(journal.length);
  for (const process of all) {
    const who = names.get(process)!;
    expect(process.of('failed')).toEqual([]);
    for (const [position, digest] of process.of('saw')) expect(digest).toBe(digests.get(position!));
    for (const [position, n] of process.of('acknowledged')) {
      expect(journal[Number(position) - 1]).toBe(`${who}.${n}`);
      acknowledged++;
    }
    for (const [, code] of process.of('rejected')) {
      expect(code).toBe('ERR_WRITE_UNCERTAIN');
      uncertain++;
    }
    // Its own, also what it was never told of.
    const own = journal.filter((entry) => entry.startsWith(`${who}.`)).map((entry) => Number(entry.split('.')[1]));
    expect(own).toEqual([...own].sort((a, b) => a - b));
  }
  expect(left).toHaveLength(PROCESSES);
  const times = `after a kill another holds it in ${median(takeovers)!.toFixed(0)} ms (median), ${Math.max(...takeovers).toFixed(0)} at most`;
  process.stdout.write(
    `${KILLS} kills, ${stops} stops: ${journal.length} entries, ${acknowledged} acknowledged, ${uncertain} uncertain; ${times}\n`,
  );
});
