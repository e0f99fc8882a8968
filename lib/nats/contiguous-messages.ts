import type { Msg } from '@nats-io/nats-core';
import { JournalMismatchError } from '../errors/journal-mismatch-error';
import { PositionTrimmedError } from '../errors/position-trimmed-error';
import type { Position } from '../journal/position';
import { pause, retryUntilSettled } from './retry-until-settled';
import { PullReader } from './pull-reader';
import { Unanswered, type StreamEnds, type StreamLink } from './stream-link';

/** A message and its position. */
export interface Arrival {
  readonly position: Position;
  readonly message: Msg;
}

/** Messages that came together. */
export interface Arrivals {
  readonly messages: readonly Arrival[];
  /** The stream's last position, if they reach that. */
  readonly end: Position | undefined;
}

/** How long a stream may end before what was already read: a new leader may not know all messages yet. */
const CATCHING_UP_MS = 10_000;

/** What the reply subject of a message says. */
interface Delivery {
  readonly position: Position;
  /** When the stream stored it, in nanoseconds since 1970, as text. */
  readonly time: string;
  /** Its number among the consumer's messages, from 1. */
  readonly count: number;
  /** How many messages come after it. */
  readonly pending: number;
}

/**
 * A stream's messages from a position on, each exactly once, whatever happens to connections, servers and consumers:
 * if one consumer stops, another continues after the last message received. That message is read again, to check that it is the same.
 *
 * Ends when the signal is aborted. Rejects with {@link PositionTrimmedError} if the stream has a hole, with {@link JournalMismatchError} if it holds
 * another message than the one received or has lost it, and with {@link JournalLostError}.
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
  let last: Delivery | undefined;
  for (let failures = 0; !signal.aborted; failures++) {
    if (failures > 1) await pause(failures, signal);
    const deadline = Date.now() + CATCHING_UP_MS;
    const opened = await retryUntilSettled(() => open(link, next, last, deadline, batch), signal);
    if (opened === undefined) return;
    const { reader, ends } = opened;
    const opening = next;
    const leave = () => reader.close();
    signal.addEventListener('abort', leave);
    try {
      if (isOver()) return;
      if (next > ends.last) yield { messages: [], end: ends.last };

      let gap: Delivery | undefined;
      let count = 0;
      while (gap === undefined) {
        const page = await reader.page();
        if (page === undefined || isOver()) break;
        if (page.length === 0 && (await isBehind(link, next, signal))) break;
        const messages: Arrival[] = [];
        let pending = 1;
        for (const message of page) {
          const delivery = parseDelivery(message);
          if (delivery.position > next) {
            gap = delivery;
            break;
          }
          count++;
          if (delivery.position < next) {
            // A start past the end is moved back to it.
            if (delivery.position === last?.position) assertSame(last, delivery);
            continue;
          }
          last = delivery;
          messages.push({ position: next++, message });
          pending = delivery.pending;
        }
        if (messages.length === 0) continue;
        failures = -1;
        link.noteHead(next - 1);
        const isAll = pending === 0;
        yield { messages, end: isAll && next > ends.last ? next - 1 : undefined };
        if (isAll && next <= ends.last) break; // it has less than the stream
      }
      // If messages are missing after a consumer's first, they may have been lost on the way; if they are missing before it, the stream has lost them.
      if (gap !== undefined && next === opening && gap.count === count + 1) {
        throw new PositionTrimmedError(next, gap.position);
      }
    } finally {
      signal.removeEventListener('abort', leave);
      reader.close();
    }
  }
}

/**
 * A consumer that begins with the last message received, and the positions that the stream holds, requested at the same time; rejects with {@link PositionTrimmedError} if the
 * next position is missing.
 */
async function open(
  link: StreamLink,
  next: Position,
  last: Delivery | undefined,
  deadline: number,
  batch?: number,
): Promise<{ reader: PullReader; ends: StreamEnds }> {
  const opening = PullReader.open(link, last?.position ?? next, batch);
  try {
    const [ends, reader] = await Promise.all([link.ends(), opening]);
    if (last !== undefined && ends.last < last.position) {
      if (Date.now() < deadline) throw new Unanswered();
      throw new JournalMismatchError(
        `the stream ends with position ${ends.last}, and ${last.position} was read from it`,
      );
    }
    const isShort = next <= ends.last && reader.pending <= (last ? 1 : 0);
    if (isShort && (await link.hasDropped(next))) throw new PositionTrimmedError(next, ends.last + 1);
    // It was created on a server that has not caught up, and (2.9.10, after a SIGSTOP) may not catch up before more is written.
    if (isShort && !(reader.pending === 1 && (await link.hasDropped(next - 1)))) throw new Unanswered();
    return { reader, ends };
  } catch (error) {
    opening.then((reader) => reader.close()).catch(() => undefined);
    throw error;
  }
}

function assertSame({ position, time }: Delivery, found: Delivery): void {
  if (found.time === time) return;
  throw new JournalMismatchError(`the stream's position ${position} holds another message than the one that was read`);
}

/** Whether the stream holds messages that a consumer does not deliver. */
async function isBehind(link: StreamLink, next: Position, signal: AbortSignal): Promise<boolean> {
  const ends = await retryUntilSettled(() => link.ends(), signal);
  return ends === undefined || ends.last >= next;
}

/**
 * What the reply subject of a message says: `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<consumer sequence>.<time>.<pending>`, with
 * a domain and an account before the stream from newer servers (https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md).
 */
function parseDelivery({ reply = '' }: Msg): Delivery {
  const tokens = reply.split('.');
  const shift = tokens.length === 9 ? 0 : 2;
  const [position, count, time, pending] = tokens.slice(5 + shift);
  return { position: Number(position), time: time!, count: Number(count), pending: Number(pending) };
}
