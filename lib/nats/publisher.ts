import { InvalidArgumentError, nuid, type Msg, type Status, type Subscription } from '@nats-io/nats-core';
import type { Subscription as Listening } from 'rxjs';
import { JournalLostError } from '../errors/journal-lost-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { isTrimmed, type PositionTrimmedError } from '../errors/position-trimmed-error';
import { SerializationError } from '../errors/serialization-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import type { WriteOptions } from '../journal/scrivener';
import type { Position } from '../journal/position';
import { noBatches, parseAcknowledgement } from './acknowledgement';
import { contiguousMessages } from './contiguous-messages';
import { Chain } from './chain';
import { board, Flight, type Departure } from './flight';
import { forbids, type StreamLink } from './stream-link';

/** How often it is looked whether acknowledgements fail to come. */
const TICK_MS = 100;
/** No acknowledgement of anything for so long: something is wrong. */
const STALL_MS = 1_000;
const LONGEST_PAUSE_MS = 1_000;
/** How many flights are in the air where none can be lost and the next not. */
const MOST_FLIGHTS = 1_024;

/** How a {@link Publisher} publishes. */
export interface PublisherOptions {
  /** To where. */
  readonly subject: string;
  /** How long what was sent may be sent again. */
  readonly retryMs: number;
  /** The stream takes atomic batches. */
  readonly isAtomic: boolean;
  /** The stream's leader may change. */
  readonly isClustered: boolean;
  /** The server compares the last id when it stores a message, after those that it was sent before. */
  readonly isChainable: boolean;
}

/**
 * Publishes entries in the order of the calls, and settles each call when the server has reported its outcome.
 *
 * On a server that stands alone many flights are in the air. In a cluster, when the leader changes, one could be lost and the next not. So it is one where
 * the stream takes batches: what is called meanwhile goes in the next, as one batch. Elsewhere those in the air are a {@link Chain}, where the server is
 * one that can be given one, or else one.
 *
 * While acknowledgements fail to come it holds back what is new and asks the server for the stream; when it has answered, it sends the oldest flight again,
 * and when that is acknowledged everything after it, in order (of a chain, one after another). What is sent again has the id that it had, so the stream takes
 * it once. It is not sent to a server that does not answer: copies would wait there, and be stored once the server has forgotten the id.
 */
export class Publisher {
  readonly #link: StreamLink;
  readonly #subject: string;
  readonly #retryMs: number;
  readonly #isClustered: boolean;
  readonly #isChainable: boolean;
  readonly #chain = new Chain();
  readonly #inbox: string;
  readonly #id = nuid.next();
  readonly #acknowledgements: Subscription;
  readonly #listening: Listening;
  #isAtomic: boolean;
  /** In the order of the calls. */
  #queue = new Set<Departure>();
  /** By their tokens; in the order of the calls, before those of the queue. */
  readonly #flights = new Map<string, Flight>();
  /** The last that departed. */
  #newest: Flight | undefined;
  #count = 0;
  #isScheduled = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** When an acknowledgement came, or when sending was begun. */
  #heardAt = 0;
  #isPaused = false;
  /** When the oldest was last sent again. */
  #resent = 0;
  /** The newest position that the stream has acknowledged, or had when it was opened. */
  #acknowledged: Position;
  #pause = 0;
  #probeAt = 0;
  #settled: (() => void) | undefined;

