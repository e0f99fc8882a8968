export { openIndexedDbScrivener, type IndexedDbScrivenerConfig } from './open-indexed-db-scrivener';
export { IndexedDbScrivener } from './indexed-db-scrivener';
export { IndexedDbSink, type IndexedDbSinkOptions } from './indexed-db-sink';
