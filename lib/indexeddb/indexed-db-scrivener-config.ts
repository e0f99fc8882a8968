import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { RetryConfig } from 'rxjs';
import { newestEvents, type DaemonEvent } from '../daemon/daemon-event';
import {
  assertCount,
  assertDelayMs,
  assertFunction,
  assertMethods,
  assertOptions,
  assertSchema,
} from '../errors/assert-argument';
import type { FlushPredicate } from '../flush/flush-predicate';
import { assertRetry } from '../flush/retrying';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { anyOf } from '../operators/any-of';
import { countThreshold } from '../operators/count-threshold';
import { elapsed } from '../operators/elapsed';
import { storedAs, SINK_OPTIONS, type IndexedDbSinkOptions } from './indexed-db-sink';

/** How a journal is kept in a browser. */
export interface IndexedDbScrivenerConfig<T> extends IndexedDbSinkOptions<T> {
  /** Flush as soon as this many entries wait: an integer >= 1. @default 100 */
  readonly flushThreshold?: number;
  /** Flush at the latest this long after the first waiting entry, in milliseconds: 0 to 2^31-1; `Infinity`: by count alone. @default 1000 */
  readonly flushIntervalMs?: number;
  /** How many batches may wait while the database is busy, an integer >= 1; beyond that the active one grows. @default 8 */
  readonly flushQueueCapacity?: number;
  /**
   * Any synchronous Standard Schema validator: its output is what is appended, emitted and kept, and what an entry of the database becomes when it is
   * read. It must accept its own output as the same entry: `z.coerce.date()`, which accepts a date's JSON, not `z.date()`.
   */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Converts an entry that was written in an earlier shape to the present one when it is read; the database is unchanged. Runs before the schema. An entry that
   * already has the present shape must be returned as the same entry. What it throws is the error of the read.
   */
  readonly upgrade?: (entry: unknown, position: Position) => T;
  /** When a batch is cut, instead of `flushThreshold` and `flushIntervalMs`. */
  readonly predicate?: FlushPredicate<T>;
  /** The journal for the flusher's events. @default a journal in memory of the newest 1,000 */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
  /**
   * How to retry a batch that the database refused for a transient reason (a `QuotaExceededError`, a connection that is closed repeatedly); refusals are
   * events in `daemonEvents`. When the retries end, the flusher fails with {@link FlushAbandonedError}. Default: the first refusal fails the flusher.
   */
  readonly retry?: RetryConfig;
}

const OPTIONS: Record<keyof IndexedDbScrivenerConfig<never>, true> = {
  ...SINK_OPTIONS,
  flushThreshold: true,
  flushIntervalMs: true,
  flushQueueCapacity: true,
  schema: true,
  upgrade: true,
  predicate: true,
  daemonEvents: true,
  retry: true,
};

/** Checks a configuration and fills in its defaults; throws a TypeError or RangeError that names the invalid option. */
export function withDefaults<T>(config: IndexedDbScrivenerConfig<T>) {
  assertOptions('openIndexedDbScrivener', config, OPTIONS);
  const {
    flushThreshold = 100,
    flushIntervalMs = 1000,
    flushQueueCapacity = 8,
    schema,
    upgrade,
    daemonEvents = newestEvents(),
    retry,
  } = config;
  const stored = storedAs(config);
  assertCount('flushThreshold', flushThreshold);
  assertDelayMs('flushIntervalMs', flushIntervalMs);
  assertCount('flushQueueCapacity', flushQueueCapacity);
  if (schema !== undefined) assertSchema(schema);
  if (upgrade !== undefined) assertFunction('upgrade', upgrade);
  if (config.predicate !== undefined) assertFunction('predicate', config.predicate);
  assertMethods('daemonEvents', daemonEvents, ['write', 'tail']);
  if (retry !== undefined) assertRetry(retry);
  const predicate = config.predicate ?? anyOf(countThreshold(flushThreshold), elapsed(flushIntervalMs));
  return { ...stored, flushQueueCapacity, schema, upgrade, predicate, daemonEvents, retry };
}
