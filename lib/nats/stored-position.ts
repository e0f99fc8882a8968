import { isTrimmed, type PositionTrimmedError } from '../errors/position-trimmed-error';
import type { Position } from '../journal/position';
import { contiguousMessages } from './contiguous-messages';
import type { Flight } from './flight';
import type { StreamLink } from './stream-link';

/** The position of a flight's first entry, if the stream has it. Rejects if it may be among the entries that the stream no longer keeps. */
export async function storedPosition(
  link: StreamLink,
  { id, floor }: Flight,
  signal: AbortSignal,
): Promise<Position | undefined> {
  let trimmed: PositionTrimmedError | undefined;
  for (let from = floor + 1; ;) {
    try {
      for await (const { messages, end } of contiguousMessages(link, from, signal)) {
        for (const { position, message } of messages) if (message.headers?.get('Nats-Msg-Id') === id) return position;
        if (end !== undefined) break;
      }
    } catch (error) {
      if (!isTrimmed(error)) throw error;
      trimmed = error;
      from = error.first;
      continue;
    }
    if (trimmed) throw trimmed;
    return undefined;
  }
}
