import {
  headers,
  InvalidArgumentError,
  nuid,
  type Msg,
  type MsgHdrs,
  type Status,
  type Subscription,
} from '@nats-io/nats-core';
import type { Subscription as Listening } from 'rxjs';
import { JournalLostError } from '../errors/journal-lost-error';
import { PositionConflictError } from '../errors/position-conflict-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import type { Position } from '../journal/position';
import { parseAcknowledgement } from './acknowledgement';
import { forbids, type StreamLink } from './stream-link';

/** How often it is looked whether acknowledgements fail to come. */
const TICK_MS = 100;
/** No acknowledgement of anything for so long: something is wrong. */
const STALL_MS = 1_000;
const LONGEST_PAUSE_MS = 1_000;

interface Pending {
  readonly payload: string;
  readonly headers: MsgHdrs;
  readonly expect: Position | undefined;
  readonly signal: AbortSignal | undefined;
  /** When the write was called. */
  readonly since: number;
  /** How many of the messages that were sent may still be, or come to be, in the stream. */
  sent: number;
  /** The newest position that was acknowledged when it was first sent: its own comes after it. */
  floor: Position;
  resolve(position: Position): void;
  reject(error: unknown): void;
}

/**
 * Publishes entries in the order of the calls, many in flight, and settles each call once the server has said what became of it.
 *
 * While acknowledgements fail to come it holds back what is new and asks the server for the stream; when it has answered, it sends the oldest entry again,
 * and when that is acknowledged everything after it, in order. What is sent again has the id that it had, so the stream takes it once. It is not sent
 * to a server that does not answer: copies would wait there, and be stored once the server has forgotten the id.
 */
export class Publisher {
  readonly #link: StreamLink;
  readonly #subject: string;
  readonly #retryMs: number;
  readonly #inbox: string;
  readonly #id = nuid.next();
  readonly #acknowledgements: Subscription;
  readonly #listening: Listening;
  /** By the last token of the subject that the acknowledgement comes to; in the order of the calls. */
  readonly #pending = new Map<string, Pending>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When an acknowledgement came, or when sending was begun. */
  #heard = 0;
  #holds = false;
  #isAsking = false;
  /** The newest position that the stream has acknowledged, or had when it was opened. */
  #acknowledged: Position;
  #pause = 0;
  #probeAt = 0;
  #settled: (() => void) | undefined;

