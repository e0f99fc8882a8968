import { JournalStream } from './journal-stream';

/** On a journal over which flushers run: what they have flushed. Registered, as a program may hold two copies of this package. */
export const FLUSHERS = Symbol.for('rx-scrivener.flushers');

/** Keeps a journal's readers to what is flushed; brought by its flushers, so that a journal without any pays nothing for it. */
export interface FlushedReads {
  only<T>(stream: JournalStream<T>, signal?: AbortSignal): JournalStream<T>;
}

/** A journal's tail, kept to what the flushers have flushed that run over it when it is subscribed; without any, all of it. */
export function flushedTail<T>(journal: object, stream: JournalStream<T>, signal?: AbortSignal): JournalStream<T> {
  const open = () => (journal as { readonly [FLUSHERS]?: FlushedReads })[FLUSHERS]?.only(stream, signal) ?? stream;
  return new JournalStream(
    (subscriber) => open().subscribe(subscriber),
    () => open()[Symbol.asyncIterator](),
  );
}
