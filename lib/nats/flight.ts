import { headers, type MsgHdrs } from '@nats-io/nats-core';
import type { Position } from '../journal/position';

/** The most entries in one batch; servers accept 1,000 by default. */
const MOST_ENTRIES = 512;
/** The most characters of payloads in one batch. */
const MOST_CHARACTERS = 1024 * 1024;

/** A call: the payloads of entries that get consecutive positions. */
export interface Departure {
  readonly payloads: readonly string[];
  readonly expect: Position | undefined;
  readonly signal: AbortSignal | undefined;
  /** The time of the call. */
  readonly since: number;
  /** It must not share a batch: one that it was in was refused. */
  isAlone: boolean;
  /** Called with the position of the first entry. */
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

/** A message to send. */
interface Message {
  readonly payload: string;
  readonly headers: MsgHdrs;
  /** The end of the subject for the answer; `undefined`: no answer is requested. */
  readonly reply: string | undefined;
}

/** Calls whose entries the server gets as one: a message, or an atomic batch of messages. The first has an id, so the stream stores them once. */
export class Flight {
  /** How many of the sent copies may be in the stream, or may still be stored. */
  sent = 0;
  /** The server has refused a copy, because the flight before it was not the stream's last. */
  isBroken = false;
  /** How many copies the server has refused. */
  passed = 0;
  /** The pending search for it in the stream. */
  search: AbortController | undefined;
  readonly size: number;
  #copies = 0;

  /**
   * @param floor - the newest acknowledged position at its departure: its own positions come after that
   * @param previous - the id of the flight that its first copy must follow, if any; further copies are sent when the outcome of all earlier flights is known
   */
  constructor(
    readonly calls: readonly Departure[],
    /** The last token of the subject for its answer. */
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

  /** The messages of its next copy. The first copy requests one answer; a further copy requests all, because they say why a batch is refused. */
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
 * Takes the calls that depart next from a queue: one, or as many as fit into a batch. The server checks an expected position only at the beginning of a batch: a call
 * inside it must expect the position before it in the batch.
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
