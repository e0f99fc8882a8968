import { HttpStatusError } from '../errors/http-status-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { JournalNotFoundError } from '../errors/journal-not-found-error';
import { isTrimmed } from '../errors/position-trimmed-error';
import { Attempt } from '../http/client/attempt';
import { givenHeaders, release, retryAfterMs } from '../http/client/connection';
import { errorOf } from '../http/client/remote-problem';
import { pause, retryUntilSettled, sleep, Unreachable } from '../http/client/retry-until-settled';
import type { StreamHeaders } from './open-durable-stream';
import { CLOSED_HEADER, EXPECTED_SEQ_HEADER, SEQUENCE_GAP } from './protocol';

/** How a stream is reached. */
export interface StreamClientOptions {
  readonly url: string;
  readonly headers: StreamHeaders;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** One request. */
export interface StreamRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Servers end an answer of events after about a minute, or send an event before that. After this many milliseconds without an event the client reconnects. */
export const SILENCE_MS = 45_000;

/** Makes requests to a stream, until its signal is aborted. */
export class StreamClient {
  readonly #options: StreamClientOptions;
  /** When the server accepts requests again (`Retry-After`), in `performance.now()` time. */
  #notBefore = 0;
  readonly signal: AbortSignal;

  constructor(options: StreamClientOptions, signal: AbortSignal) {
    this.#options = options;
    this.signal = signal;
  }

  get url(): string {
    return this.#options.url;
  }

  /**
   * Sends a request again until the answer can be used, that is, until it is not a failure that may pass.
   *
   * @param failed - called with each such failure
   */
  async ask<R>(
    query: string,
    init: StreamRequest,
    use: (response: Response, attempt: Attempt) => Promise<R>,
    failed?: (error: Unreachable) => void,
  ): Promise<R> {
    const wait = (tries: number, error: unknown, signal: AbortSignal) => {
      failed?.(error as Unreachable);
      return pause(tries, signal);
    };
    const asked = await retryUntilSettled(
      async () => ({ result: await this.try(query, init, use) }),
      this.signal,
      wait,
    );
    if (asked === undefined) throw new JournalClosedError();
    return asked.result;
  }

  /** Sends a request once, or twice if its token has expired, and uses its answer. Rejects with {@link Unreachable} if none comes in time, or if it is a failure that may pass. */
  async try<R>(
    query: string,
    init: StreamRequest,
    use: (response: Response, attempt: Attempt) => Promise<R>,
  ): Promise<R> {
    const { url, headers, fetch } = this.#options;
    const pauseMs = this.#notBefore - performance.now();
    if (pauseMs > 0) await sleep(pauseMs, this.signal);
    const attempt = new Attempt(this.signal);
    attempt.allow(SILENCE_MS);
    try {
      const send = async () => {
        const all = await givenHeaders(() => (typeof headers === 'function' ? headers() : headers), attempt.signal);
        for (const [name, value] of Object.entries(init.headers ?? {})) all.set(name, value);
        try {
          return await fetch(url + query, { ...init, headers: all, signal: attempt.signal });
        } catch (cause) {
          throw new Unreachable('The server was not reached', { cause });
        }
      };
      let response = await send();
      if (response.status === 401 && typeof headers === 'function') {
        release(response);
        response = await send();
      }
      attempt.allow(Infinity);
      if (!isPassing(response)) return await use(response, attempt);
      release(response);
      const ms = retryAfterMs(response);
      if (ms > 0) this.#notBefore = performance.now() + ms;
      throw new Unreachable(`The server answered ${response.status}`, {}, response.status === 429);
    } finally {
      attempt.end();
    }
  }

  /** The error that an answer stands for. */
  async refusalOf(response: Response, attempt: Attempt): Promise<Error> {
    const { status, headers } = response;
    const problem = (await bodyOf(response, attempt)
      .then(JSON.parse)
      .catch(() => undefined)) as { code?: unknown } | undefined;
    const error = errorOf(status, problem);
    if (isTrimmed(error)) return error;
    if (status === 404 || status === 410) return new JournalNotFoundError(this.url);
    if (status === 409 && headers.get(CLOSED_HEADER) === 'true') return new JournalClosedError();
    if (headers.has(EXPECTED_SEQ_HEADER)) return new HttpStatusError(status, SEQUENCE_GAP);
    return new HttpStatusError(status, typeof problem?.code === 'string' ? problem.code : undefined);
  }
}

/** Whether an answer is a failure that may pass. 501 does not: it means that the server cannot do it at all. */
function isPassing({ status }: Response): boolean {
  return (status >= 500 && status !== 501) || status === 429;
}

/** The text of an answer. Rejects with {@link Unreachable} if it breaks off, or is silent for too long. */
export async function bodyOf({ body }: Response, attempt: Attempt): Promise<string> {
  const reader = body?.getReader();
  if (!reader) return '';
  const { signal } = attempt;
  const utf8 = new TextDecoder();
  let text = '';
  // Not every `fetch` ends a body when it is aborted.
  const leave = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  try {
    for (;;) {
      attempt.allow(SILENCE_MS);
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      text += utf8.decode(value, { stream: !done });
      if (done) return text;
    }
  } catch (cause) {
    throw new Unreachable('The answer broke off', { cause });
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
