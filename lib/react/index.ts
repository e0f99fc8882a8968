// Hooks
export { useJournal } from './use-journal';
export { useObservable } from './use-observable';
export { useProjection } from './use-projection';

// What they are made of, which is in `rx-scrivener/view`, without React
export { JournalView, type JournalSnapshot, type JournalViewOptions } from '../view/journal-view';
