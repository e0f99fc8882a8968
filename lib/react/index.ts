// Hooks
export { useConnection } from './use-connection';
export { useJournal } from './use-journal';
export { useObservable } from './use-observable';
export { useProjection } from './use-projection';
export type { ConnectionStatus } from '../journal/connection-status';

// What they are made of, which is in `rx-scrivener/view`, without React
export { JournalView, type JournalSnapshot, type JournalViewOptions } from '../view/journal-view';
