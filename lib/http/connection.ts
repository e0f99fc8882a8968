import { START, type Position } from '../journal/position';
import { Attempt } from './attempt';
import { pause, Unreachable } from './persist';
import { MEMORY_HEADER } from './protocol';
import { BodyTooLarge, readBody } from './read-body';
import { errorOf } from './remote-problem';

/** How long a server may take for an answer that it has not to wait for. */
export const ANSWER_MS = 10_000;
/** More than any answer but a tail has. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What `Headers` are made from; Node's types have no global name for it. */
export type HeaderFields = NonNullable<RequestInit['headers']>;

/** How requests are made. */
export interface ConnectionOptions {
  readonly url: URL;
  readonly headers: () => HeaderFields | Promise<HeaderFields>;
  readonly fetch: typeof fetch;
}

/** One request. */
export interface RequestOptions {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** What this process knows of a server and its journal, and how it is asked. */
export class Connection {
  readonly #options: ConnectionOptions;
  #head = START;
  #memory: string | undefined;
  #isLost = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The newest position known of. */
  get head(): Position {
    return this.#head;
  }

  /** What the server said last of what it remembers. */
  get memory(): string | undefined {
    return this.#memory;
  }

  saw(position: Position): void {
    if (position > this.#head) this.#head = position;
  }

  /**
   * The answer, whatever its status; rejects with {@link Unreachable} when none came from the journal's server, and with what `headers`
   * throws.
   */
  async request({ method, query = {}, headers, body, signal }: RequestOptions): Promise<Response> {
    const url = new URL(this.#options.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const all = toHeaders(await this.#options.headers());
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    let response;
    try {
      response = await this.#options.fetch(url, {
        method,
        headers: all,
        body,
        signal,
        cache: 'no-store',
        // A POST that is redirected may become a GET.
        redirect: method === 'POST' ? 'error' : 'follow',
      });
    } catch (cause) {
      this.#isLost = true;
      throw new Unreachable('The server does not answer', { cause });
    }
    const memory = response.headers.get(MEMORY_HEADER);
    // Reading can wait until it is possible again; what was not written has to be told.
    const isOurs = memory !== null && (method === 'POST' || response.status !== 503);
    this.#isLost = !isOurs && isFailing(response.status);
    this.#memory = memory ?? this.#memory;
    const [, head] = /^(?:W\/)?"(\d{1,15})"$/.exec(response.headers.get('ETag') ?? '') ?? [];
    if (head !== undefined) this.saw(Number(head));
    if (!this.#isLost) return response;
    release(response);
    throw new Unreachable(`The server, or what is before it, answered ${response.status}`);
  }

  /** The JSON of an answer to a request, which has to come in time; rejects as {@link Connection.request} does, and with what the server refuses it with. */
  async json(options: RequestOptions): Promise<unknown> {
    const attempt = new Attempt(options.signal);
    attempt.allow(ANSWER_MS);
    try {
      const response = await this.request({ ...options, signal: attempt.signal });
      const body = await readJson(response);
      if (!response.ok) throw errorOf(response.status, body);
      return body;
    } finally {
      attempt.end();
    }
  }

  /** Resolves when there is a server, as far as is known; at once where the last request was answered. */
  async whenReachable(signal: AbortSignal): Promise<void> {
    for (let tries = 0; this.#isLost && !signal.aborted; tries++) {
      if (tries > 0) await pause(tries - 1, signal);
      await this.json({ method: 'HEAD', signal }).catch(() => undefined);
    }
  }
}

/** Whether an answer has the mark of a journal's handler. */
export function isFromHandler({ headers }: Response): boolean {
  return headers.has(MEMORY_HEADER);
}

/** Releases an answer that nobody reads. */
export function release({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

function toHeaders(init: HeaderFields): Headers {
  try {
    return new Headers(init);
  } catch {
    // The platform's own message quotes the value, which may be a secret.
    throw new TypeError('Expected `headers` to be valid HTTP headers');
  }
}

function isFailing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

/** What an answer's body is the JSON of; `undefined` when it is none. */
export async function readJson(response: Response): Promise<unknown> {
  let bytes;
  try {
    bytes = await readBody(response.body, MAX_BYTES);
  } catch (cause) {
    if (cause instanceof BodyTooLarge) return undefined;
    throw new Unreachable('The answer broke off', { cause });
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}
