// The module
export { ScrivenerModule } from './scrivener-module';
export type {
  FileJournalAsyncOptions,
  FileJournalOptions,
  JournalOptions,
  MemoryJournalOptions,
} from './journal-options';
export { InjectScrivener } from './inject-scrivener';

// Tokens
export {
  getDaemonEventsToken,
  getEntrySerializerToken,
  getFlusherToken,
  getFlushPredicateToken,
  getFlushSinkToken,
  getScrivenerToken,
} from './journal-tokens';
