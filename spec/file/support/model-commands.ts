import fc from 'fast-check';
import type { FileScrivenerConfig } from 'rx-scrivener/file';
import { DISK_FAULTS, type DiskFault } from './failing-disk';

/** What may happen to a journal; lengths are those of entries. */
export type Command =
  | { do: 'write'; lengths: readonly number[] }
  | { do: 'writeAll'; lengths: readonly number[] }
  | { do: 'flush' }
  | { do: 'reopen' }
  | {
      do: 'fail';
      fault: DiskFault;
      lengths: readonly number[];
      times: number;
      reenters: boolean;
      during: readonly number[];
    }
  | { do: 'crash'; torn: number }
  | { do: 'turns'; count: number }
  | { do: 'subscribe'; after: number }
  | { do: 'iterate'; after: number }
  | { do: 'unsubscribe'; which: number }
  | { do: 'return'; which: number }
  | { do: 'next'; which: number; count: number; waits: boolean }
  | { do: 'backward'; before: number; waits: boolean }
  | { do: 'waitFor'; after: number; position: number };

const length = fc.oneof(
  { weight: 12, arbitrary: fc.nat(30) },
  { weight: 1, arbitrary: fc.constantFrom(5_000, 40_000) },
);
const lengths = (minLength: number, maxLength: number) => fc.array(length, { minLength, maxLength });
const does = <D extends string>(...names: D[]) => fc.constantFrom(...names);

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: does('write'), lengths: lengths(1, 4) }) },
  { weight: 3, arbitrary: fc.record({ do: does('writeAll'), lengths: lengths(0, 5) }) },
  { weight: 3, arbitrary: fc.record({ do: does('flush') }) },
  { weight: 1, arbitrary: fc.record({ do: does('reopen') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: does('fail'),
      fault: fc.constantFrom(...DISK_FAULTS),
      lengths: lengths(0, 4),
      times: fc.integer({ min: 1, max: 2 }),
      reenters: fc.boolean(),
      during: lengths(0, 3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: does('crash'), torn: fc.oneof(fc.constant(0), fc.nat(250)) }) },
  { weight: 3, arbitrary: fc.record({ do: does('turns'), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ do: does('subscribe', 'iterate'), after: fc.nat(25) }) },
  { weight: 1, arbitrary: fc.record({ do: does('unsubscribe', 'return'), which: fc.nat(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: does('next'),
      which: fc.nat(5),
      count: fc.integer({ min: 1, max: 4 }),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: does('backward'), before: fc.integer({ min: 1, max: 60 }), waits: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: does('waitFor'), after: fc.nat(30), position: fc.integer({ min: 1, max: 40 }) }),
  },
);

export type Options = Omit<FileScrivenerConfig<string>, 'filePath'>;

const rotation = fc.record({
  maxBytes: fc.constantFrom(1, 200, 400),
  compress: fc.constantFrom(undefined, 'gzip' as const),
  keep: fc.constantFrom(
    ...[undefined, { segments: 0 }, { segments: 1 }, { segments: 3 }],
    ...[{ bytes: 120 }, { bytes: 300 }, { bytes: 6_000, segments: 4 }],
    ...[{ ageMs: 0 }, { ageMs: 1e9, segments: 2 }],
  ),
});

export const options: fc.Arbitrary<Options> = fc.record({
  retain: fc.constantFrom(1, 3, 10, Infinity),
  rotation: fc.option(rotation, { nil: undefined, freq: 4 }),
  durability: fc.constantFrom('os' as const, 'disk' as const),
  checksum: fc.constantFrom(undefined, 'crc32' as const),
  flushThreshold: fc.integer({ min: 1, max: 5 }),
  flushIntervalMs: fc.constantFrom(0, Infinity),
  flushQueueCapacity: fc.constantFrom(1, 8),
  maxPending: fc.constantFrom(Infinity, 1, 4),
});
