export { JournalView, type JournalSnapshot, type JournalViewOptions } from './journal-view';
