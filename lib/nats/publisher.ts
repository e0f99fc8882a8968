import { InvalidArgumentError, type Msg, type Status, type Subscription } from '@nats-io/nats-core';
import type { Subscription as Listening } from 'rxjs';
import { JournalLostError } from '../errors/journal-lost-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import type { WriteOptions } from '../journal/scrivener';
import type { Position } from '../journal/position';
import { noBatches, parseAcknowledgement } from './acknowledgement';
import type { Departure, Flight } from './flight';
import { Outage } from './outage';
import { SendWindow, type WindowOptions } from './send-window';
import { storedPosition } from './stored-position';
import { forbids, type StreamLink } from './stream-link';

/** How often to check whether acknowledgements fail to come. */
const TICK_MS = 100;

/** How a {@link Publisher} publishes. */
export interface PublisherOptions extends WindowOptions {
  /** The subject to publish to. */
  readonly subject: string;
  /** How long a flight may be sent again. */
  readonly retryMs: number;
}

/**
 * Publishes entries in the order of the calls, and settles each call when the server has reported its outcome.
 *
 * While acknowledgements fail to come, it holds back new flights and asks the server for the stream. When the server has answered, it sends the oldest flight again,
 * and when that is acknowledged, everything after it, in order (a chain: one after another). A flight that is sent again has the same id, so the stream stores
 * it once. It is not sent to a server that does not answer: copies would wait there, and might be stored after the server has forgotten the id.
 */
export class Publisher {
  readonly #link: StreamLink;
  readonly #subject: string;
  readonly #retryMs: number;
  readonly #window: SendWindow;
  readonly #outage: Outage;
  readonly #inbox: string;
  readonly #acknowledgements: Subscription;
  readonly #listening: Listening;
  #isScheduled = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #settled: (() => void) | undefined;

