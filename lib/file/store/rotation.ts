import { assertCount, assertMethods, assertOneOf, assertOptions, shown } from '../../errors/assert-argument';
import type { CheckpointStore } from '../../state/projection';

/** When the active file is closed, and what happens to closed segments. */
export interface Rotation {
  /** Close the active file before a batch if it is at least this large: a number of bytes >= 1. */
  readonly maxBytes?: number;
  /** Close it before a batch if it is at least this old, in milliseconds >= 1. */
  readonly maxAgeMs?: number;
  /** After each rotation, retire the oldest closed segments, each as a whole, until the rest meets all of these limits. Default: keep all. */
  readonly keep?: {
    /** At most this many closed segments, >= 0. */
    readonly segments?: number;
    /** At most this many bytes on the disk, including the active file, >= 0. */
    readonly bytes?: number;
    /** No segment whose last entry is older than this, in milliseconds >= 0. */
    readonly ageMs?: number;
    /**
     * Of those (or, without another limit, of all) retire only segments before the newest checkpoint in this store, whose state includes them.
     * If the store has no checkpoint, or one past the journal's end, nothing is retired.
     */
    readonly checkpoint?: Pick<CheckpointStore<unknown>, 'load'>;
  };
  /** Compress closed segments, in the background. */
  readonly compress?: 'gzip';
}

const OPTIONS: Record<keyof Rotation, true> = { maxBytes: true, maxAgeMs: true, keep: true, compress: true };
const KEEP: Record<keyof NonNullable<Rotation['keep']>, true> = {
  segments: true,
  bytes: true,
  ageMs: true,
  checkpoint: true,
};

/** Throws a RangeError or TypeError for an invalid rotation. */
export function assertRotation(rotation: Rotation): void {
  assertOptions('rotation', rotation, OPTIONS);
  const { maxBytes, maxAgeMs, keep = {}, compress } = rotation;
  if (maxBytes !== undefined) assertCount('rotation.maxBytes', maxBytes, ' or Infinity');
  if (maxAgeMs !== undefined) assertCount('rotation.maxAgeMs', maxAgeMs, ' or Infinity');
  assertOptions('rotation.keep', keep, KEEP);
  if (keep.segments !== undefined) assertAmount('rotation.keep.segments', keep.segments);
  if (keep.bytes !== undefined) assertAmount('rotation.keep.bytes', keep.bytes);
  if (keep.ageMs !== undefined) assertAmount('rotation.keep.ageMs', keep.ageMs);
  if (keep.checkpoint !== undefined) assertMethods('rotation.keep.checkpoint', keep.checkpoint, ['load']);
  if (compress !== undefined) assertOneOf('rotation.compress', compress, ['gzip']);
}

function assertAmount(name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new RangeError(`Expected \`${name}\` to be a number >= 0, got ${shown(value)}`);
}
