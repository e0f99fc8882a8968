import { from, lastValueFrom, map, toArray } from 'rxjs';
import { bufferUntil, byteThreshold, type Positioned } from 'rx-scrivener';

const records = <T>(...entries: T[]) => from(entries.map((entry, index) => ({ position: index + 1, entry })));

test.each([NaN, undefined, null, '3', true, -1, 5n])(
  'a size of %p fails the predicate with a RangeError that names it',
  async (size) => {
    const predicate = byteThreshold<string>(10, ({ position }) => (position === 2 ? (size as number) : 1));
    const batches = lastValueFrom(records('a', 'b', 'c').pipe(bufferUntil<Positioned<string>>(predicate), toArray()));
    const error: unknown = await batches.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toContain('`sizeOf`');
    expect((error as Error).message).toContain(typeof size === 'string' ? `"${size}"` : String(size));
  },
);

test('zero counts as nothing', async () => {
  const batches = records('a', 'b', 'c').pipe(bufferUntil<Positioned<string>>(byteThreshold(1, () => 0)), toArray());
  expect(await lastValueFrom(batches)).toHaveLength(1);
});

test('without sizeOf the bytes of the lines count, newlines included', async () => {
  const line = Buffer.byteLength('{"schemaVersion":"1","position":1,"entry":"über"}\n');
  const lengths = (bytes: number) =>
    lastValueFrom(
      records('über', 'über', 'über', 'über').pipe(
        bufferUntil<Positioned<string>>(byteThreshold(bytes)),
        map(({ length }) => length),
        toArray(),
      ),
    );
  expect(await lengths(2 * line)).toEqual([2, 2]);
  expect(await lengths(2 * line + 1)).toEqual([3, 1]);
});
