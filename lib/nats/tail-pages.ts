import { END, type Position, type Positioned } from '../journal/position';
import { contiguousMessages } from './contiguous-messages';
import type { StreamLink } from './stream-link';
import type { StreamPayload } from './stream-payload';

/** The entries after a position, a page at a time, as they come; ends when the signal is aborted. */
export async function* tailPages<T>(
  link: StreamLink,
  payload: StreamPayload<T>,
  after: Position,
  signal: AbortSignal,
  caughtUp?: (position: Position) => void,
): AsyncGenerator<readonly Positioned<T>[], void> {
  if (after === END) {
    caughtUp?.(link.head);
    return;
  }
  let isCaughtUp = false;
  for await (const { messages, end } of contiguousMessages(link, after + 1, signal)) {
    yield* payload.decodeAll(messages);
    if (end === undefined || isCaughtUp || signal.aborted) continue;
    isCaughtUp = true;
    caughtUp?.(end);
  }
}
