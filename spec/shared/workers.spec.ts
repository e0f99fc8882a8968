import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { usePrograms } from './support/program';

const path = useTempDir();
const program = usePrograms('workers-program');

test.each([
  ['worker threads', 'threads', 'thread'],
  ['workers of `cluster`', 'cluster', 'worker'],
])(
  '%s share a journal with each other and with their process; one of them is killed while it is the holder',
  async (_, kind, name) => {
    const outer = program(path('journal.ndjson'), kind, '3');
    const workers = [0, 1, 2].map((n) => `${name}${n}`);
    const roles = () => new Map(outer.of('role').map(([of, role]) => [of!, role!]));
    const seenBy = (of: string) =>
      outer
        .of('saw')
        .filter(([reader]) => reader === of)
        .map(([, , entry]) => entry!);
    await until(() => roles().size === 3);
    outer.tell('open');
    await until(() => roles().size === 4);
    expect(roles().get('main')).toBe('guest');

    let left = ['main', ...workers];
    const holder = () => [...roles()].find(([of, role]) => role === 'holder' && left.includes(of))?.[0];
    const written: string[] = [];
    for (let round = 1; ; round++) {
      outer.tell(`write ${round}`);
      written.push(...left.map((of) => `${of}.${round}`));
      await until(() => left.every((of) => seenBy(of).length === written.length), `round ${round}`);
      expect(new Set(seenBy('main'))).toEqual(new Set(written));
      for (const of of workers) expect(seenBy('main').slice(0, seenBy(of).length)).toEqual(seenBy(of));
      if (left.length === 1) break;
      const victim = holder() === 'main' ? left.at(-1)! : holder()!;
      left = left.filter((of) => of !== victim);
      if (kind === 'threads') outer.tell(`terminate ${workers.indexOf(victim)}`);
      else {
        // The others find each other without their primary; the last of all is that.
        if (left.length > 1) outer.process.kill('SIGSTOP');
        process.kill(Number(outer.of('role').findLast(([of]) => of === victim)![2]), 'SIGKILL');
      }
      await until(() => holder() !== undefined, 'another holder');
      outer.process.kill('SIGCONT');
    }
    expect(outer.of('failed')).toEqual([]);
    expect(outer.of('rejected')).toEqual([]);
  },
  60_000,
);
