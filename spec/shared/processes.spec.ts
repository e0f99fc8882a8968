import { buildSync } from 'esbuild';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { lastValueFrom, toArray } from 'rxjs';
import { readJournal } from 'rx-scrivener/file';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';

const ROOT = resolve(__dirname, '../..');
const path = useTempDir();
let programs = '';
beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), 'rx-scrivener-programs-'));
  buildSync({
    entryPoints: [join(__dirname, 'support/shared-program.ts')],
    outfile: join(programs, 'shared.cjs'),
    tsconfig: join(ROOT, 'tsconfig.json'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['fs-native-extensions'],
    supported: { 'dynamic-import': false },
  });
});
afterAll(() => rmSync(programs, { recursive: true, force: true }));

/** A process that has the journal open. */
class Program {
  readonly said: string[][] = [];
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown>;

  constructor(who: string, count: number) {
    const env = { ...process.env, NODE_PATH: join(ROOT, 'node_modules') };
    const args = [join(programs, 'shared.cjs'), path('journal.ndjson'), who, String(count)];
    this.process = spawn(process.execPath, args, { env });
    this.process.stderr.pipe(process.stderr);
    this.ended = once(this.process, 'close');
    createInterface({ input: this.process.stdout }).on('line', (line) => this.said.push(line.split(' ')));
    running.add(this);
  }

  get role(): string | undefined {
    return this.said.findLast(([word]) => word === 'role')?.[1];
  }

  has(word: string): boolean {
    return this.of(word).length > 0;
  }

  of(word: string): string[][] {
    return this.said.filter(([first]) => first === word).map(([, ...rest]) => rest);
  }

  kill(): Promise<unknown> {
    this.process.kill('SIGKILL');
    running.delete(this);
    return this.ended;
  }
}
const running = new Set<Program>();
afterEach(async () => {
  await Promise.all([...running].map((program) => program.kill()));
});

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
  const programs = ['a', 'b', 'c'].map((who) => new Program(who, 50));
  await until(() => programs.every((program) => program.of('saw').length === 150));
  const entries = await journal();
  check(programs, entries);
  expect(programs.map((program) => program.of('acknowledged').length)).toEqual([50, 50, 50]);
  expect(programs.filter(({ role }) => role === 'holder')).toHaveLength(1);
  for (const program of programs) expect(program.of('saw').map(([, entry]) => entry)).toEqual(entries);
}, 120_000);

test('a holder that closes hands over: no write is lost, none is doubled, and none is uncertain', async () => {
  const first = new Program('a', 5);
  await until(() => first.has('written'));
  const others = ['b', 'c'].map((who) => new Program(who, 200));
  await until(() => others.every((program) => program.has('acknowledged')));
  first.process.stdin.write('close\n');
  await first.ended;
  await until(() => others.every((program) => program.has('written')), 'the others to go on');
  const entries = await journal();
  check([...others], entries);
  expect(others.filter(({ role }) => role === 'holder')).toHaveLength(1);
  for (const program of [first, ...others]) expect(program.of('rejected')).toEqual([]);
}, 120_000);

test('a holder that is killed, again and again, loses and doubles nothing that was acknowledged', async () => {
  const programs = ['a', 'b', 'c'].map((who) => new Program(who, 400));
  for (let kills = 1; kills <= 4; kills++) {
    await until(() => programs.filter((program) => running.has(program)).some(({ role }) => role === 'holder'));
    const count = () => programs.reduce((sum, program) => sum + program.of('acknowledged').length, 0);
    const before = count();
    await until(() => count() > before + 20 || programs.every((program) => program.has('written')));
    const holder = programs.find((program) => running.has(program) && program.role === 'holder')!;
    await holder.kill();
    programs.push(new Program(`${kills}`, 400));
  }
  const left = programs.filter((program) => running.has(program));
  await until(() => left.every((program) => program.has('written')), 'those that are left');
  const entries = await journal();
  await until(() => left.every((program) => program.of('saw').length === entries.length), 'the tails');
  check(programs, entries);
}, 180_000);
