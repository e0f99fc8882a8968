// The scrivener
export { openJetStreamScrivener, type JetStreamScrivenerConfig } from './open-jet-stream-scrivener';
export { JetStreamScrivener } from './jet-stream-scrivener';
export type { ConnectionStatus } from '../journal/connection-status';

// Moving a journal
export { copyJournal } from '../patterns/copy-journal';

// Errors
export { CorruptEntryError } from '../errors/corrupt-entry-error';
export { EntryValidationError } from '../errors/entry-validation-error';
export { JournalLostError } from '../errors/journal-lost-error';
export { JournalMismatchError } from '../errors/journal-mismatch-error';
export { NotSupportedError } from '../errors/not-supported-error';
export { SchemaMismatchError } from '../errors/schema-mismatch-error';
export { SerializationError } from '../errors/serialization-error';
export { WriteRefusedError } from '../errors/write-refused-error';
export { WriteUncertainError } from '../errors/write-uncertain-error';
