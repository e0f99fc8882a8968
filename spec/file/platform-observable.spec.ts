import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Observable as Rx, timer, type OperatorFunction } from 'rxjs';
import type { Snapshot } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { platform } from '../operators/support/platform';

const Observable = platform();
const folder = mkdtempSync(join(tmpdir(), 'platform-observable-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['os', 'disk'] as const)(
  'a predicate gives the platform’s Observable; durability: %s',
  async (durability) => {
    const filePath = join(folder, `${durability}.ndjson`);
    let released = 0;
    const atTwo = ((snapshots: Rx<Snapshot<number>>) =>
      new Observable<void>((subscriber) => {
        const watching = snapshots.subscribe((snapshot) => {
          if (snapshot.length === 2) subscriber.next(undefined);
        });
        subscriber.addTeardown(() => {
          released++;
          watching.unsubscribe();
        });
      })) as unknown as OperatorFunction<Snapshot<number>, unknown>;
    const scrivener = await openFileScrivener<number>({ filePath, durability, predicate: atTwo });
    await scrivener.write(1);
    const second = await scrivener.write(2);
    await scrivener.whenFlushed(second);
    expect([readFileSync(filePath, 'utf8').split('\n').length, released]).toEqual([3, 1]);
    await scrivener.close();
  },
);

test('the delay of `retry` gives the platform’s Observable', async () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const asked: number[] = [];
  const taken: number[] = [];
  const scrivener = await openFileScrivener<number>({
    filePath: join(folder, 'retried.ndjson'),
    sink: {
      append: async (snapshot) => {
        if (asked.length < 2) throw full;
        taken.push(...snapshot.map(({ entry }) => entry));
      },
    },
    retry: {
      delay: (_error, count) => {
        asked.push(count);
        const delay = new Observable<void>((subscriber) => {
          timer(0).subscribe(() => subscriber.next(undefined));
        });
        return delay as unknown as Rx<void>;
      },
    },
  });
  await scrivener.write(1);
  await scrivener.close();
  expect([asked, taken]).toEqual([[1, 2], [1]]);
});