  constructor(link: StreamLink, { subject, retryMs, isAtomic, isClustered, isChainable }: PublisherOptions) {
    this.#link = link;
    this.#subject = subject;
    this.#retryMs = retryMs;
    this.#isAtomic = isAtomic;
    this.#isClustered = isClustered;
    this.#isChainable = isChainable;
    this.#inbox = link.inbox();
    this.#acknowledged = link.head;
    this.#acknowledgements = link.connection.subscribe(`${this.#inbox}.>`, {
      callback: (error, message) => (error ? this.#fail(link.toJournalError(error)) : this.#receive(message)),
    });
    this.#listening = link.events$.subscribe({
      next: (status) => this.#onStatus(status),
      error: (error: unknown) => this.#fail(link.toJournalError(error)),
    });
  }

  /** @throws {@link NotSupportedError} when the stream does not take several entries as one */
  assertAtomic(): void {
    if (!this.#isAtomic) throw noBatches(this.#link.stream, this.#link.connection.info?.version);
  }

  /**
   * Resolves with the position of the first entry; the others follow it. Rejects with {@link PositionConflictError}, with the signal's reason when it is aborted
   * before the entries are sent, with {@link WriteUncertainError}, {@link JournalLostError}, and what the server refuses them with.
   */
  publish(payloads: readonly string[], { expect, signal }: WriteOptions): Promise<Position> {
    return new Promise((resolve, reject) => {
      if (this.#link.lost) return reject(this.#link.lost);
      const since = performance.now();
      this.#queue.add({ payloads, expect, signal, since, isAlone: false, resolve, reject });
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      queueMicrotask(() => {
        // What is called at once goes together.
        this.#isScheduled = false;
        this.#sendQueued();
      });
    });
  }

  /** Resolves once every call is settled, with everything released. */
  async close(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => (this.#settled = resolve));
    clearInterval(this.#timer);
    this.#listening.unsubscribe();
    this.#acknowledgements.unsubscribe();
  }

  #isIdle(): boolean {
    return this.#queue.size === 0 && this.#flights.size === 0;
  }

  /** Whether flights follow each other by their ids. */
  get #isChained(): boolean {
    return this.#isClustered && this.#isChainable && !this.#isAtomic;
  }

  #sendQueued(): void {
    while (!this.#isPaused && this.#hasRoom() && this.#sendNext());
    if (this.#isIdle()) this.#settled?.();
  }

  #hasRoom(): boolean {
    if (!this.#isClustered) return this.#flights.size < MOST_FLIGHTS;
    if (this.#flights.size === 0) return true;
    if (!this.#isChained || this.#flights.size >= this.#chain.length) return false;
    // What expects a position is alone in the air: it may be refused for what was lost before it.
    const [next] = this.#queue;
    return next?.expect === undefined && this.#newest?.expect === undefined;
  }

  /** Whether anything was sent. */
  #sendNext(): boolean {
    const calls = board(this.#queue, this.#isAtomic && this.#isClustered);
    if (calls.length === 0) return false;
    if (this.#flights.size === 0) this.#heardAt = performance.now();
    const token = String(++this.#count);
    const previous = this.#isChained && this.#flights.size > 0 ? this.#newest?.id : undefined;
    const flight = new Flight(calls, token, `${this.#id}.${token}`, this.#acknowledged, previous);
    this.#newest = flight;
    this.#flights.set(token, flight);
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
    const flight = this.#flights.get(dot < 0 ? reply : reply.slice(0, dot));
    if (flight === undefined) return;
    if (message.data.length === 0 && message.headers?.code === 503) {
      if (dot < 0) flight.sent--;
      return this.#pauseSending();
    }
    if (message.data.length === 0 && dot > 0) return; // the batch continues
    const outcome = parseAcknowledgement(message, this.#link, flight);
    if (outcome === undefined) return this.#pauseSending();
    this.#heardAt = performance.now();
    if (outcome === 'broken' || outcome === 'known') return this.#pass(flight, outcome);
    if ('error' in outcome) {
      if (flight.sent > 1) void this.#inquire(flight, outcome.error);
      else this.#refuse(flight, outcome.error);
    } else if (outcome.position === undefined) void this.#inquire(flight);
    else if (outcome.position <= flight.floor && !outcome.isDuplicate) this.#failLost(flight, outcome.position);
    else this.#settle(flight, outcome.position);
  }

  /** A copy was not taken: it did not follow what it had to, or the server has taken or refused another copy. */
  #pass(flight: Flight, outcome: 'broken' | 'known'): void {
    flight.passed++;
    if (outcome === 'broken') {
      flight.isBroken = true;
      this.#chain.broke();
    }
    // Otherwise one that is not answered may be in the stream, or come to be.
    if (flight.isBroken && flight.passed === flight.sent) this.#return(flight);
    else this.#pauseSending();
  }

  /** No copy of a flight will be in the stream, nor any of those that have to follow it: they depart again, under other ids. */
  #return(first: Flight): void {
    const flights = [...this.#flights.values()];
    const returned = flights.slice(flights.indexOf(first));
    for (const flight of returned) this.#forget(flight);
    this.#newest = [...this.#flights.values()].at(-1);
    this.#queue = new Set([...returned.flatMap(({ calls }) => calls), ...this.#queue]);
    if (this.#isPaused && this.#flights.size === 0) this.#flow();
    else this.#sendQueued();
  }

  #settle(flight: Flight, first: Position): void {
    const last = first + flight.size - 1;
    this.#chain.acknowledged(first);
    this.#acknowledged = Math.max(this.#acknowledged, last);
    this.#link.noteHead(last);
    this.#removeFlight(flight);
    let position = first;
    for (const { payloads, resolve } of flight.calls) {
      resolve(position);
      position += payloads.length;
    }
  }

  /** None of it is in the stream. Of several calls, each is tried on its own. */
  #refuse(flight: Flight, error: Error): void {
    if (error instanceof NotSupportedError) this.#isAtomic = false;
    const { calls } = flight;
    if (calls.length === 1) calls[0]!.reject(error);
    else {
      for (const call of calls) call.isAlone = true;
      this.#queue = new Set([...calls, ...this.#queue]);
    }
    this.#removeFlight(flight);
  }

  /** It is no longer in flight: others may follow. */
  #removeFlight(flight: Flight): void {
    const isOldest = this.#oldest() === flight;
    this.#forget(flight);
    const next = this.#oldest();
    if (this.#isPaused && isOldest && this.#isChained && next) this.#send(next);
    else if (this.#isPaused && isOldest) this.#flow();
    else if (this.#queue.size > 0 || this.#isIdle()) this.#sendQueued();
  }

  /** The stream has assigned a position for the second time. */
  #failLost(flight: Flight, position: Position): void {
    const reason = `the stream "${this.#link.stream}" gave out position ${position} again: it was recreated, or has lost entries`;
    const lost = this.#link.lose(new JournalLostError(reason));
    this.#forget(flight);
    for (const call of flight.calls) call.reject(lost);
    this.#fail(lost);
  }

  /**
   * Looks in the stream whether a copy of a flight is there, when the server refuses another one: positions may be compared before it is looked for
   * duplicates, and of a batch that it has the server does not say where.
   */
  async #inquire(flight: Flight, refusal?: Error): Promise<void> {
    if (flight.search) return;
    flight.search = new AbortController();
    const { signal } = flight.search;
    try {
      const own = await this.#find(flight, signal);
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

  /** The position of a flight's first entry, where the stream has it. */
  async #find({ id, floor }: Flight, signal: AbortSignal): Promise<Position | undefined> {
    let trimmed: PositionTrimmedError | undefined;
    for (let from = floor + 1; ;) {
      try {
        for await (const { messages, end } of contiguousMessages(this.#link, from, signal)) {
          for (const { position, message } of messages) if (message.headers?.get('Nats-Msg-Id') === id) return position;
          if (end !== undefined) break;
        }
      } catch (error) {
        if (!isTrimmed(error)) throw error;
        trimmed = error;
        from = error.first;
        continue;
      }
      // It may have been among those that the stream no longer keeps.
      if (trimmed) throw trimmed;
      return undefined;
    }
  }

  /** Holds back what is new until the oldest is acknowledged. */
  #pauseSending(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#chain.broke();
    this.#pause = TICK_MS;
    this.#probeAt = performance.now() + this.#pause;
  }

  #probe(): void {
    if (this.#isIdle()) return this.#flow();
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    this.#probeAt = performance.now() + this.#pause;
    void this.#ask();
  }

  /**
   * Sends the oldest again when the server has answered a question: until then it would take a copy that it looks at too late. A question that is lost, as
   * those are that come while there is no leader, is not waited for: others follow it.
   */
  async #ask(): Promise<void> {
    const since = performance.now();
    try {
      await this.#link.ends();
      if (!this.#isPaused || since < this.#resent) return;
      this.#resent = performance.now();
      const oldest = this.#oldest();
      if (oldest) this.#send(oldest);
      else this.#sendNext();
    } catch (error) {
      // Nobody answers for a stream that was deleted.
      if (error instanceof JournalLostError) this.#fail(error);
    }
  }

  /** Sends everything that is not acknowledged, whether or not it was sent before. */
  #flow(): void {
    this.#isPaused = false;
    for (const flight of [...this.#flights.values()]) this.#send(flight);
    this.#sendQueued();
  }

  #tick(): void {
    if (this.#isIdle()) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    const tooLate = new JournalLostError('nothing was acknowledged in time');
    for (const flight of [...this.#flights.values()]) {
      const [{ signal, reject }] = flight.calls as [Departure];
      if (flight.sent === 0 && flight.calls.length === 1 && signal?.aborted) {
        this.#forget(flight);
        reject(signal.reason);
      } else if (now - flight.since > this.#retryMs) this.#giveUp(flight, tooLate);
    }
    for (const call of this.#queue) {
      const { signal, since, reject } = call;
      const isAborted = signal?.aborted === true;
      if (!isAborted && now - since <= this.#retryMs) continue;
      this.#queue.delete(call);
      reject(isAborted ? signal.reason : tooLate);
    }
    if (!this.#isPaused && now - this.#heardAt > STALL_MS) this.#pauseSending();
    if (this.#isPaused && now >= this.#probeAt) this.#probe();
    this.#sendQueued();
  }

  #onStatus(status: Status): void {
    if (status.type === 'disconnect') this.#pauseSending();
    else if (status.type === 'reconnect') this.#probe();
    else if (forbids(status, this.#subject)) {
      // The server refused what was sent.
      for (const flight of this.#flights.values()) flight.sent = 0;
      this.#fail(this.#link.toJournalError(status.error));
    }
  }

  #fail(cause: Error): void {
    const queued = [...this.#queue];
    this.#queue.clear();
    for (const flight of [...this.#flights.values()]) this.#giveUp(flight, cause);
    for (const call of queued) call.reject(cause);
  }

  #giveUp(flight: Flight, cause: Error): void {
    const reason = flight.sent > 0 ? new WriteUncertainError({ cause }) : cause;
    this.#forget(flight);
    for (const call of flight.calls) call.reject(reason);
    this.#sendQueued();
  }

  #oldest(): Flight | undefined {
    return this.#flights.values().next().value;
  }

  #forget(flight: Flight): void {
    this.#flights.delete(flight.token);
    flight.search?.abort();
  }
}