  constructor(link: StreamLink, options: PublisherOptions) {
    this.#link = link;
    this.#subject = options.subject;
    this.#retryMs = options.retryMs;
    this.#window = new SendWindow(options, link.head);
    this.#outage = new Outage(link);
    this.#inbox = link.inbox();
    this.#acknowledgements = link.connection.subscribe(`${this.#inbox}.>`, {
      callback: (error, message) => (error ? this.#fail(link.toJournalError(error)) : this.#receive(message)),
    });
    this.#listening = link.events$.subscribe({
      next: (status) => this.#onStatus(status),
      error: (error: unknown) => this.#fail(link.toJournalError(error)),
    });
  }

  /** @throws {@link NotSupportedError} if the stream cannot take several entries as one */
  assertAtomic(): void {
    if (!this.#window.isAtomic) throw noBatches(this.#link.stream, this.#link.connection.info?.version);
  }

  /**
   * Resolves with the position of the first entry; the others follow it. Rejects with {@link PositionConflictError}, with the signal's reason if it is aborted
   * before the entries are sent, with {@link WriteUncertainError}, {@link JournalLostError}, or the error with which the server refuses them.
   */
  publish(payloads: readonly string[], { expect, signal }: WriteOptions): Promise<Position> {
    return new Promise((resolve, reject) => {
      if (this.#link.lost) return reject(this.#link.lost);
      const since = performance.now();
      this.#window.add({ payloads, expect, signal, since, isAlone: false, resolve, reject });
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      queueMicrotask(() => {
        // Calls of the same turn go together.
        this.#isScheduled = false;
        this.#sendQueued();
      });
    });
  }

  /** Resolves when every call is settled and everything is released. */
  async close(): Promise<void> {
    if (!this.#window.isEmpty) await new Promise<void>((resolve) => (this.#settled = resolve));
    clearInterval(this.#timer);
    this.#listening.unsubscribe();
    this.#acknowledgements.unsubscribe();
  }

  #sendQueued(): void {
    while (!this.#outage.isOn && this.#sendNext());
    if (this.#window.isEmpty) this.#settled?.();
  }

  /** Whether anything was sent. */
  #sendNext(): boolean {
    const isFirst = this.#window.inTheAir === 0;
    const flight = this.#window.depart();
    if (flight === undefined) return false;
    if (isFirst) this.#outage.heard();
    this.#send(flight);
    return true;
  }

  #send(flight: Flight): void {
    try {
      for (const { payload, headers, reply } of flight.copy()) {
        const options = reply === undefined ? { headers } : { headers, reply: `${this.#inbox}.${reply}` };
        this.#link.connection.publish(this.#subject, payload, options);
      }
      flight.sent++;
    } catch (error) {
      if (error instanceof InvalidArgumentError)
        this.#refuse(flight, new SerializationError('the message is larger than the server accepts', { cause: error }));
      else this.#giveUp(flight, this.#link.toJournalError(error));
    }
  }

  #receive(message: Msg): void {
    const reply = message.subject.slice(this.#inbox.length + 1);
    const dot = reply.indexOf('.');
    const flight = this.#window.flight(dot < 0 ? reply : reply.slice(0, dot));
    if (flight === undefined) return;
    if (message.data.length === 0 && message.headers?.code === 503) {
      if (dot < 0) flight.sent--;
      return this.#pauseSending();
    }
    if (message.data.length === 0 && dot > 0) return; // the batch continues
    const outcome = parseAcknowledgement(message, this.#link, flight);
    if (outcome === undefined) return this.#pauseSending();
    this.#outage.heard();
    if (outcome === 'broken' || outcome === 'known') return this.#pass(flight, outcome);
    if ('error' in outcome) {
      if (flight.sent > 1) void this.#inquire(flight, outcome.error);
      else this.#refuse(flight, outcome.error);
    } else if (outcome.position === undefined) void this.#inquire(flight);
    else if (outcome.position <= flight.floor && !outcome.isDuplicate) this.#failLost(flight, outcome.position);
    else this.#settle(flight, outcome.position);
  }

  /** A copy was not stored: it did not follow what it had to follow, or the server has accepted or refused another copy. */
  #pass(flight: Flight, outcome: 'broken' | 'known'): void {
    flight.passed++;
    if (outcome === 'broken') {
      flight.isBroken = true;
      this.#window.broke();
    }
    // Otherwise an unanswered copy may be in the stream, or may still be stored.
    if (flight.isBroken && flight.passed === flight.sent) this.#return(flight);
    else this.#pauseSending();
  }

  /** No copy of a flight will be stored, nor of those that must follow it: they depart again, under new ids. */
  #return(first: Flight): void {
    this.#window.returnFrom(first);
    if (this.#outage.isOn && this.#window.inTheAir === 0) this.#flow();
    else this.#sendQueued();
  }

  #settle(flight: Flight, first: Position): void {
    const last = first + flight.size - 1;
    this.#window.acknowledged(first, last);
    this.#link.noteHead(last);
    this.#removeFlight(flight);
    let position = first;
    for (const { payloads, resolve } of flight.calls) {
      resolve(position);
      position += payloads.length;
    }
  }

  /** Nothing of it is in the stream. If it has several calls, each is tried on its own. */
  #refuse(flight: Flight, error: Error): void {
    if (error instanceof NotSupportedError) this.#window.isAtomic = false;
    const { calls } = flight;
    if (calls.length === 1) calls[0]!.reject(error);
    else {
      for (const call of calls) call.isAlone = true;
      this.#window.putBack(calls);
    }
    this.#removeFlight(flight);
  }

  /** It is no longer in the air: others may follow. */
  #removeFlight(flight: Flight): void {
    const isOldest = this.#window.oldest === flight;
    this.#window.forget(flight);
    const next = this.#window.oldest;
    if (this.#outage.isOn && isOldest && this.#window.isChained && next) this.#send(next);
    else if (this.#outage.isOn && isOldest) this.#flow();
    else this.#sendQueued();
  }

  /** The stream has assigned a position a second time. */
  #failLost(flight: Flight, position: Position): void {
    const reason = `the stream "${this.#link.stream}" gave out position ${position} again: it was recreated, or has lost entries`;
    const lost = this.#link.lose(new JournalLostError(reason));
    this.#window.forget(flight);
    for (const call of flight.calls) call.reject(lost);
    this.#fail(lost);
  }

  /**
   * Looks for a copy of a flight in the stream after the server has refused another: the server may compare positions before it looks for
   * duplicates, and does not say where the stored copy of a batch is.
   */
  async #inquire(flight: Flight, refusal?: Error): Promise<void> {
    if (flight.search) return;
    flight.search = new AbortController();
    const { signal } = flight.search;
    try {
      const own = await storedPosition(this.#link, flight, signal);
      if (signal.aborted) return;
      flight.search = undefined;
      const isOnItsWay = refusal === undefined || (flight.expect !== undefined && flight.expect === this.#link.head);
      if (own !== undefined) this.#settle(flight, own);
      else if (isOnItsWay) this.#pauseSending();
      else this.#refuse(flight, refusal);
    } catch (cause) {
      flight.search = undefined;
      if (!signal.aborted) this.#giveUp(flight, cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  /** Holds back new flights until the oldest is acknowledged. */
  #pauseSending(): void {
    if (this.#outage.isOn) return;
    this.#outage.begin();
    this.#window.broke();
  }

  /** Sends the oldest flight again when the server has answered a question: before that, a copy might be processed too late. */
  #probe(): void {
    if (this.#window.isEmpty) return this.#flow();
    const resend = () => {
      const { oldest } = this.#window;
      if (oldest) this.#send(oldest);
      else this.#sendNext();
    };
    this.#outage.ask(resend).catch((error: unknown) => this.#fail(this.#link.toJournalError(error)));
  }

  /** Sends everything that is not acknowledged, even if it was sent before. */
  #flow(): void {
    this.#outage.end();
    for (const flight of this.#window.flights) this.#send(flight);
    this.#sendQueued();
  }

  #tick(): void {
    if (this.#window.isEmpty) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    const tooLate = new JournalLostError('nothing was acknowledged in time');
    for (const flight of this.#window.flights) {
      const [{ signal, reject }] = flight.calls as [Departure];
      if (flight.sent === 0 && flight.calls.length === 1 && signal?.aborted) {
        this.#window.forget(flight);
        reject(signal.reason);
      } else if (now - flight.since > this.#retryMs) this.#giveUp(flight, tooLate);
    }
    for (const call of this.#window.queued) {
      const { signal, since, reject } = call;
      const isAborted = signal?.aborted === true;
      if (!isAborted && now - since <= this.#retryMs) continue;
      this.#window.remove(call);
      reject(isAborted ? signal.reason : tooLate);
    }
    if (this.#outage.isStalled(now)) this.#pauseSending();
    if (this.#outage.isDue(now)) this.#probe();
    this.#sendQueued();
  }

  #onStatus(status: Status): void {
    if (status.type === 'disconnect') this.#pauseSending();
    else if (status.type === 'reconnect') this.#probe();
    else if (forbids(status, this.#subject)) {
      // The server refused what was sent.
      for (const flight of this.#window.flights) flight.sent = 0;
      this.#fail(this.#link.toJournalError(status.error));
    }
  }

  #fail(cause: Error): void {
    const { queued } = this.#window;
    for (const call of queued) this.#window.remove(call);
    for (const flight of this.#window.flights) this.#giveUp(flight, cause);
    for (const call of queued) call.reject(cause);
    this.#sendQueued();
  }

  #giveUp(flight: Flight, cause: Error): void {
    const reason = flight.sent > 0 ? new WriteUncertainError({ cause }) : cause;
    this.#window.forget(flight);
    for (const call of flight.calls) call.reject(reason);
    this.#sendQueued();
  }
}
