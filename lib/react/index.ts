// Hooks
export { useJournal } from './use-journal';
export { useObservable } from './use-observable';

// Without React
export { JournalView, type JournalSnapshot, type JournalViewOptions } from './journal-view';
