import type { Msg } from '@nats-io/nats-core';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import type { Position } from '../journal/position';
import { pause, persist } from './persist';
import { PullReader } from './pull-reader';
import { Unanswered, type StreamEnds, type StreamLink } from './stream-link';

/** A message in its place. */
export interface Arrival {
  readonly position: Position;
  readonly message: Msg;
}

/** What came at once. */
export interface Arrivals {
  readonly messages: readonly Arrival[];
  /** The stream's last position, if they reach it. */
  readonly end: Position | undefined;
}

/**
 * A stream's messages from a position on, each once and none left out, through whatever happens to connections, servers and consumers:
 * where one consumer stops, another goes on behind the last message that came.
 *
 * Ends when the signal is aborted. Rejects with {@link PositionTrimmedError} where the stream has a hole, and with {@link JournalLostError}.
 *
 * @param batch - how many messages to ask for at a time
 */
export async function* contiguousMessages(
  link: StreamLink,
  start: Position,
  signal: AbortSignal,
  batch?: number,
): AsyncGenerator<Arrivals, void> {
  const isOver = () => signal.aborted;
  let next = start;
  for (let inVain = 0; !signal.aborted; inVain++) {
    if (inVain > 1) await pause(inVain, signal);
    const opened = await persist(() => open(link, next, batch), signal);
    if (opened === undefined) return;
    const { reader, ends } = opened;
    const opening = next;
    const leave = () => reader.close();
    signal.addEventListener('abort', leave);
    try {
      if (isOver()) return;
      if (next > ends.last) yield { messages: [], end: ends.last };

      let gap: Position | undefined;
      while (gap === undefined) {
        const page = await reader.page();
        if (page === undefined || isOver()) break;
        if (page.length === 0 && (await isBehind(link, next, signal))) break;
        const messages: Arrival[] = [];
        let pending = 1;
        for (const message of page) {
          const delivery = parseDelivery(message);
          if (delivery.position < next) continue; // a start past the end is moved back to it
          if (delivery.position > next) {
            gap = delivery.position;
            break;
          }
          messages.push({ position: next++, message });
          pending = delivery.pending;
        }
        if (messages.length === 0) continue;
        inVain = -1;
        link.saw(next - 1);
        const isAll = pending === 0;
        yield { messages, end: isAll && next > ends.last ? next - 1 : undefined };
        if (isAll && next <= ends.last) break; // it has less than the stream
      }
      // What is missing behind the start of a consumer may have been lost on the way here, at its start only to the stream.
      if (gap !== undefined && next === opening) throw new PositionTrimmedError(next, gap);
    } finally {
      signal.removeEventListener('abort', leave);
      reader.close();
    }
  }
}

/** A consumer, and what the stream holds, asked for at once; rejects with {@link PositionTrimmedError} when the start is not there. */
async function open(
  link: StreamLink,
  start: Position,
  batch?: number,
): Promise<{ reader: PullReader; ends: StreamEnds }> {
  const opening = PullReader.open(link, start, batch);
  try {
    const [ends, reader] = await Promise.all([link.ends(), opening]);
    if (start <= ends.last && reader.pending === 0) {
      if (await link.hasDropped(start)) throw new PositionTrimmedError(start, ends.last + 1);
      // Made on a server that has not caught up, and (2.9.10, after a SIGSTOP) may not do so before more is written.
      throw new Unanswered();
    }
    return { reader, ends };
  } catch (error) {
    opening.then((reader) => reader.close()).catch(() => undefined);
    throw error;
  }
}

/** Whether the stream holds what a consumer does not give. */
async function isBehind(link: StreamLink, next: Position, signal: AbortSignal): Promise<boolean> {
  const ends = await persist(() => link.ends(), signal);
  return ends === undefined || ends.last >= next;
}

/**
 * What the reply subject of a message says: `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<time>.<pending>`, with
 * a domain and an account before the stream from newer servers (https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md).
 */
function parseDelivery({ reply = '' }: Msg): { position: Position; pending: number } {
  const tokens = reply.split('.');
  const shift = tokens.length === 9 ? 0 : 2;
  return { position: Number(tokens[5 + shift]), pending: Number(tokens[8 + shift]) };
}
