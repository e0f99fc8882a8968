import { HttpStatusError } from '../errors/http-status-error';
import { JournalClosedError } from '../errors/journal-closed-error';
import { JournalNotFoundError } from '../errors/journal-not-found-error';
import { retryUntilSettled, Unreachable } from '../http/client/retry-until-settled';
import type { StreamHeaders } from './open-durable-stream';
import { CLOSED_HEADER } from './protocol';

/** How a stream is reached. */
export interface StreamClientOptions {
  readonly url: string;
  readonly headers: StreamHeaders;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** Makes requests to a stream, until its signal is aborted. */
export class StreamClient {
  readonly #options: StreamClientOptions;
  readonly signal: AbortSignal;

  constructor(options: StreamClientOptions, signal: AbortSignal) {
    this.#options = options;
    this.signal = signal;
  }

  get url(): string {
    return this.#options.url;
  }

  /** Sends a request until it is answered by other than a failure that passes. */
  async request(query: string, init: RequestInit): Promise<Response> {
    const { url, headers, fetch } = this.#options;
    const { signal } = this;
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

  /** What an answer refuses with. */
  async refusalOf(response: Response): Promise<Error> {
    const { status, headers } = response;
    const problem = (await bodyOf(response).catch(() => undefined)) as { code?: unknown } | undefined;
    if (status === 404 || status === 410) return new JournalNotFoundError(this.url);
    if (status === 409 && headers.get(CLOSED_HEADER) === 'true') return new JournalClosedError();
    return new HttpStatusError(status, typeof problem?.code === 'string' ? problem.code : undefined);
  }
}

/** The JSON of an answer. */
export async function bodyOf(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw new Unreachable('The answer broke off', { cause });
  }
  return JSON.parse(text);
}
