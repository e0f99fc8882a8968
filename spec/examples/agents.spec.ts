import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSharedScrivener } from 'rx-scrivener/shared';
import { InstalledPackage } from './installed-package';
import { Child } from './run-node';

jest.setTimeout(60_000);

type Entry =
  | { type: 'Asked'; text: string }
  | { type: 'Delegated'; question: number; to: string }
  | { type: 'Reported'; question: number; by: string }
  | { type: 'Answered'; question: number; text: string };

const installed = new InstalledPackage(['.', './file', './shared']);
const folder = installed.copy('examples/agents');
afterAll(() => installed.remove());
const children: Child[] = [];
afterEach(() => {
  for (const { process } of children.splice(0)) process.kill('SIGKILL');
});

let cwd: string;
const PROGRAMS = {
  main: 'main-agent.mjs',
  counter: 'subagent.mjs counter',
  shouter: 'subagent.mjs shouter',
  view: 'view.mjs',
};
function start(name: keyof typeof PROGRAMS): Child {
  const [file, ...args] = PROGRAMS[name].split(' ') as [string, ...string[]];
  const child = new Child(process.execPath, [join(folder, file), ...args], cwd);
  children.push(child);
  return child;
}
const journal = () =>
  readFileSync(join(cwd, 'data/agents.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { entry: Entry }).entry);

test('four processes on one file: each is killed, the others continue, and each question is answered once', async () => {
  cwd = installed.newFolder();
  const running = { main: start('main'), counter: start('counter'), shouter: start('shouter'), view: start('view') };
  let asked = 0;
  const ask = (view: Child) => view.process.stdin.write(`question ${++asked}\n`);
  const answer = (view: Child, n: number) => view.prints(`counter: 2 words; shouter: QUESTION ${n}\n`);

  ask(running.view);
  await answer(running.view, 1);
  for (const name of ['main', 'counter', 'shouter', 'view'] as const) {
    running[name].process.kill('SIGKILL');
    await running[name].ended;
    if (name !== 'view') {
      // It is asked while one of them is away, and answered when that one is back.
      ask(running.view);
      await running.view.prints(`you: question ${asked}\n`);
    }
    running[name] = start(name);
    if (name === 'view') ask(running.view);
    await answer(running.view, asked);
  }
  for (const child of Object.values(running)) child.process.kill('SIGINT');
  for (const child of Object.values(running)) expect(await child.ended).toMatchObject({ code: 0, stderr: '' });

  const entries = journal();
  expect(entries.filter(({ type }) => type === 'Asked')).toHaveLength(5);
  entries.forEach((entry, index) => {
    if (entry.type !== 'Asked') return;
    const about = entries.filter((other) => 'question' in other && other.question === index + 1);
    expect(about.map(({ type }) => type).sort()).toEqual([
      'Answered',
      'Delegated',
      'Delegated',
      'Reported',
      'Reported',
    ]);
  });
  expect(entries).toHaveLength(5 * 6);
});

test('a process that is told to stop while it works finishes that, and does the rest when it is back', async () => {
  cwd = installed.newFolder();
  const count = 100;
  const asked = Array.from({ length: count }, (_, n): Entry => ({ type: 'Asked', text: `question ${n + 1}` }));
  await using own = await openSharedScrivener<Entry>({ filePath: join(cwd, 'data/agents.ndjson') });
  await own.writeAll(asked);
  const stopped = start('main');
  const delegated = ({ type }: Entry) => type === 'Delegated';
  await own.waitFor(count, delegated);
  stopped.process.kill('SIGTERM');
  expect(await stopped.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  start('main');
  await own.whenFlushed(3 * count);
  const tasks = journal().slice(count);
  expect(tasks.map((task) => ('question' in task ? task.question : 0))).toEqual(
    asked.flatMap((_, index) => [index + 1, index + 1]),
  );
});