  /** @param retryMs - how long what was sent may be sent again */
  constructor(link: StreamLink, subject: string, retryMs: number) {
    this.#link = link;
    this.#subject = subject;
    this.#retryMs = retryMs;
    this.#inbox = link.inbox();
    this.#acknowledged = link.head;
    this.#acknowledgements = link.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error ? this.#fail(link.explain(error)) : this.#receive(message)),
    });
    this.#listening = link.events$.subscribe({
      next: (status) => this.#heed(status),
      error: (error: unknown) => this.#fail(link.explain(error)),
    });
  }

  /**
   * Resolves with the position that the entry took. Rejects with {@link PositionConflictError}, with the signal's reason when it is aborted
   * before the entry is sent, with {@link WriteUncertainError}, {@link JournalLostError}, and what the server refuses it with.
   */
  publish(payload: string, expect: Position | undefined, signal: AbortSignal | undefined): Promise<Position> {
    return new Promise((resolve, reject) => {
      if (this.#link.lost) return reject(this.#link.lost);
      const token = String(++this.#count);
      const since = performance.now();
      const pending = {
        payload,
        headers: this.#headers(token, expect),
        expect,
        signal,
        since,
        sent: 0,
        floor: this.#acknowledged,
        resolve,
        reject,
      };
      if (this.#pending.size === 0) this.#heard = since;
      this.#pending.set(token, pending);
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
      if (!this.#holds) this.#send(token, pending);
    });
  }

  /** Resolves once every call is settled, with everything released. */
  async close(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => (this.#settled = resolve));
    clearInterval(this.#timer);
    this.#listening.unsubscribe();
    this.#acknowledgements.unsubscribe();
  }

  #headers(token: string, expect: Position | undefined): MsgHdrs {
    const made = headers();
    made.set('Nats-Msg-Id', `${this.#id}.${token}`);
    if (expect !== undefined) made.set('Nats-Expected-Last-Sequence', String(expect));
    return made;
  }

  #send(token: string, pending: Pending): void {
    try {
      const reply = `${this.#inbox}.${token}`;
      this.#link.connection.publish(this.#subject, pending.payload, { headers: pending.headers, reply });
      pending.sent++;
    } catch (error) {
      const isTooLarge = error instanceof InvalidArgumentError;
      const refusal = isTooLarge
        ? new SerializationError('the server takes no message as large', { cause: error })
        : this.#link.explain(error);
      this.#take(token)?.reject(refusal);
    }
  }

  #receive(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    if (message.data.length === 0 && message.headers?.code === 503) {
      pending.sent--;
      return this.#hold();
    }
    const outcome = parseAcknowledgement(message, this.#link, pending.expect);
    if (outcome === undefined) return this.#hold();
    this.#heard = performance.now();
    if ('position' in outcome) {
      if (outcome.position <= pending.floor && !outcome.isDuplicate) return this.#lose(token, outcome.position);
      this.#settle(token, outcome.position);
    } else if (outcome.error instanceof PositionConflictError && pending.sent > 1) {
      void this.#inquire(token, outcome.error);
    } else this.#settle(token, outcome.error);
  }

  #settle(token: string, outcome: Position | Error): void {
    const isOldest = this.#oldest()?.[0] === token;
    const pending = this.#take(token);
    if (typeof outcome === 'number') {
      this.#acknowledged = Math.max(this.#acknowledged, outcome);
      this.#link.saw(outcome);
      pending?.resolve(outcome);
    } else pending?.reject(outcome);
    if (this.#holds && isOldest) this.#flow();
  }

  /** The stream has given out a position that it had given out before. */
  #lose(token: string, position: Position): void {
    const reason = `the stream "${this.#link.stream}" gave out position ${position} again: it was made anew, or has lost entries`;
    const lost = this.#link.lose(new JournalLostError(reason));
    this.#take(token)?.reject(lost);
    this.#fail(lost);
  }

  /** An entry that was sent twice conflicts also with its own first copy, where the server compares positions before it looks for duplicates. */
  async #inquire(token: string, conflict: PositionConflictError): Promise<void> {
    const own = conflict.expected + 1;
    try {
      const id = await this.#link.messageId(own);
      if (id === `${this.#id}.${token}`) {
        this.#settle(token, own);
        return;
      }
      if (id !== undefined) {
        this.#settle(token, conflict);
        return;
      }
      const { last } = await this.#link.ends();
      if (last === conflict.expected)
        this.#hold(); // a copy is on its way
      else if (last < own) this.#settle(token, conflict);
      else this.#settle(token, new WriteUncertainError({ cause: conflict })); // dropped meanwhile
    } catch {
      this.#hold(); // asked again with the next copy
    }
  }

  /** Holds back what is new until the oldest is acknowledged. */
  #hold(): void {
    if (this.#holds) return;
    this.#holds = true;
    this.#pause = TICK_MS;
    this.#probeAt = performance.now() + this.#pause;
  }

  #probe(): void {
    const oldest = this.#oldest();
    if (oldest === undefined) return this.#flow();
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    this.#probeAt = performance.now() + this.#pause;
    if (!this.#isAsking) void this.#ask();
  }

  /** Sends the oldest again when the server has answered a question: until then it would take a copy that it looks at too late. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#link.ends();
      const oldest = this.#oldest();
      if (this.#holds && oldest !== undefined) this.#send(...oldest);
    } catch (error) {
      // Nobody answers for a stream that was deleted.
      if (error instanceof JournalLostError) this.#fail(error);
    } finally {
      this.#isAsking = false;
    }
  }

  /** Sends everything that is not acknowledged, whether or not it was sent before. */
  #flow(): void {
    this.#holds = false;
    for (const [token, pending] of [...this.#pending]) this.#send(token, pending);
  }

  #tick(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    for (const [token, { since, sent, signal }] of this.#pending) {
      if (sent === 0 && signal?.aborted) this.#take(token)?.reject(signal.reason);
      else if (now - since > this.#retryMs)
        this.#giveUp(token, new JournalLostError('nothing was acknowledged in time'));
    }
    if (!this.#holds && now - this.#heard > STALL_MS) this.#hold();
    if (this.#holds && now >= this.#probeAt) this.#probe();
  }

  #heed(status: Status): void {
    if (status.type === 'disconnect') this.#hold();
    else if (status.type === 'reconnect') this.#probe();
    else if (forbids(status, this.#subject)) {
      // What was sent was refused.
      for (const pending of this.#pending.values()) pending.sent = 0;
      this.#fail(this.#link.explain(status.error));
    }
  }

  #fail(cause: Error): void {
    for (const token of [...this.#pending.keys()]) this.#giveUp(token, cause);
  }

  #giveUp(token: string, cause: Error): void {
    const pending = this.#take(token);
    pending?.reject(pending.sent > 0 ? new WriteUncertainError({ cause }) : cause);
  }

  #oldest(): [string, Pending] | undefined {
    return this.#pending.entries().next().value;
  }

  #take(token: string): Pending | undefined {
    const pending = this.#pending.get(token);
    this.#pending.delete(token);
    if (this.#pending.size === 0) this.#settled?.();
    return pending;
  }
}
