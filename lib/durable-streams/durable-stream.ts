import type { StandardSchemaV1 } from '@standard-schema/spec';
import { catchError, first, of, type Observable } from 'rxjs';
import { HttpStatusError } from '../errors/http-status-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { JournalNotFoundError } from '../errors/journal-not-found-error';
import { NotSupportedError } from '../errors/not-supported-error';
import { SerializationError } from '../errors/serialization-error';
import { readEntry, validateEntry } from '../flush/validate-entry';
import { Attempt } from '../http/client/attempt';
import { eventsOf } from '../http/client/events-of';
import { retryUntilSettled, Unreachable } from '../http/client/retry-until-settled';
import { assertWriteOptions } from '../journal/assert-options';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { JournalStream } from '../journal/journal-stream';
import { assertPosition, type Position, type Positioned } from '../journal/position';
import type { Narrowing, ReadOptions, Scrivener, TailOptions, WaitOptions, WriteOptions } from '../journal/scrivener';
import type { StreamHeaders } from './open-durable-stream';
import {
  CLOSED_HEADER,
  CURSOR_HEADER,
  JSON_TYPE,
  OFFSET_HEADER,
  positionsIn,
  PRODUCER_EPOCH_HEADER,
  PRODUCER_ID_HEADER,
  PRODUCER_SEQ_HEADER,
  UP_TO_DATE_HEADER,
} from './protocol';

/** How a stream is reached. */
export interface DurableStreamParts<T> {
  readonly url: string;
  readonly headers: StreamHeaders;
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  readonly producer: string | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** A write that waits to be sent. */
interface Waiting {
  readonly text: string;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

/** What comes after the messages of an event: where reading continues. */
interface Control {
  readonly streamNextOffset: string;
  readonly streamCursor?: string;
  readonly streamClosed?: boolean;
}

const MAX_BATCH = 100;
const EVENTS_TYPE = 'text/event-stream';
/** Servers end an answer of events after about a minute, or send an event before that: after this long without any, in milliseconds, the client reconnects. */
const SILENCE_MS = 45_000;

/** A JSON stream of a server of the Durable Streams Protocol, opened with {@link openDurableStream}: all that was read of it is kept. */
export class DurableStream<in out T> implements Scrivener<T>, AsyncDisposable {
  readonly #parts: DurableStreamParts<T>;
  readonly #read = new InMemoryScrivener<T>();
  readonly #closing = new AbortController();
  readonly #waiting: Waiting[] = [];
  readonly #producer: string;
  /** Later than that of any scrivener before: the server shuts those out. */
  readonly #epoch = Date.now();
  #seq = 0;
  #isSending = false;
  #offset = '-1';
  #cursor: string | null = null;
  #isClosed = false;
  #following: Promise<void> = Promise.resolve();
  /** What the server could not take in any more: later writes would leave a gap. */
  #failure: unknown;

  /** @internal */
  constructor(parts: DurableStreamParts<T>) {
    this.#parts = parts;
    this.#producer = parts.producer ?? crypto.randomUUID();
  }

  /** The last position that was read. */
  get head(): Position {
    return this.#read.head;
  }

  /** `head`, then each further position, in order. */
  get head$(): Observable<Position> {
    return this.#read.head$;
  }

  /** The oldest position: a stream keeps all. */
  get first(): Position {
    return this.#read.first;
  }

  /** @internal Reads what there is, and continues. */
  async open(): Promise<void> {
    while ((await retryUntilSettled(() => this.#page(false), this.#closing.signal)) === false);
    this.#following = this.#follow();
  }

  async write(entry: T, options: WriteOptions = {}): Promise<Position> {
    assertWriteOptions(options);
    const { expect, signal } = options;
    if (expect !== undefined) {
      assertPosition('expect', expect);
      throw new NotSupportedError('`expect`: the protocol has no append on condition of a position');
    }
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted || this.#isClosed) throw new JournalClosedError();
    if (this.#failure !== undefined) throw this.#failure;
    const { schema } = this.#parts;
    const text = textOf(schema ? validateEntry(schema, entry) : entry);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, signal, resolve, reject });
      if (!this.#isSending) void this.#send();
    });
  }

  tail<U extends T>(after: Position | 'oldest' | undefined, options: Narrowing<TailOptions, T, U>): JournalStream<U>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T>;
  tail(after?: Position | 'oldest', options?: TailOptions<T>): JournalStream<T> {
    return this.#read.tail(after, options);
  }

  readBackward<U extends T>(before: Position | undefined, options: Narrowing<ReadOptions, T, U>): JournalStream<U>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T>;
  readBackward(before?: Position, options?: ReadOptions<T>): JournalStream<T> {
    return this.#read.readBackward(before, options);
  }

  waitFor<U extends T>(after: Position, match: (entry: T) => entry is U, options?: WaitOptions): Promise<Positioned<U>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>>;
  waitFor(after: Position, match: (entry: T) => boolean, options?: WaitOptions): Promise<Positioned<T>> {
    return this.#read.waitFor(after, match, options);
  }

  /** Releases the server: tails complete, and what waits to be sent rejects. The stream continues. Again: the same. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    this.#read.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Sends what waits, a batch at a time, each until it is there. */
  async #send(): Promise<void> {
    this.#isSending = true;
    // What is written in the same turn goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH).filter((write) => {
        if (write.signal?.aborted) write.reject(write.signal.reason);
        return !write.signal?.aborted;
      });
      if (batch.length === 0) continue;
      try {
        const positions = await this.#append(batch.map(({ text }) => text));
        const last = positions.at(-1)!;
        // Its writer reads it from then on.
        const read$ = this.#read.head$.pipe(
          first((head) => head >= last, last),
          catchError(() => of(last)),
        );
        read$.subscribe(() => {
          for (const [index, { resolve }] of batch.entries()) resolve(positions[index]!);
        });
      } catch (error) {
        this.#failure = error;
        for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#isSending = false;
  }

