import { readFileSync } from 'node:fs';
import { NotSupportedError, openFileScrivener } from 'rx-scrivener/file';
import { useChildren } from '../support/child';
import { textOf } from '../support/journal-text';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const child = useChildren();
const filePath = () => path('journal.ndjson');

/** The numbers in a journal that opens whole. */
async function numbers(file = filePath()): Promise<number[]> {
  const scrivener = await openFileScrivener<{ n: number }>({ filePath: file });
  const found: number[] = [];
  scrivener.tail().subscribe(({ position, entry }) => {
    expect(position).toBe(found.length + 1);
    found.push(entry.n);
  });
  expect(scrivener.recovered.truncatedBytes).toBe(0);
  await scrivener.close();
  return found;
}

describe('a program that ends leaves in the file all that was written', () => {
  test.each([
    ['naturally', {}],
    ['exit', {}],
    ['synchronously', {}],
    ['error', {}],
    ['groups', {}],
    ['exit', { durability: 'disk' }],
    ['exit', { checksum: 'crc32' }],
    ['groups', { checksum: 'crc32' }],
    ['exit', { rotation: { maxBytes: 60 } }],
    ['naturally', { rotation: { maxBytes: 60 }, flushThreshold: 2 }],
    ['synchronously', { rotation: { maxBytes: 1 }, flushThreshold: 1 }],
    ['exit', { flushThreshold: 2 }],
    ['exit', { retain: 1 }],
    ['exit', { maxPending: 100 }],
  ])('%s, with %j', async (way, options) => {
    const ending = child(['end', filePath(), `${way} ${JSON.stringify(options)}`]);
    await ending.ended;
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    ['naturally', {}],
    ['exit', {}],
    ['error', {}],
    ['groups', { checksum: 'crc32' }],
    ['exit', { durability: 'disk', rotation: { maxBytes: 60 } }],
    ['synchronously', { rotation: { maxBytes: 1 }, flushThreshold: 1 }],
  ])('as a worker: %s, with %j', async (way, options) => {
    await child(['worker', filePath(), `${way} ${JSON.stringify(options)}`]).ended;
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
  });

  async function endInFlight(program: 'end' | 'worker', options: object, environment: string): Promise<void> {
    await child([program, filePath(), `in-flight ${JSON.stringify(options)}`], `${environment} exec "$@"`).ended;
    expect(await numbers()).toEqual([1, 2, 3, 4, 5]);
    expect(textOf(filePath()).length).toBeGreaterThan(15_000_000);
  }

  test.each([0, 1, 2, 3, 5, 8])('with a batch in flight, which is there once: after %d ms', (ms) =>
    endInFlight('end', {}, `AFTER_MS=${ms}`),
  );

  test.each([
    ['end', { durability: 'disk' }, ''],
    ['end', { checksum: 'crc32' }, ''],
    ['end', { checksum: 'crc32' }, 'AS_GROUP=1'],
    ['end', { rotation: { maxBytes: 60 } }, ''],
    ['end', { retain: 1, rotation: { maxBytes: 60, compress: 'gzip' } }, ''],
    ['worker', {}, ''],
    ['worker', { checksum: 'crc32' }, 'AS_GROUP=1'],
    ['worker', { rotation: { maxBytes: 60 } }, ''],
  ] as const)('with a batch in flight, as %s with %j %s', (program, options, environment) =>
    endInFlight(program, options, `AFTER_MS=2 ${environment}`),
  );

  test('and one that flushes in a signal’s handler continues, nothing twice', async () => {
    const ending = child(['end', filePath(), 'signal {}']);
    expect(await ending.says()).toBe('5 lines');
    expect(await ending.says()).toBe('closed');
    await ending.ended;
    expect(await numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

test('flushSync in the middle of anything doubles and skips nothing', async () => {
  const scrivener = await openFileScrivener<{ n: number }>({
    filePath: filePath(),
    flushThreshold: 3,
    flushIntervalMs: 1,
    rotation: { maxBytes: 500 },
  });
  let n = 0;
  for (let round = 0; round < 300; round++) {
    for (let i = 0; i < round % 7; i++) scrivener.append({ n: ++n });
    if (round % 3 === 0) scrivener.flushSync();
    if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (round % 11 === 0) await scrivener.flush();
  }
  await scrivener.close();
  expect(scrivener.flushed).toBe(n);
  expect(await numbers()).toEqual(Array.from({ length: n }, (_, index) => index + 1));
});

test('flushSync has everything in the file when it returns, and leaves no listener behind once all journals are closed', async () => {
  const before = process.listenerCount('exit');
  const [one, other] = await Promise.all([
    openFileScrivener<{ n: number }>({ filePath: filePath(), flushIntervalMs: Infinity }),
    openFileScrivener<{ n: number }>({ filePath: path('other.ndjson'), flushIntervalMs: Infinity }),
  ]);
  expect(process.listenerCount('exit')).toBe(before + 1);
  one.append({ n: 1 });
  one.flushSync();
  expect(readFileSync(filePath(), 'utf8')).toBe('{"schemaVersion":"1","position":1,"entry":{"n":1}}\n');
  one.flushSync();
  await one.close();
  expect(process.listenerCount('exit')).toBe(before + 1);
  await other.close();
  expect(process.listenerCount('exit')).toBe(before);
  expect(await numbers()).toEqual([1]);
});

test('flushSync with a sink of one’s own is not supported, and says so', async () => {
  const sink = { append: () => Promise.resolve() };
  const scrivener = await openFileScrivener({ filePath: filePath(), sink });
  expect(() => scrivener.flushSync()).toThrow(NotSupportedError);
  await scrivener.close();
});
