import { BehaviorSubject, type Observable } from 'rxjs';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { ScrivenerError } from '../../errors/scrivener-error';
import { onAbort } from '../../journal/abort';
import type { ConnectionStatus } from '../../journal/connection-status';
import { START, type Position } from '../../journal/position';
import { Attempt } from './attempt';
import { onWaking } from './page-events';
import { FIRST_PAUSE_MS, pauseMs, retryUntilSettled, sleep, Unreachable } from './retry-until-settled';
import { FIRST_HEADER, JSON_TYPE, MEMORY_HEADER } from '../protocol';
import { BodyTooLarge, readBody } from '../read-body';
import { errorOf } from './remote-problem';

/** How long a server may take for an answer that involves no waiting. */
export const ANSWER_MS = 10_000;
/** More bytes than any answer except a tail has. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What the `Headers` constructor accepts; Node's types have no global name for it. */
export type HeaderFields = NonNullable<RequestInit['headers']>;

/** Options for requests. */
export interface ConnectionOptions {
  readonly url: URL;
  readonly headers: () => HeaderFields | Promise<HeaderFields>;
  readonly fetch: typeof fetch;
  /** The longest pause before another try, in milliseconds. @default 5000 */
  readonly longestPauseMs?: number;
}

/** One request. */
export interface RequestOptions {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** In characters, of up to three bytes. */
const MAX_KEPT_ALIVE = 5_000;

/** How many redirects a request follows. */
const MAX_REDIRECTS = 5;

/** Makes requests to a server, and keeps what this process knows of it and its journal. */
export class Connection {
  readonly #options: ConnectionOptions;
  /** The journal's current URL, after redirects. */
  #url: URL;
  /** When the server accepts requests again (`Retry-After`), in `performance.now()` time. */
  #notBefore = 0;
  #head = START;
  #first = START + 1;
  #memory: string | undefined;
  #isLost = false;
  /** When the server last answered, in `performance.now()` time. */
  #answeredAt = 0;
  readonly #status$ = new BehaviorSubject<ConnectionStatus>({ status: 'connecting' });
  /** The connection's status, now and from now on; completes when `end` is called. */
  readonly connected$: Observable<ConnectionStatus> = this.#status$.asObservable();
  /** The pauses before another try. */
  readonly #pauses = new Set<Attempt>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#url = options.url;
  }

  /** The newest known position. */
  get head(): Position {
    return this.#head;
  }

  /** The oldest position that the server keeps, according to its answers; the first position if they do not say. */
  get first(): Position {
    return this.#first;
  }

  /** The server's latest token of the writes it remembers. */
  get memory(): string | undefined {
    return this.#memory;
  }

