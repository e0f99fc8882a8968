// Server
export { journalHandler } from './server/journal-handler';
export type {
  Admission,
  Authorize,
  CrossOriginOptions,
  JournalHandlerOptions,
  Verdict,
} from './server/handler-options';
export type { RememberedWrites } from './server/remembered-writes';
export {
  nodeListener,
  type FastifyReply,
  type FastifyRequest,
  type NodeListener,
  type NodeRequest,
  type NodeResponse,
} from './server/node-listener';

// Client
export { openRemoteScrivener, type RemoteScrivenerConfig } from './client/open-remote-scrivener';
export type { HeaderFields } from './client/connection';
export { RemoteScrivener } from './client/remote-scrivener';
export type { ConnectionStatus } from '../journal/connection-status';

// Errors
export { AccessDeniedError } from '../errors/access-denied-error';
export { CorruptEntryError } from '../errors/corrupt-entry-error';
export { EntryTooLargeError } from '../errors/entry-too-large-error';
export { EntryValidationError } from '../errors/entry-validation-error';
export { HttpStatusError } from '../errors/http-status-error';
export { JournalLostError } from '../errors/journal-lost-error';
export { JournalMismatchError } from '../errors/journal-mismatch-error';
export { SerializationError } from '../errors/serialization-error';
export { WriteUncertainError } from '../errors/write-uncertain-error';