  /** Appends messages once, however often it has to send them; resolves with their positions. */
  async #append(texts: readonly string[]): Promise<readonly Position[]> {
    const headers = {
      'Content-Type': JSON_TYPE,
      [PRODUCER_ID_HEADER]: this.#producer,
      [PRODUCER_EPOCH_HEADER]: String(this.#epoch),
      [PRODUCER_SEQ_HEADER]: String(this.#seq),
    };
    const body = `[${texts.join(',')}]`;
    const before = this.head;
    const response = await this.#request('', { method: 'POST', headers, body });
    if (!response.ok) throw await this.#refusal(response);
    this.#seq++;
    return positionsIn(response, texts.length) ?? this.#find(texts, before);
  }

  /** Where messages are that a server has taken that does not tell: they are waited for, and known by their text, one after the other. */
  async #find(texts: readonly string[], after: Position): Promise<readonly Position[]> {
    const newest: string[] = [];
    for await (const { position, entry } of this.#read.tail(after)) {
      newest.push(textOf(entry));
      if (newest.length > texts.length) newest.shift();
      if (newest.length === texts.length && newest.every((text, index) => text === texts[index]))
        return texts.map((_, index) => position - texts.length + 1 + index);
    }
    throw new JournalClosedError();
  }

  /** Reads on until it is closed, here or there: by events where the server has them, else by long-poll. */
  async #follow(): Promise<void> {
    const { signal } = this.#closing;
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
    const response = await this.#request(this.#query('sse'), { method: 'GET' });
    const isEvents = response.headers.get('Content-Type')?.startsWith(EVENTS_TYPE);
    if (!response.ok || !response.body || !isEvents) {
      await response.body?.cancel();
      return false;
    }
    const attempt = new Attempt(this.#closing.signal);
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
    const { schema, url } = this.#parts;
    for (const message of messages) {
      this.#read.append(readEntry({ schema }, message, url, this.head + 1));
    }
    this.#offset = offset ?? this.#offset;
    this.#cursor = cursor ?? this.#cursor;
    this.#isClosed = isEnd;
  }

  /** Reads what follows; resolves with whether that was all. */
  async #page(isLive: boolean): Promise<boolean> {
    const response = await this.#request(this.#query(isLive ? 'long-poll' : undefined), { method: 'GET' });
    if (response.status === 404 && !isLive && this.#offset === '-1') {
      const created = await this.#request('', { method: 'PUT', headers: { 'Content-Type': JSON_TYPE } });
      if (!created.ok) throw await this.#refusal(created);
      return false;
    }
    if (!response.ok) throw await this.#refusal(response);
    const type = response.headers.get('Content-Type');
    if (response.status === 200 && !type?.startsWith(JSON_TYPE))
      throw new NotSupportedError(`a stream of ${type ?? 'no content type'}`);
    const messages = response.status === 204 ? [] : ((await bodyOf(response)) as unknown[]);
    const isEnd = response.headers.get(CLOSED_HEADER) === 'true';
    this.#take(messages, response.headers.get(OFFSET_HEADER), response.headers.get(CURSOR_HEADER), isEnd);
    return response.headers.get(UP_TO_DATE_HEADER) === 'true' || this.#isClosed;
  }

  /** Sends a request until it is answered by other than a failure that passes. */
  async #request(query: string, init: RequestInit): Promise<Response> {
    const { url, headers, fetch } = this.#parts;
    const { signal } = this.#closing;
    const answered = await retryUntilSettled(async () => {
      const own = typeof headers === 'function' ? await headers() : headers;
      let response: Response;
      try {
        response = await fetch(url + query, { ...init, headers: { ...own, ...(init.headers as object) }, signal });
      } catch (cause) {
        throw new Unreachable('The server was not reached', { cause });
      }
      if (response.status < 500 && response.status !== 429) return response;
      await response.body?.cancel();
      throw new Unreachable(`The server answered ${response.status}`);
    }, signal);
    if (answered === undefined) throw new JournalClosedError();
    return answered;
  }

  async #refusal(response: Response): Promise<Error> {
    const { status, headers } = response;
    const problem = (await bodyOf(response).catch(() => undefined)) as { code?: unknown } | undefined;
    if (status === 404 || status === 410) return new JournalNotFoundError(this.#parts.url);
    if (status === 409 && headers.get(CLOSED_HEADER) === 'true') return new JournalClosedError();
    return new HttpStatusError(status, typeof problem?.code === 'string' ? problem.code : undefined);
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw new Unreachable('The answer broke off', { cause });
  }
  return JSON.parse(text);
}

function textOf(entry: unknown): string {
  let text: string | undefined;
  try {
    text = (JSON.stringify as (value: unknown) => string | undefined)(entry);
  } catch (cause) {
    throw new SerializationError('it is not JSON', { cause });
  }
  if (text === undefined) throw new SerializationError('it is not JSON');
  return text;
}
