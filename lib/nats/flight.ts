import { headers, type MsgHdrs } from '@nats-io/nats-core';
import type { Position } from '../journal/position';

/** So many entries go in one batch; servers take 1,000 by default. */
const MOST_ENTRIES = 512;
/** So many characters of payloads go in one batch. */
const MOST_CHARACTERS = 1024 * 1024;

/** A call: the payloads of entries that take consecutive positions. */
export interface Departure {
  readonly payloads: readonly string[];
  readonly expect: Position | undefined;
  readonly signal: AbortSignal | undefined;
  /** When it was called. */
  readonly since: number;
  /** Goes in no batch with others: one that it was in was refused. */
  isAlone: boolean;
  /** With the position of the first. */
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

/** A message, as it is sent. */
interface Message {
  readonly payload: string;
  readonly headers: MsgHdrs;
  /** The end of the subject that its answer comes to; `undefined`: none is wanted. */
  readonly reply: string | undefined;
}

/** Calls whose entries the server is given as one: a message, or an atomic batch of them. The first has an id, so the stream takes them once. */
export class Flight {
  /** How many of the copies that were sent may still be, or come to be, in the stream. */
  sent = 0;
  /** The server has refused a copy of it, for the flight before it was not the last of the stream. */
  isBroken = false;
  /** Of how many copies the server has said that it does not take them. */
  passed = 0;
  /** The pending search for it in the stream. */
  search: AbortController | undefined;
  readonly size: number;
  #copies = 0;

  /**
   * @param floor - the newest position that was acknowledged when it departed: its own come after it
   * @param previous - the id of the flight that its first copy has to follow, if any; further copies are sent when all before it is known
   */
  constructor(
    readonly calls: readonly Departure[],
    /** The last token of the subject that its answer comes to. */
    readonly token: string,
    readonly id: string,
    readonly floor: Position,
    readonly previous?: string,
  ) {
    this.size = calls.reduce((sum, { payloads }) => sum + payloads.length, 0);
  }

  get expect(): Position | undefined {
    return this.calls[0]!.expect;
  }

  get since(): number {
    return this.calls[0]!.since;
  }

  /** The messages of its next copy. The first copy asks for one answer; a further one for all, for it is in them why a batch is not taken. */
  *copy(): Generator<Message, void> {
    const copy = ++this.#copies;
    let sequence = 0;
    for (const { payloads } of this.calls) {
      for (const payload of payloads) {
        const isLast = ++sequence === this.size;
        const made = headers();
        if (sequence === 1) {
          made.set('Nats-Msg-Id', this.id);
          if (this.expect !== undefined) made.set('Nats-Expected-Last-Sequence', String(this.expect));
          if (this.previous !== undefined && copy === 1) made.set('Nats-Expected-Last-Msg-Id', this.previous);
        }
        if (this.size > 1) {
          made.set('Nats-Batch-Id', `${this.id}.${copy}`);
          made.set('Nats-Batch-Sequence', String(sequence));
          if (isLast) made.set('Nats-Batch-Commit', '1');
        }
        const reply = isLast ? this.token : copy > 1 ? `${this.token}.${sequence}` : undefined;
        yield { payload, headers: made, reply };
      }
    }
  }
}

/**
 * Takes from a queue the calls that depart next: one, or as many as one batch takes. What a call expects is checked at a batch's beginning alone: one in
 * its midst has to expect what is before it there.
 */
export function board(queue: Set<Departure>, isBatch: boolean): Departure[] {
  const calls: Departure[] = [];
  let size = 0;
  let characters = 0;
  let next: Position | undefined;
  for (const call of queue) {
    const { payloads, expect, signal } = call;
    if (signal?.aborted) {
      queue.delete(call);
      call.reject(signal.reason);
      continue;
    }
    size += payloads.length;
    for (const payload of payloads) characters += payload.length;
    if (calls.length > 0) {
      if (call.isAlone || (expect !== undefined && expect !== next)) break;
      if (size > MOST_ENTRIES || characters > MOST_CHARACTERS) break;
    }
    queue.delete(call);
    calls.push(call);
    if (!isBatch || call.isAlone) break;
    const start = calls.length === 1 ? expect : next;
    next = start === undefined ? undefined : start + payloads.length;
  }
  return calls;
}
