import type * as Core from 'rx-scrivener';
import { InMemoryScrivener, lastEntries, ScrivenerError, toAsyncIterable, type JournalStream } from 'rx-scrivener';

/** The package, loaded once more. */
function secondCopy(): typeof Core {
  let copy: typeof Core | undefined;
  jest.isolateModules(() => (copy = jest.requireActual('rx-scrivener')));
  return copy!;
}

test('errors and streams of another copy of the package are known', async () => {
  const other = secondCopy();
  expect(other.InMemoryScrivener).not.toBe(InMemoryScrivener);
  const scrivener = new other.InMemoryScrivener<number>({ retain: 2 });
  for (const n of [1, 2, 3]) scrivener.append(n);
  expect(await lastEntries(scrivener, 5)).toHaveLength(2);
  const error: unknown = await scrivener.write(4, { expect: 1 }).catch((reason: unknown) => reason);
  expect(ScrivenerError.is(error)).toBe(true);
  expect(error instanceof ScrivenerError).toBe(true);
  const stream: JournalStream<number> = scrivener.tail('oldest');
  expect(toAsyncIterable(stream)).toBe(stream);
  for (const value of [new Error('x'), undefined, null, 'ERR', {}]) expect(ScrivenerError.is(value)).toBe(false);
});
