import type { StandardSchemaV1 } from '@standard-schema/spec';
import { NotSupportedError } from '../errors/not-supported-error';
import { readEntry } from '../flush/validate-entry';
import { Attempt } from '../http/client/attempt';
import { eventsOf } from '../http/client/events-of';
import { retryUntilSettled, Unreachable } from '../http/client/retry-until-settled';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import { CLOSED_HEADER, CURSOR_HEADER, JSON_TYPE, OFFSET_HEADER, UP_TO_DATE_HEADER } from './protocol';
import { bodyOf, type StreamClient } from './stream-client';

/** What comes after the messages of an event: where reading continues. */
interface Control {
  readonly streamNextOffset: string;
  readonly streamCursor?: string;
  readonly streamClosed?: boolean;
}

const EVENTS_TYPE = 'text/event-stream';
/** Servers end an answer of events after about a minute, or send an event before that: after this long without any, in milliseconds, the client reconnects. */
const SILENCE_MS = 45_000;

/** Reads a stream from its beginning into a journal. */
export class StreamReader<T> {
  readonly #client: StreamClient;
  readonly #read: InMemoryScrivener<T>;
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;
  #offset = '-1';
  #cursor: string | null = null;
  #isClosed = false;

  constructor(client: StreamClient, read: InMemoryScrivener<T>, schema: StandardSchemaV1<unknown, T> | undefined) {
    this.#client = client;
    this.#read = read;
    this.#schema = schema;
  }

  /** Whether all was read of a stream that has ended. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Reads what there is; creates the stream if there is none. */
  async open(): Promise<void> {
    while ((await retryUntilSettled(() => this.#page(false), this.#client.signal)) === false);
  }

  /** Reads on until it is closed, here or there: by events where the server has them, else by long-poll. */
  async follow(): Promise<void> {
    const { signal } = this.#client;
    let hasEvents = true;
    try {
      while (!this.#isClosed && !signal.aborted) {
        if (hasEvents) hasEvents = (await retryUntilSettled(() => this.#events(), signal)) ?? false;
        else await retryUntilSettled(() => this.#page(true), signal);
      }
      if (this.#isClosed) this.#read.complete();
    } catch (error) {
      if (!signal.aborted) this.#read.error(error);
    }
  }

  /** Reads events until their connection ends; resolves with whether the server has any. */
  async #events(): Promise<boolean> {
    const response = await this.#client.request(this.#query('sse'), { method: 'GET' });
    const isEvents = response.headers.get('Content-Type')?.startsWith(EVENTS_TYPE);
    if (!response.ok || !response.body || !isEvents) {
      await response.body?.cancel();
      return false;
    }
    const attempt = new Attempt(this.#client.signal);
    let messages: unknown[] = [];
    let hasCome = false;
    try {
      for await (const events of eventsOf(response.body, attempt, SILENCE_MS)) {
        for (const { event, data } of events) {
          if (event === 'data') messages = messages.concat(JSON.parse(data));
          if (event !== 'control') continue;
          // Not before: after a cut between the two the messages come again.
          const { streamNextOffset, streamCursor, streamClosed } = JSON.parse(data) as Control;
          this.#take(messages, streamNextOffset, streamCursor, streamClosed === true);
          messages = [];
          hasCome = true;
        }
      }
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    } finally {
      attempt.end();
    }
    // The next try follows a pause.
    if (!hasCome) throw new Unreachable('The events ended before the first');
    return true;
  }

  #query(live?: 'sse' | 'long-poll'): string {
    const query = new URLSearchParams({ offset: this.#offset });
    if (live) query.set('live', live);
    if (live && this.#cursor !== null) query.set('cursor', this.#cursor);
    query.sort();
    return `?${query.toString()}`;
  }

  /** Takes over messages, and where reading continues. */
  #take(messages: readonly unknown[], offset: string | null, cursor: string | null | undefined, isEnd: boolean): void {
    for (const message of messages) {
      this.#read.append(readEntry({ schema: this.#schema }, message, this.#client.url, this.#read.head + 1));
    }
    this.#offset = offset ?? this.#offset;
    this.#cursor = cursor ?? this.#cursor;
    this.#isClosed = isEnd;
  }

  /** Reads what follows; resolves with whether that was all. */
  async #page(isLive: boolean): Promise<boolean> {
    const client = this.#client;
    const response = await client.request(this.#query(isLive ? 'long-poll' : undefined), { method: 'GET' });
    if (response.status === 404 && !isLive && this.#offset === '-1') {
      const created = await client.request('', { method: 'PUT', headers: { 'Content-Type': JSON_TYPE } });
      if (!created.ok) throw await client.refusalOf(created);
      return false;
    }
    if (!response.ok) throw await client.refusalOf(response);
    const type = response.headers.get('Content-Type');
    if (response.status === 200 && !type?.startsWith(JSON_TYPE))
      throw new NotSupportedError(`a stream of ${type ?? 'no content type'}`);
    const messages = response.status === 204 ? [] : ((await bodyOf(response)) as unknown[]);
    const isEnd = response.headers.get(CLOSED_HEADER) === 'true';
    this.#take(messages, response.headers.get(OFFSET_HEADER), response.headers.get(CURSOR_HEADER), isEnd);
    return response.headers.get(UP_TO_DATE_HEADER) === 'true' || this.#isClosed;
  }
}
