// The scrivener
export { openSharedScrivener } from './open-shared-scrivener';
export { SharedScrivener, type SharedRole } from './shared-scrivener';
export type { ConnectionStatus } from '../journal/connection-status';

// Errors
export { JournalLockedError, type LockHolder } from '../errors/journal-locked-error';
export { JournalLostError } from '../errors/journal-lost-error';
export { NotSupportedError } from '../errors/not-supported-error';
export { WriteUncertainError } from '../errors/write-uncertain-error';