  /** How long the server has been silent, in milliseconds, but at most since the given time. */
  silentMs(since: number): number {
    return performance.now() - Math.max(since, this.#answeredAt);
  }

  end(): void {
    this.#status$.complete();
  }

  noteHead(position: Position): void {
    if (position > this.#head) this.#head = position;
  }

  /**
   * Resolves with the answer, whatever its status. Rejects with {@link Unreachable} if none came from the journal's server, or `headers` failed, with an error of
   * this library that `headers` throws, and with {@link JournalMismatchError} if the server redirects to another origin.
   */
  async request({ method, query = {}, headers, body, signal }: RequestOptions): Promise<Response> {
    const all = await givenHeaders(this.#options.headers, signal).catch((error: unknown) => {
      if (error instanceof Unreachable) this.#isLost = true;
      throw error;
    });
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    // A small write survives its page; all requests that are kept alive share 64 KiB.
    const keepalive = body !== undefined && 'document' in globalThis && body.length <= MAX_KEPT_ALIVE;
    const init = { method, headers: all, body, signal, cache: 'no-store', ...(keepalive && { keepalive }) } as const;
    const { fetch } = this.#options; // called as a plain function: the platform's `fetch` rejects another `this`
    let url = this.#url;
    const ask = async (asking: RequestInit) => {
      const asked = new URL(url);
      for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, value);
      try {
        return await fetch(asked, asking);
      } catch (cause) {
        this.#isLost = true;
        throw new Unreachable('The server does not answer', { cause });
      }
    };
    // If the platform follows a redirect, a POST may become a GET, and headers go to other origins.
    let response = await ask({ ...init, redirect: 'manual' });
    for (let redirects = 0; isRedirect(response); redirects++) {
      release(response);
      let target = response.headers.get('Location');
      if (method === 'POST' && ![307, 308].includes(response.status)) target = null;
      else if (response.type === 'opaqueredirect') {
        // A browser shows only to where it has followed.
        const followed = await ask({ method: 'HEAD', redirect: 'follow', signal, cache: 'no-store' });
        release(followed);
        target = followed.redirected ? followed.url : null;
      }
      if (target === null || !URL.canParse(target, url) || redirects === MAX_REDIRECTS)
        throw new JournalMismatchError('the server points elsewhere: give the address that it points to as `url`');
      url = this.#onSameOrigin(new URL(target, url), query);
      response = await ask({ ...init, redirect: 'manual' });
    }
    if (response.redirected) url = this.#onSameOrigin(new URL(response.url), query);
    const ms = retryAfterMs(response);
    if (ms > 0) this.#notBefore = performance.now() + ms;
    const memory = response.headers.get(MEMORY_HEADER);
    // A read can wait until it is possible again; a write that failed must be reported.
    const isOurs = memory !== null && (method === 'POST' || !isPassing(response.status));
    // A success of a proxy or a portal is none of the journal.
    const isForeign = memory === null && this.#memory !== undefined && response.ok && !isOf(response, headers?.Accept);
    this.#isLost = isForeign || (!isOurs && isFailing(response.status));
    if (memory !== null) {
      this.#memory = memory;
      this.#url = url;
      this.noteHead(headIn(response) ?? START);
    }
    const [first] = /^\d{1,15}$/.exec(response.headers.get(FIRST_HEADER) ?? '') ?? [];
    if (first !== undefined && isOurs) this.#first = Math.max(this.#first, Number(first));
    if (!this.#isLost) {
      this.#answered();
      return response;
    }
    release(response);
    const cause = errorOf(response.status, undefined);
    throw new Unreachable(
      isForeign
        ? 'Something else than the journal answered'
        : `The server, or what is before it, answered ${response.status}`,
      { cause },
    );
  }

  /** Resolves when the server accepts requests (`Retry-After`), immediately if it set no time; or when the signal is aborted. */
  async whenAllowed(signal: AbortSignal): Promise<void> {
    const ms = this.#notBefore - performance.now();
    if (ms > 0) await sleep(ms, signal);
  }

