// The module
export { ScrivenerModule } from './scrivener-module';
export type {
  FileJournalAsyncOptions,
  FileJournalOptions,
  JournalFolderAsyncOptions,
  JournalFolderOptions,
  JournalOptions,
  MemoryJournalOptions,
} from './journal-options';
export { InjectJournals } from './inject-journals';
export { InjectScrivener } from './inject-scrivener';

// Tokens
export {
  getDaemonEventsToken,
  getEntrySerializerToken,
  getFlusherToken,
  getFlushPredicateToken,
  getFlushSinkToken,
  getJournalsToken,
  getScrivenerToken,
} from './journal-tokens';
