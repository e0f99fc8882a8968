import { JournalStream } from './journal-stream';

/** On a journal with flushers: what they have flushed. The symbol is registered, because a program may load two copies of this package. */
export const FLUSHERS = Symbol.for('rx-scrivener.flushers');

/** Limits a journal's readers to flushed entries. The flushers install it, so a journal without flushers pays nothing for it. */
export interface FlushedReads {
  only<T>(stream: JournalStream<T>, signal?: AbortSignal): JournalStream<T>;
}

/** A journal's tail, limited to what the flushers that run at subscription have flushed; without flushers, the whole tail. */
export function flushedTail<T>(journal: object, stream: JournalStream<T>, signal?: AbortSignal): JournalStream<T> {
  const open = () => (journal as { readonly [FLUSHERS]?: FlushedReads })[FLUSHERS]?.only(stream, signal) ?? stream;
  return new JournalStream(
    (subscriber) => open().subscribe(subscriber),
    () => open()[Symbol.asyncIterator](),
  );
}
