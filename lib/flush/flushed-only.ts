import type { JournalStream } from '../journal/journal-stream';
import { pagedStream } from '../journal/paged-stream';
import type { Flushing } from './flushing-of';

/**
 * A tail that emits each record when it is flushed, and then pulls the next one.
 *
 * Ends as the tail does, when everything is flushed. Errors with the error that prevents a record from being flushed, and with the reason of an aborted `signal`.
 */
export function flushedOnly<T>(stream: JournalStream<T>, flushing: Flushing, signal?: AbortSignal): JournalStream<T> {
  return pagedStream(async function* (left) {
    const records = stream[Symbol.asyncIterator]();
    left.addEventListener('abort', () => void records.return?.());
    for (let next = await records.next(); !next.done; next = await records.next()) {
      const { position } = next.value;
      if (flushing.flushed < position) await flushing.whenFlushed(position, { signal: left });
      yield [next.value];
    }
  }, signal);
}
