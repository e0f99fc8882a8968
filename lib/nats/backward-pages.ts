import { isTrimmed, PositionTrimmedError } from '../errors/position-trimmed-error';
import { START, type Position, type Positioned } from '../journal/position';
import { contiguousMessages, type Arrival } from './contiguous-messages';
import { retryUntilSettled } from './retry-until-settled';
import { MAX_MESSAGES } from './pull-reader';
import type { StreamLink } from './stream-link';
import type { StreamPayload } from './stream-payload';

/** The first pages are small: many readers want only a few of the newest entries. */
const FIRST_PAGE = 16;
/** After a page with more bytes than this, the next has fewer messages. */
const MANY_BYTES = 4 * 1024 * 1024;

/** The entries before a position, newest first: each page is read forward and reversed. */
export async function* backwardPages<T>(
  link: StreamLink,
  payload: StreamPayload<T>,
  before: Position,
  signal: AbortSignal,
): AsyncGenerator<readonly Positioned<T>[], void> {
  const ends = await retryUntilSettled(() => link.ends(), signal);
  if (ends === undefined) return;
  let size = FIRST_PAGE;
  for (let upper = Math.min(before - 1, ends.last); upper > START;) {
    if (upper < ends.first) throw new PositionTrimmedError(upper, ends.first);
    const lower = Math.max(ends.first, upper - size + 1);
    const arrivals = await readRange(link, lower, upper, signal);
    if (signal.aborted) return;
    const oldest = arrivals[0]!.position;
    yield* payload.decodeAll(arrivals.reverse());
    if (oldest > lower) throw new PositionTrimmedError(oldest - 1, oldest);
    const bytes = arrivals.reduce((sum, { message }) => sum + message.data.length, 0);
    size = bytes > MANY_BYTES ? Math.max(1, size >> 2) : Math.min(size * 4, MAX_MESSAGES);
    upper = lower - 1;
  }
}

/** The messages from `lower` to `upper`, or only those after the last hole between them. */
async function readRange(link: StreamLink, lower: Position, upper: Position, signal: AbortSignal): Promise<Arrival[]> {
  for (let from = lower; ;) {
    const arrivals: Arrival[] = [];
    try {
      for await (const { messages } of contiguousMessages(link, from, signal, upper - from + 1)) {
        for (const arrival of messages) if (arrival.position <= upper) arrivals.push(arrival);
        if (arrivals.at(-1)?.position === upper) break;
      }
      return arrivals;
    } catch (error) {
      if (!isTrimmed(error)) throw error;
      if (error.first > upper) throw new PositionTrimmedError(upper, error.first);
      from = error.first;
    }
  }
}
