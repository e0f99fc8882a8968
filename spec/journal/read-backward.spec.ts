import { take } from 'rxjs';
import { END, InMemoryScrivener } from 'rx-scrivener';

function filled(count: number): InMemoryScrivener<number> {
  const scrivener = new InMemoryScrivener<number>();
  for (let n = 1; n <= count; n++) scrivener.append(n * 10);
  return scrivener;
}

function read(scrivener: InMemoryScrivener<number>, before?: number): unknown[] {
  const log: unknown[] = [];
  scrivener.readBackward(before).subscribe({
    next: ({ position, entry }) => log.push(`${position}:${entry}`),
    error: (error: unknown) => log.push(error),
    complete: () => log.push('|'),
  });
  return log;
}

test('emits what lies before, newest first, and completes', () => {
  const scrivener = filled(3);
  const all = ['3:30', '2:20', '1:10', '|'];
  expect(read(scrivener)).toEqual(all);
  expect(read(scrivener, END)).toEqual(all);
  expect(read(scrivener, 40)).toEqual(all);
  expect(read(scrivener, 4)).toEqual(all);
  expect(read(scrivener, 3)).toEqual(['2:20', '1:10', '|']);
  expect(read(scrivener, 2)).toEqual(['1:10', '|']);
  expect(read(scrivener, 1)).toEqual(['|']);
  expect(read(scrivener, 0)).toEqual(['|']);
  expect(read(filled(0))).toEqual(['|']);
});

test('completes on a journal that ended and on one that failed: what is held can be read still', () => {
  const completed = filled(1);
  completed.complete();
  const failed = filled(1);
  failed.error('broken');
  expect(read(completed)).toEqual(['1:10', '|']);
  expect(read(failed)).toEqual(['1:10', '|']);
});

test('is as of the moment of subscription, not of the call', () => {
  const scrivener = filled(1);
  const stream = scrivener.readBackward();
  scrivener.append(20);
  const log: number[] = [];
  stream.subscribe(({ position }) => {
    log.push(position);
    scrivener.append(0);
  });
  expect(log).toEqual([2, 1]);
  expect(scrivener.head).toBe(4);
});

test('iterated, is as of the moment of iteration', async () => {
  const scrivener = filled(2);
  const seen: number[] = [];
  for await (const { position } of scrivener.readBackward()) {
    seen.push(position);
    scrivener.append(0);
  }
  expect(seen).toEqual([2, 1]);
});

test('take(n) reads no further, across chunks', () => {
  const scrivener = filled(3000);
  const seen: number[] = [];
  scrivener
    .readBackward(2050)
    .pipe(take(3))
    .subscribe(({ position }) => seen.push(position));
  expect(seen).toEqual([2049, 2048, 2047]);
  expect(read(scrivener, 1027).slice(0, 5)).toEqual([
    '1026:10260',
    '1025:10250',
    '1024:10240',
    '1023:10230',
    '1022:10220',
  ]);
});

test.each([-1, 0.5, NaN, Infinity, '1' as unknown as number])('before %p is a RangeError at the call', (before) => {
  expect(() => filled(1).readBackward(before)).toThrow(RangeError);
  expect(() => filled(1).readBackward(before)).toThrow(/before/);
});

test('leaves nothing in the journal', () => {
  const scrivener = filled(2);
  read(scrivener);
  expect(scrivener.observed).toBe(false);
});

test('iterated on a journal that dropped entries, errors when it reads on and is done then', async () => {
  const scrivener = new InMemoryScrivener<number>({ retain: 2 });
  for (let n = 1; n <= 5; n++) scrivener.append(n);
  const iterator = scrivener.readBackward()[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toEqual({ position: 5, entry: 5 });
  expect((await iterator.next()).value).toEqual({ position: 4, entry: 4 });
  await expect(iterator.next()).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 3, first: 4 });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});
