// Journal
export { END, START, type Position, type Positioned } from './journal/position';
export type {
  GroupWriter,
  Narrowing,
  ReadOptions,
  Scrivener,
  TailOptions,
  WaitOptions,
  WriteOptions,
} from './journal/scrivener';
export { JournalStream } from './journal/journal-stream';
export { InMemoryScrivener, type InMemoryOptions } from './journal/in-memory-scrivener';
export { TappedScrivener } from './journal/tapped-scrivener';

// Many journals
export type { Journals } from './journals/journals';
export { inMemoryJournals } from './journals/in-memory-journals';

// Operators and conversion
export { bufferUntil } from './operators/buffer-until';
export { countThreshold } from './operators/count-threshold';
export { elapsed } from './operators/elapsed';
export { byteThreshold } from './operators/byte-threshold';
export { anyOf } from './operators/any-of';
export { entries } from './operators/entries';
export { isType, type OfType } from './operators/is-type';
export { discriminatedBy, type Discriminated } from './operators/discriminated-by';
export { instanceOf } from './operators/instance-of';
export { waitFor } from './operators/wait-for';
export type { PlatformObservable } from './operators/from-input';
export { toAsyncIterable, type ToAsyncIterableOptions } from './operators/to-async-iterable';
export { writeTo } from './operators/write-to';

// Flusher
export type { FlushPredicate, Snapshot } from './flush/flush-predicate';
export type { FlushSink } from './flush/flush-sink';
export type { EntrySerializer } from './flush/entry-serializer';
export { classSchema } from './flush/class-schema';
export { jsonOnly } from './flush/json-only';
export { JsonEntrySerializer } from './flush/json-entry-serializer';
export { flushingOf, type Flushing } from './flush/flushing-of';
export { FlusherDaemon, type FlusherDaemonOptions } from './flush/flusher-daemon';
export type { FlusherStats } from './flush/flusher-stats';

// Daemons
export type { DaemonEvent, DaemonStatus } from './daemon/daemon-event';
export { errorData, type ErrorData } from './daemon/error-data';
export { ContractDaemon, type DaemonOptions } from './daemon/contract-daemon';

// Hosts
export type { MessageCodec } from './hosts/message-codec';
export { AgentHost } from './hosts/agent-host';
export { AdapterHost, type Adapter, type AdapterHostOptions } from './hosts/adapter-host';

// Patterns
export { ask } from './patterns/ask';
export type { BookmarkStore } from './patterns/bookmark-store';
export { consume, type ConsumeOptions } from './patterns/consume';
export { lastEntries } from './patterns/last-entries';
export { writeOnce, type WriteOnceOptions } from './patterns/write-once';

// State
export {
  projection,
  type Checkpoint,
  type CheckpointStore,
  type EvolveByType,
  type Projection,
} from './state/projection';
export { project, type ProjectOptions } from './state/project';
export { currentState, type CurrentStateOptions } from './state/current-state';
export { decide, type DecideOptions } from './state/decide';

// Errors
export { ScrivenerError, type ErrorCode } from './errors/scrivener-error';
export { BookmarkAheadError } from './errors/bookmark-ahead-error';
export { BufferOverflowError } from './errors/buffer-overflow-error';
export { CorruptBookmarkError } from './errors/corrupt-bookmark-error';
export { CorruptEntryError } from './errors/corrupt-entry-error';
export { CorruptJournalError } from './errors/corrupt-journal-error';
export { EntryValidationError } from './errors/entry-validation-error';
export { SchemaMismatchError } from './errors/schema-mismatch-error';
export { InvalidTransitionError } from './errors/invalid-transition-error';
export { JournalClosedError } from './errors/journal-closed-error';
export { JournalExistsError } from './errors/journal-exists-error';
export { JournalLockedError, type LockHolder } from './errors/journal-locked-error';
export { JournalNotFoundError } from './errors/journal-not-found-error';
export { PositionConflictError } from './errors/position-conflict-error';
export { PositionTrimmedError } from './errors/position-trimmed-error';
export { SerializationError } from './errors/serialization-error';
