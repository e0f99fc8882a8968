// The scrivener
export { openIndexedDbScrivener } from './open-indexed-db-scrivener';
export type { IndexedDbScrivenerConfig } from './indexed-db-scrivener-config';
export { IndexedDbScrivener } from './indexed-db-scrivener';

// Its parts
export { IndexedDbSink, type IndexedDbSinkOptions } from './indexed-db-sink';

// Bookmarks
export { IndexedDbBookmarkStore } from './indexed-db-bookmark-store';

// Errors
export { CorruptBookmarkError } from '../errors/corrupt-bookmark-error';
export { CorruptEntryError } from '../errors/corrupt-entry-error';
export { CorruptJournalError } from '../errors/corrupt-journal-error';
export { EntryValidationError } from '../errors/entry-validation-error';
export { FlushAbandonedError } from '../errors/flush-abandoned-error';
export { JournalLockedError } from '../errors/journal-locked-error';
export { JournalLostError } from '../errors/journal-lost-error';
export { JournalMismatchError } from '../errors/journal-mismatch-error';
export { SchemaMismatchError } from '../errors/schema-mismatch-error';
export { SerializationError } from '../errors/serialization-error';
