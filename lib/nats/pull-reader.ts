import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { nanos, nuid, type Msg, type Status, type Subscription } from '@nats-io/nats-core';
import type { Subscription as Listening } from 'rxjs';
import type { Position } from '../journal/position';
import { forbids, type StreamLink } from './stream-link';

/** How many messages and bytes are requested at a time, so that a slow reader holds no more. */
export const MAX_MESSAGES = 512;
const MAX_BYTES = 4 * 1024 * 1024;
/** How long a request is valid: if nothing comes, there may be nothing, or it may have been lost on the way. */
const EXPIRES_MS = 15_000;
/** A server that holds a request says so this often … */
const HEARTBEAT_MS = 1_000;
/** … and one that is silent for this long no longer holds it. */
const SILENCE_MS = 3_500;
/** The server drops a consumer without requests, for example that of a process that died. */
const INACTIVE_MS = 60_000;

/**
 * Reads a stream's messages from a sequence on through its own consumer: requests as many as were used up, and holds no more.
 *
 * Speaks the pull protocol itself (https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-13.md): messages come a page at
 * a time, and failures are reported at once, while the client's iterators would silently continue.
 */
export class PullReader {
  readonly #link: StreamLink;
  readonly #consumer: string;
  readonly #asks: string;
  readonly #inbox: string;
  readonly #answers: Subscription;
  readonly #listening: Listening;
  #silence: ReturnType<typeof setTimeout>;
  /** When the server last answered, or was asked. */
  #heardAt = performance.now();
  readonly #batch: number;
  #messages: Msg[] = [];
  /** How many requested messages are still to come. */
  #outstanding = 0;
  /** Whether any requested message has come. */
  #hasReceived = true;
  #isIdle = false;
  #isDisconnected = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** How many messages the consumer still had to deliver when it was created, as far as its server knew. */
  pending = 0;

  /**
   * Resolves with a reader whose consumer exists; rejects as {@link StreamLink.call} does.
   *
   * @param batch - how many messages to ask for at a time
   */
  static async open(link: StreamLink, start: Position, batch = MAX_MESSAGES): Promise<PullReader> {
    const name = `rx-scrivener_${nuid.next()}`;
    let reader: PullReader | undefined;
    try {
      reader = new PullReader(link, name, batch);
      const { num_pending } = await link.call(() =>
        link.manager.consumers.add(link.stream, {
          name,
          ack_policy: AckPolicy.None,
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: start,
          inactive_threshold: nanos(INACTIVE_MS),
          num_replicas: 1,
          mem_storage: true,
        }),
      );
      reader.pending = num_pending;
      return reader;
    } catch (error) {
      reader?.close();
      throw link.toJournalError(error);
    }
  }

  private constructor(link: StreamLink, consumer: string, batch: number) {
    this.#link = link;
    this.#batch = batch;
    this.#consumer = consumer;
    this.#asks = `${link.manager.getOptions().apiPrefix}.CONSUMER.MSG.NEXT.${link.stream}.${consumer}`;
    this.#inbox = link.inbox();
    this.#answers = link.connection.subscribe(this.#inbox, {
      callback: (error, message) => (error ? this.#fail(error) : this.#receive(message)),
    });
    this.#silence = setTimeout(() => this.#notice(), SILENCE_MS);
    this.#listening = link.events$.subscribe({
      next: (status) => this.#onStatus(status),
      error: (error: unknown) => this.#fail(error),
    });
  }

  /**
   * What has come since the last page; empty if nothing has come for a while; `undefined` if the reader was closed, or lost its consumer: then another reader must
   * continue after the last message. Rejects with {@link JournalLostError}.
   */
  async page(): Promise<readonly Msg[] | undefined> {
    const isWaiting = () => this.#messages.length === 0 && !this.#isIdle;
    this.#isIdle = false;
    while (isWaiting()) {
      if (this.#failure) throw this.#failure;
      if (this.#isDisconnected) return undefined;
      if (this.#outstanding === 0) this.#ask();
      this.#heardAt = performance.now();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const page = this.#messages;
    this.#messages = [];
    return page;
  }

  /** Releases everything, and deletes the consumer; a pending `page` resolves with `undefined`. */
  close(): void {
    if (this.#answers.isClosed() && this.#listening.closed) return;
    this.#listening.unsubscribe();
    this.#answers.unsubscribe();
    this.#disconnect();
    clearTimeout(this.#silence);
    // A server that cannot be reached drops the consumer after a while.
    this.#link.manager.consumers.delete(this.#link.stream, this.#consumer).catch(() => undefined);
  }

  #ask(): void {
    // A single message may be larger than the bytes requested: then it comes alone.
    const limits = this.#hasReceived ? { batch: this.#batch, max_bytes: MAX_BYTES } : { batch: 1 };
    const request = { ...limits, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    this.#outstanding = limits.batch;
    this.#hasReceived = false;
    try {
      this.#link.connection.publish(this.#asks, JSON.stringify(request), { reply: this.#inbox });
    } catch (error) {
      this.#fail(error);
    }
  }

  #receive(message: Msg): void {
    this.#heardAt = performance.now();
    if (message.reply) {
      this.#outstanding--;
      this.#hasReceived = true;
      this.#messages.push(message);
      return this.#wakeUp();
    }
    const { code = 0, description = '' } = message.headers ?? {};
    if (code === 100) return; // a heartbeat
    const isTooLarge = code === 409 && /maxbytes/i.test(description);
    if (code === 408) this.#hasReceived = this.#isIdle = true;
    else if (!isTooLarge) return this.#disconnect();
    this.#outstanding = 0;
    this.#wakeUp();
  }

  #onStatus(status: Status): void {
    if (status.type === 'reconnect') this.#disconnect();
    else if (forbids(status, this.#asks)) this.#fail(status.error);
  }

  #fail(error: unknown): void {
    this.#failure ??= this.#link.toJournalError(error);
    this.#wakeUp();
  }

  /** Disconnects if the server was silent for too long. */
  #notice(): void {
    const left = this.#heardAt + SILENCE_MS - performance.now();
    if (left <= 0) this.#disconnect();
    else this.#silence = setTimeout(() => this.#notice(), left);
  }

  #disconnect(): void {
    this.#isDisconnected = true;
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
