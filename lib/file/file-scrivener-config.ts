import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { RetryConfig } from 'rxjs';
import { newestEvents, type DaemonEvent } from '../daemon/daemon-event';
import {
  assertCount,
  assertDelayMs,
  assertFunction,
  assertMethods,
  assertOneOf,
  assertOptions,
  assertSchema,
  shown,
} from '../errors/assert-argument';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { FlushPredicate } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import { isOwn, JsonEntrySerializer } from '../flush/json-entry-serializer';
import { assertRetry } from '../flush/retrying';
import type { Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { anyOf } from '../operators/any-of';
import { countThreshold } from '../operators/count-threshold';
import { elapsed } from '../operators/elapsed';
import type { Durability } from './store/append-file';
import { assertChecksums } from './lines/checksum';
import { pathOf } from './disk/file-path';
import type { OpenProgress } from './store/recover-journal';
import { assertRotation, type Rotation } from './store/rotation';

/** How a journal is kept in a file. */
export interface FileScrivenerConfig<T> {
  /** The file, a path or a `file:` URL; it and its directories are created if they are missing. */
  readonly filePath: string | URL;
  /** Flush as soon as this many entries wait: an integer >= 1. Larger batches cost less per entry, but a crash loses more entries. @default 100 */
  readonly flushThreshold?: number;
  /** Flush at the latest this long after the first waiting entry, in milliseconds: 0 to 2^31-1; `Infinity`: by count alone. @default 1000 */
  readonly flushIntervalMs?: number;
  /** How many batches may wait while the file is busy, an integer >= 1; beyond that the active one grows. @default 8 */
  readonly flushQueueCapacity?: number;
  /** When a batch counts as flushed: 'os' when the operating system has it (it survives the end of the process), 'disk' when it is synced (it survives a power loss). @default 'os' */
  readonly durability?: Durability;
  /**
   * Any synchronous Standard Schema validator: its output is what is appended, emitted and kept, and what an entry of the file becomes when it is
   * read. It must accept its own output as the same entry: `z.coerce.date()`, which accepts a date's JSON, not `z.date()`.
   */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Converts an entry that was written in an earlier shape to the present one when it is read; the file is unchanged. Runs before the schema. An entry that
   * already has the present shape must be returned as the same entry. What it throws is the error of the read.
   */
  readonly upgrade?: (entry: unknown, position: Position) => T;
  /** How entries become lines. @default JsonEntrySerializer */
  readonly serializer?: EntrySerializer<T>;
  /**
   * Where batches go. If it has `recover`, the journal is recovered from it instead of from the file. It is closed at the end, even if opening fails.
   * @default FileAppendSink
   */
  readonly sink?: FlushSink<T>;
  /** When a batch is cut, instead of `flushThreshold` and `flushIntervalMs`. */
  readonly predicate?: FlushPredicate<T>;
  /** The journal for the flusher's events. @default a journal in memory of the newest 1,000 */
  readonly daemonEvents?: Scrivener<DaemonEvent>;
  /**
   * Keep in memory only this many of the newest entries, an integer >= 1, and those that are not flushed; older ones are read and parsed from the file.
   * @default Infinity
   */
  readonly retain?: number;
  /** How many entries may wait to be flushed, an integer >= 1: beyond that `write` waits, and `append` throws {@link BacklogFullError}. @default Infinity */
  readonly maxPending?: number;
  /** When the file is closed as a segment and a new one takes its name, and what happens to segments. Default: never. */
  readonly rotation?: Rotation;
  /** End each line with a checksum, which is verified whenever the line is read; only with the default serializer. Default: none. */
  readonly checksum?: 'crc32';
  /**
   * How to retry a batch that the sink refused for a transient reason (EAGAIN, EBUSY, ENOSPC, …); each refusal is an event in
   * `daemonEvents`. When the retries end, the flusher fails with {@link FlushAbandonedError}. Default: the first refusal fails the flusher.
   */
  readonly retry?: RetryConfig;
  /** Called with the progress of reading the file while it is opened, in bytes. */
  readonly onProgress?: (progress: OpenProgress) => void;
  /** How long to wait if another scrivener has the file open for writing, in milliseconds: 0 to 2^31-1; `Infinity`: until it is free. @default 0 */
  readonly lockTimeoutMs?: number;
  /** Aborts the opening, which rejects with the signal's reason and releases the file. No effect after it is open. */
  readonly signal?: AbortSignal;
}

/** How a journal is kept in a sink alone: no file is created or locked. */
export interface SinkScrivenerConfig<T> extends Omit<FileScrivenerConfig<T>, 'filePath' | 'sink' | 'lockTimeoutMs'> {
  readonly filePath?: undefined;
  readonly sink: FlushSink<T>;
  /** The journal's name in errors, warnings and diagnostics. @default 'journal' */
  readonly name?: string;
}

/** The options that a single journal and each journal of a folder share. */
export const FILE_OPTIONS: Record<Exclude<keyof FileScrivenerConfig<never>, 'filePath' | 'sink'>, true> = {
  flushThreshold: true,
  flushIntervalMs: true,
  flushQueueCapacity: true,
  durability: true,
  schema: true,
  upgrade: true,
  serializer: true,
  predicate: true,
  daemonEvents: true,
  retain: true,
  maxPending: true,
  rotation: true,
  checksum: true,
  retry: true,
  onProgress: true,
  lockTimeoutMs: true,
  signal: true,
};
const OPTIONS: Record<keyof FileScrivenerConfig<never> | keyof SinkScrivenerConfig<never>, true> = {
  filePath: true,
  name: true,
  ...FILE_OPTIONS,
  sink: true,
};

/**
 * Checks a configuration and fills in its defaults; throws a TypeError or RangeError that names the invalid option of `called`.
 */
export function withDefaults<T>(config: FileScrivenerConfig<T> | SinkScrivenerConfig<T>, called = 'openFileScrivener') {
  assertOptions(called, config, OPTIONS);
  const {
    flushThreshold = 100,
    flushIntervalMs = 1000,
    flushQueueCapacity = 8,
    durability = 'os',
    schema,
    upgrade,
    serializer = new JsonEntrySerializer<T>(),
    sink,
    daemonEvents = newestEvents(),
    retain = Infinity,
    maxPending = Infinity,
    rotation,
    checksum,
    retry,
    onProgress,
    signal,
  } = config;
  const { lockTimeoutMs = 0 } = config as FileScrivenerConfig<T>;
  const { name = 'journal' } = config as SinkScrivenerConfig<T>;
  if (typeof name !== 'string') throw new TypeError(`Expected \`name\` to be a string, got ${shown(name)}`);
  const filePath =
    config.filePath === undefined && sink !== undefined ? undefined : pathOf('filePath', config.filePath);
  assertCount('flushThreshold', flushThreshold);
  assertDelayMs('flushIntervalMs', flushIntervalMs);
  assertCount('flushQueueCapacity', flushQueueCapacity);
  assertOneOf('durability', durability, ['os', 'disk']);
  if (schema !== undefined) assertSchema(schema);
  if (upgrade !== undefined) assertFunction('upgrade', upgrade);
  assertMethods('serializer', serializer, ['serialize', 'deserialize']);
  if (sink !== undefined) assertMethods('sink', sink, ['append']);
  if (config.predicate !== undefined) assertFunction('predicate', config.predicate);
  assertMethods('daemonEvents', daemonEvents, ['write', 'tail']);
  assertCount('retain', retain, ' or Infinity');
  assertCount('maxPending', maxPending, ' or Infinity');
  if (rotation !== undefined) assertRotation(rotation);
  if (checksum !== undefined) {
    assertOneOf('checksum', checksum, ['crc32']);
    assertChecksums();
    if (!isOwn(serializer)) throw new TypeError('Expected `checksum` without a `serializer`, got both');
  }
  if (retry !== undefined) assertRetry(retry);
  if (onProgress !== undefined) assertFunction('onProgress', onProgress);
  assertDelayMs('lockTimeoutMs', lockTimeoutMs);
  if (signal !== undefined) assertMethods('signal', signal, ['throwIfAborted', 'addEventListener']);
  const predicate = config.predicate ?? anyOf(countThreshold(flushThreshold), elapsed(flushIntervalMs));
  return {
    ...{
      name,
      filePath,
      flushQueueCapacity,
      durability,
      schema,
      upgrade,
      serializer,
      sink,
      predicate,
      daemonEvents,
      retain,
    },
    ...{ maxPending, rotation, checksum, retry, onProgress, lockTimeoutMs, signal },
  };
}
