import type { StandardSchemaV1 } from '@standard-schema/spec';
import { BehaviorSubject, type Observable } from 'rxjs';
import { NotSupportedError } from '../errors/not-supported-error';
import { readEntry } from '../flush/validate-entry';
import { release } from '../http/client/connection';
import { eventsOf } from '../http/client/events-of';
import { pause, Unreachable } from '../http/client/retry-until-settled';
import type { InMemoryScrivener } from '../journal/in-memory-scrivener';
import { START, type Position } from '../journal/position';
import { CLOSED_HEADER, CURSOR_HEADER, JSON_TYPE, OFFSET_HEADER, UP_TO_DATE_HEADER } from './protocol';
import { bodyOf, SILENCE_MS, type StreamClient } from './stream-client';

/** What comes after the messages of an event: where reading continues. */
interface Control {
  readonly streamNextOffset: string;
  readonly streamCursor?: string;
  readonly streamClosed?: boolean;
}

/** A place in the stream that was read to. */
export interface Mark {
  readonly offset: string;
  /** The last position before it. */
  readonly head: Position;
}

const EVENTS_TYPE = 'text/event-stream';

/** If a live answer lasted this long, the next one follows without a pause. */
const LASTING_MS = 250;

/** Reads a stream from its beginning into a journal. */
export class StreamReader<T> {
  readonly #client: StreamClient;
  readonly #read: InMemoryScrivener<T>;
  readonly #schema: StandardSchemaV1<unknown, T> | undefined;
  readonly #mark$ = new BehaviorSubject<Mark>({ offset: '-1', head: START });
  /** The place that was read to, and each further one; ends with the reading. */
  readonly mark$: Observable<Mark> = this.#mark$.asObservable();
  #cursor: string | null = null;
  #isClosed = false;

  constructor(client: StreamClient, read: InMemoryScrivener<T>, schema: StandardSchemaV1<unknown, T> | undefined) {
    this.#client = client;
    this.#read = read;
    this.#schema = schema;
  }

  /** Whether the stream has ended, and all of it was read. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Reads the existing messages; creates the stream if it does not exist. */
  async open(): Promise<void> {
    while (!(await this.#page(false)));
  }

  /** Continues reading until the stream or this reader is closed: by events, if the server has them and they come through, otherwise by long-poll. */
  async follow(): Promise<void> {
    const { signal } = this.#client;
    /** How many long-polls to make before events are tried. */
    let polls = 0;
    /** How many to make if no event came, for example behind a proxy that waits for the end of an answer; doubled each time in a row. */
    let next = 1;
    /** How many live answers in a row ended at once and brought nothing. */
    let tries = 0;
    try {
      while (!this.#isClosed && !signal.aborted) {
        const start = performance.now();
        const { offset } = this.#mark$.value;
        if (polls > 0) {
          polls--;
          await this.#page(true);
        } else {
          const come = await this.#events();
          if (come === 0) polls = next;
          if (come === undefined) polls = Infinity;
          next = come === 0 ? next * 2 : 1;
        }
        const isLasting = this.#mark$.value.offset !== offset || performance.now() - start >= LASTING_MS;
        tries = isLasting ? 0 : tries + 1;
        if (tries > 1 && !this.isClosed) await pause(tries - 2, signal);
      }
      if (this.#isClosed) this.#read.complete();
      this.#mark$.complete();
    } catch (error) {
      this.#mark$.error(error);
      if (!signal.aborted) this.#read.error(error);
    }
  }

  /** What readers get for a message. */
  decode(message: unknown): T {
    return readEntry({ schema: this.#schema }, message, this.#client.url, this.#read.head + 1);
  }

  /** Reads events until their connection ends; resolves with how many came, `undefined` if the server has none. */
  async #events(): Promise<number | undefined> {
    let come = 0;
    try {
      return await this.#client.try(this.#query('sse'), { method: 'GET' }, async (response, attempt) => {
        const { ok, headers, body } = response;
        if (!ok || !body || !headers.get('Content-Type')?.startsWith(EVENTS_TYPE)) {
          release(response);
          return undefined;
        }
        let messages: unknown[] = [];
        for await (const events of eventsOf(body, attempt, SILENCE_MS)) {
          for (const { event, data } of events) {
            if (event === 'data') messages = messages.concat(JSON.parse(data));
            if (event !== 'control') continue;
            // Not earlier: if the connection breaks between the two, the messages come again.
            const { streamNextOffset, streamCursor, streamClosed } = JSON.parse(data) as Control;
            this.#take(messages, streamNextOffset, streamCursor, streamClosed === true);
            messages = [];
            come++;
          }
        }
        return come;
      });
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      return come;
    }
  }

  #query(live?: 'sse' | 'long-poll'): string {
    const query = new URLSearchParams({ offset: this.#mark$.value.offset });
    if (live) query.set('live', live);
    if (live && this.#cursor !== null) query.set('cursor', this.#cursor);
    query.sort();
    return `?${query.toString()}`;
  }

  /** Appends messages to the journal, and records where reading continues. */
  #take(messages: readonly unknown[], offset: string | null, cursor: string | null | undefined, isEnd: boolean): void {
    for (const message of messages) this.#read.append(this.decode(message));
    this.#cursor = cursor ?? this.#cursor;
    this.#isClosed = isEnd;
    this.#mark$.next({ offset: offset ?? this.#mark$.value.offset, head: this.#read.head });
  }

  /** Reads the next messages; resolves with whether that was all. */
  #page(isLive: boolean): Promise<boolean> {
    const client = this.#client;
    return client.ask(this.#query(isLive ? 'long-poll' : undefined), { method: 'GET' }, async (response, attempt) => {
      const { status, ok, headers } = response;
      if (status === 404 && !isLive && this.#mark$.value.offset === '-1') {
        await this.#create();
        return false;
      }
      if (!ok) throw await client.refusalOf(response, attempt);
      const type = headers.get('Content-Type');
      if (status === 200 && !type?.startsWith(JSON_TYPE))
        throw new NotSupportedError(`a stream of ${type ?? 'no content type'}`);
      const text = status === 204 ? '' : await bodyOf(response, attempt);
      const messages = text === '' ? [] : (JSON.parse(text) as unknown[]);
      const isEnd = headers.get(CLOSED_HEADER) === 'true';
      this.#take(messages, headers.get(OFFSET_HEADER), headers.get(CURSOR_HEADER), isEnd);
      return headers.get(UP_TO_DATE_HEADER) === 'true' || this.#isClosed;
    });
  }

  #create(): Promise<void> {
    const client = this.#client;
    return client.ask('', { method: 'PUT', headers: { 'Content-Type': JSON_TYPE } }, async (response, attempt) => {
      if (!response.ok) throw await client.refusalOf(response, attempt);
      release(response);
    });
  }
}
