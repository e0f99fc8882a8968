// The scrivener
export { openFileScrivener } from './open-file-scrivener';
export type { FileScrivenerConfig, SinkScrivenerConfig } from './file-scrivener-config';
export { FileScrivener } from './file-scrivener';

// Many journals
export { openJournalFolder, type JournalFolderConfig } from './folder/open-journal-folder';
export { forkJournal, type ForkOptions } from './fork-journal';

// Reading beside the process that writes
export { openFileReader, type FileReaderConfig } from './open-file-reader';
export { FileReader } from './file-reader';

// Its parts
export { FileAppendSink, type FileAppendSinkOptions } from './file-append-sink';
export type { Durability } from './store/append-file';
export { readJournal, type ReadJournalOptions } from './read-journal';
export type { JournalDiagnostics } from './flushing/diagnostics';
export { FileBookmarkStore } from './file-bookmark-store';
export { FileCheckpointStore, type FileCheckpointOptions } from './file-checkpoint-store';

export type { OpenProgress } from './store/recover-journal';
export type { Rotation } from './store/rotation';

// Errors
export { BacklogFullError } from '../errors/backlog-full-error';
export { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
export { CorruptEntryError } from '../errors/corrupt-entry-error';
export { CorruptJournalError } from '../errors/corrupt-journal-error';
export { EntryValidationError } from '../errors/entry-validation-error';
export { SchemaMismatchError } from '../errors/schema-mismatch-error';
export { FlushAbandonedError } from '../errors/flush-abandoned-error';
export { JournalExistsError } from '../errors/journal-exists-error';
export { JournalLockedError, type LockHolder } from '../errors/journal-locked-error';
export { JournalMismatchError } from '../errors/journal-mismatch-error';
export { JournalNotFoundError } from '../errors/journal-not-found-error';
export { NotSupportedError } from '../errors/not-supported-error';
export { SerializationError } from '../errors/serialization-error';

// Moving a journal
export { copyJournal } from '../patterns/copy-journal';
