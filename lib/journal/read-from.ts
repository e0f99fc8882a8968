import { catchError, filter, type Observable } from 'rxjs';
import { assertFunction } from '../errors/assert-argument';
import { isTrimmed } from '../errors/position-trimmed-error';
import { derivedIterator } from './derived-iterator';
import { JournalStream } from './journal-stream';
import { assertPosition, START, type Position, type Positioned } from './position';

/**
 * The stream of a `tail`: where it starts and what it lets through, the same for every backend.
 *
 * @param open - the backend's own stream of every entry past a position
 */
export function tailFrom<T>(
  after: Position | 'oldest' = START,
  match: ((entry: T) => boolean) | undefined,
  open: (after: Position) => JournalStream<T>,
): JournalStream<T> {
  if (after === 'oldest') return matching(fromOldest(open), match);
  assertPosition('after', after);
  return matching(open(after), match);
}

/** The entries of a stream that match; the rest are pulled and dropped. */
export function matching<T>(stream: JournalStream<T>, match: ((entry: T) => boolean) | undefined): JournalStream<T> {
  if (match === undefined) return stream;
  assertFunction('match', match);
  const accept = ({ entry }: Positioned<T>) => match(entry);
  return new JournalStream(
    (subscriber) => stream.pipe(filter(accept)).subscribe(subscriber),
    () => derivedIterator(stream[Symbol.asyncIterator](), (record) => (accept(record) ? record : undefined)),
  );
}

/** Asks for position 1: a journal that has dropped it answers with the oldest position kept. */
function fromOldest<T>(open: (after: Position) => JournalStream<T>): JournalStream<T> {
  const observe = (after: Position): Observable<Positioned<T>> =>
    open(after).pipe(catchError((error: unknown) => observe(oldestAfter(after, error))));
  return new JournalStream(
    (subscriber) => observe(START).subscribe(subscriber),
    () => {
      let after = START;
      return derivedIterator(
        open(after)[Symbol.asyncIterator](),
        (record) => record,
        (error) => open((after = oldestAfter(after, error)))[Symbol.asyncIterator](),
      );
    },
  );
}

/** Where to start instead if the entries after `after` were dropped before any was read; throws any other error. */
function oldestAfter(after: Position, error: unknown): Position {
  if (isTrimmed(error) && error.requested === after + 1) return error.first - 1;
  throw error;
}
