import { defer, filter } from 'rxjs';
import type { FlushPredicate } from '../flush/flush-predicate';
import type { Positioned } from '../journal/position';

/**
 * A flush predicate that cuts a batch as soon as its entries add up to `bytes`, measured once each.
 *
 * @param bytes - a number >= 0
 * @param sizeOf - the size of one record in bytes
 * @throws RangeError when `bytes` is anything else
 * @example
 * ```ts
 * byteThreshold<Chunk>(64 * 1024, ({ entry }) => entry.text.length);
 * ```
 */
export function byteThreshold<T>(bytes: number, sizeOf: (entry: Positioned<T>) => number): FlushPredicate<T> {
  if (!(bytes >= 0)) throw new RangeError(`Expected \`bytes\` to be a number >= 0, got ${String(bytes)}`);
  return (snapshots) =>
    defer(() => {
      let size = 0;
      let measured = 0;
      return snapshots.pipe(
        filter((snapshot) => {
          for (; measured < snapshot.length; measured++) size += sizeOf(snapshot[measured]!);
          return size >= bytes;
        }),
      );
    });
}
