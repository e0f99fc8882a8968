import { defer, filter } from 'rxjs';
import { assertFunction } from '../errors/assert-argument';
import type { FlushPredicate } from '../flush/flush-predicate';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { Positioned } from '../journal/position';

/**
 * A flush predicate that cuts a batch as soon as its entries add up to `bytes`, measured once each.
 *
 * @param bytes - a number >= 0
 * @param sizeOf - the size of one record in bytes, a number >= 0; anything else fails the flusher with `RangeError`. Default: the size of its line as JSON,
 *   with the newline. That serializes each entry once more, so pass your own if you know the size
 * @throws RangeError when `bytes` is anything else
 * @example
 * ```ts
 * byteThreshold<Chunk>(64 * 1024, ({ entry }) => entry.text.length);
 * ```
 */
export function byteThreshold<T>(
  bytes: number,
  sizeOf: (entry: Positioned<T>) => number = bytesOfLine,
): FlushPredicate<T> {
  assertSize('bytes', bytes);
  assertFunction('sizeOf', sizeOf);
  return (snapshots) =>
    defer(() => {
      let size = 0;
      let measured = 0;
      return snapshots.pipe(
        filter((snapshot) => {
          for (; measured < snapshot.length; measured++) {
            const more = sizeOf(snapshot[measured]!);
            assertSize('sizeOf', more);
            size += more;
          }
          return size >= bytes;
        }),
      );
    });
}

const json = /* @__PURE__ */ new JsonEntrySerializer<unknown>();
const utf8 = /* @__PURE__ */ new TextEncoder();

function bytesOfLine(record: Positioned<unknown>): number {
  return utf8.encode(json.serialize(record)).length + 1;
}

function assertSize(name: string, size: unknown): void {
  if (typeof size === 'number' && size >= 0) return;
  const got = typeof size === 'string' ? JSON.stringify(size) : String(size);
  throw new RangeError(`Expected \`${name}\` to be a number >= 0, got ${got}`);
}