  /**
   * Waits before the next try after `tries` failures. Ends early if another request is answered, or if the network or the page is back.
   *
   * @param error - the error of the last try
   */
  async pause(tries: number, error: unknown, signal: AbortSignal): Promise<void> {
    const ms = pauseMs(tries, this.#options.longestPauseMs);
    const nextMs = Math.max(ms, this.#notBefore - performance.now());
    this.#status$.next({ status: 'retrying', error, nextAttempt: Date.now() + nextMs });
    const waiting = new Attempt(signal);
    const unlisten = onWaking(() => waiting.end());
    this.#pauses.add(waiting);
    // If the server answers all requests but this one, it is still not retried at the rate of its answers.
    const least = Math.min(ms, FIRST_PAUSE_MS / 2);
    await sleep(least, signal);
    await sleep(ms - least, waiting.signal);
    this.#pauses.delete(waiting);
    unlisten();
    waiting.end();
  }

  /** {@link retryUntilSettled} with the pauses of this connection. */
  retryUntilSettled<R>(attempt: () => Promise<R>, signal: AbortSignal): Promise<R | undefined> {
    return retryUntilSettled(attempt, signal, (tries, error, left) => this.pause(tries, error, left));
  }

  /** The last position of the journal now; rejects as `json` does. */
  askHead(signal: AbortSignal): Promise<Position> {
    return this.#inTime({ method: 'HEAD', signal }, (response) => headIn(response) ?? this.#head);
  }

  /** Ends the pauses before retries. */
  endPauses(): void {
    for (const waiting of this.#pauses) waiting.end();
  }

  #answered(): void {
    this.#answeredAt = performance.now();
    if (this.#status$.value.status !== 'open') this.#status$.next({ status: 'open' });
    this.endPauses();
  }

  /** Credentials go only to the origin that they were given for. */
  #onSameOrigin(target: URL, query: Readonly<Record<string, string>>): URL {
    if (target.origin !== this.#url.origin)
      throw new JournalMismatchError(
        `the server points to another origin, ${target.origin}: give that address as \`url\``,
      );
    for (const name of Object.keys(query)) target.searchParams.delete(name);
    return target;
  }

  /** The JSON of an answer, which must come in time; rejects as {@link Connection.request} does, and with the server's refusal. */
  json(options: RequestOptions): Promise<unknown> {
    return this.#inTime(options, (_, { body }) => body);
  }

  /** {@link Connection.json}, and its size in bytes. */
  sized(options: RequestOptions): Promise<Sized> {
    return this.#inTime(options, (_, sized) => sized);
  }

  async #inTime<R>(options: RequestOptions, read: (response: Response, sized: Sized) => R): Promise<R> {
    await this.whenAllowed(options.signal);
    const attempt = new Attempt(options.signal);
    attempt.allow(ANSWER_MS);
    try {
      const response = await this.request({ ...options, signal: attempt.signal });
      const sized = await readJson(response);
      if (!response.ok) throw errorOf(response.status, sized.body);
      return read(response, sized);
    } finally {
      attempt.end();
    }
  }

  /** Resolves when the server is reachable, immediately if the last request was answered; or with the error of the last try, when the signal is aborted or trying again cannot help. */
  async whenReachable(signal: AbortSignal): Promise<unknown> {
    let failure: unknown;
    for (let tries = 0; this.#isLost && !signal.aborted; tries++) {
      if (tries > 0) await this.pause(tries - 1, failure, signal);
      try {
        await this.json({ method: 'HEAD', signal });
      } catch (error) {
        failure = error;
        // Asking again does not help: so it is with what comes next.
        if (!(error instanceof Unreachable)) break;
      }
    }
    return failure;
  }
}

/** The journal's last position according to an answer. */
function headIn({ headers }: Response): Position | undefined {
  const [, head] = /^(?:W\/)?"(\d{1,15})"$/.exec(headers.get('ETag') ?? '') ?? [];
  return head === undefined ? undefined : Number(head);
}

/** Whether an answer has the media type that was asked for. */
function isOf({ headers }: Response, type = JSON_TYPE): boolean {
  return headers.get('Content-Type')?.startsWith(type) ?? false;
}

function isRedirect({ type, status }: Response): boolean {
  return type === 'opaqueredirect' || (status >= 301 && status <= 308 && status !== 304);
}

/** Releases an answer that nobody reads. */
export function release({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/** How long a server wants no request; https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export function retryAfterMs({ status, headers }: Response): number {
  const after = status === 429 || status === 503 ? headers.get('Retry-After') : null;
  if (after === null) return 0;
  return /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now();
}

/** What `headers` gives. Rejects with {@link Unreachable} if it fails or the signal is aborted, and with an error of this library that it throws. */
export async function givenHeaders(
  headers: () => HeaderFields | Promise<HeaderFields>,
  signal: AbortSignal,
): Promise<Headers> {
  let fields;
  let unlisten: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    unlisten = onAbort(signal, () => reject(new Error('the request was given up')));
  });
  try {
    signal.throwIfAborted();
    fields = await Promise.race([headers(), left]);
  } catch (cause) {
    if (ScrivenerError.is(cause)) throw cause;
    throw new Unreachable('`headers` failed', { cause }, true);
  } finally {
    unlisten?.();
  }
  return toHeaders(fields);
}

/** @throws TypeError for values that cannot be headers */
export function toHeaders(init: HeaderFields): Headers {
  try {
    return new Headers(init);
  } catch {
    // The platform's own message quotes the value, which may be a secret.
    throw new TypeError('Expected `headers` to be valid HTTP headers');
  }
}

function isFailing(status: number): boolean {
  return status >= 500 || isPassing(status);
}

/** Whether an answer asks to come again. */
function isPassing(status: number): boolean {
  return status === 503 || status === 429 || status === 408;
}

/** The JSON value of an answer's body (`undefined` if it is not JSON), and its size in bytes. */
export interface Sized {
  readonly body: unknown;
  readonly bytes: number;
}

/** The JSON of an answer; rejects with {@link Unreachable} if it breaks off. */
export async function readJson(response: Response): Promise<Sized> {
  let bytes;
  try {
    bytes = await readBody(response.body, MAX_BYTES);
  } catch (cause) {
    if (cause instanceof BodyTooLarge) return { body: undefined, bytes: MAX_BYTES };
    throw new Unreachable('The answer broke off', { cause });
  }
  try {
    return { body: JSON.parse(new TextDecoder().decode(bytes)) as unknown, bytes: bytes.length };
  } catch {
    return { body: undefined, bytes: bytes.length };
  }
}
