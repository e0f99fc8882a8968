import { lastValueFrom, toArray } from 'rxjs';
import { readJournal } from 'rx-scrivener/file';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { usePrograms, type Program } from './support/program';

const path = useTempDir();
const program = usePrograms('shared-program');
const start = (who: string, count: number) => program(path('journal.ndjson'), who, String(count));

async function journal(): Promise<string[]> {
  const records = await lastValueFrom(readJournal<string>(path('journal.ndjson')).pipe(toArray()));
  expect(records.map(({ position }) => position)).toEqual(records.map((_, index) => index + 1));
  return records.map(({ entry }) => entry);
}

/** Checks what every process was told against what the journal holds. */
function check(programs: readonly Program[], entries: readonly string[]): void {
  expect(new Set(entries).size).toBe(entries.length);
  for (const program of programs) {
    expect(program.has('failed')).toBe(false);
    for (const [position, entry] of program.of('acknowledged')) expect(entries[Number(position) - 1]).toBe(entry);
    const seen = program.of('saw').map(([position]) => Number(position));
    expect(seen).toEqual(seen.map((_, index) => index + 1));
    const own = program.of('acknowledged').map(([position]) => Number(position));
    expect(own).toEqual([...own].sort((a, b) => a - b));
    for (const [, code] of program.of('rejected')) expect(code).toBe('ERR_WRITE_UNCERTAIN');
  }
}

test('what several processes write is one journal, and each reads it', async () => {
  const programs = ['a', 'b', 'c'].map((who) => start(who, 50));
  await until(() => programs.every((program) => program.of('saw').length === 150));
  const entries = await journal();
  check(programs, entries);
  expect(programs.map((program) => program.of('acknowledged').length)).toEqual([50, 50, 50]);
  expect(programs.filter(({ role }) => role === 'holder')).toHaveLength(1);
  for (const program of programs) expect(program.of('saw').map(([, entry]) => entry)).toEqual(entries);
}, 120_000);

test('a holder that closes hands over: no write is lost, none is doubled, and none is uncertain', async () => {
  const first = start('a', 5);
  await until(() => first.has('written'));
  const others = ['b', 'c'].map((who) => start(who, 200));
  await until(() => others.every((program) => program.has('acknowledged')));
  first.tell('close');
  await first.ended;
  await until(() => others.every((program) => program.has('written')), 'the others to go on');
  const entries = await journal();
  check([...others], entries);
  expect(others.filter(({ role }) => role === 'holder')).toHaveLength(1);
  for (const program of [first, ...others]) expect(program.of('rejected')).toEqual([]);
}, 120_000);

test('a holder that is killed, again and again, loses and doubles nothing that was acknowledged', async () => {
  const programs = ['a', 'b', 'c'].map((who) => start(who, 400));
  for (let kills = 1; kills <= 4; kills++) {
    await until(() => programs.filter((program) => program.isRunning).some(({ role }) => role === 'holder'));
    const count = () => programs.reduce((sum, program) => sum + program.of('acknowledged').length, 0);
    const before = count();
    await until(() => count() > before + 20 || programs.every((program) => program.has('written')));
    const holder = programs.find((program) => program.isRunning && program.role === 'holder')!;
    await holder.kill();
    programs.push(start(`${kills}`, 400));
  }
  const left = programs.filter((program) => program.isRunning);
  await until(() => left.every((program) => program.has('written')), 'those that are left');
  const entries = await journal();
  await until(() => left.every((program) => program.of('saw').length === entries.length), 'the tails');
  check(programs, entries);
}, 180_000);
