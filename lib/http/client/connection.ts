import { BehaviorSubject, type Observable } from 'rxjs';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { ScrivenerError } from '../../errors/scrivener-error';
import { onAbort } from '../../journal/abort';
import type { ConnectionStatus } from '../../journal/connection-status';
import { START, type Position } from '../../journal/position';
import { Attempt } from './attempt';
import { onWaking } from './page-events';
import { FIRST_PAUSE_MS, pauseMs, retryUntilSettled, sleep, Unreachable } from './retry-until-settled';
import { FIRST_HEADER, MEMORY_HEADER } from '../protocol';
import { BodyTooLarge, readBody } from '../read-body';
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

/** In characters, of up to three bytes. */
const MAX_KEPT_ALIVE = 5_000;

/** So often a request is sent on to where the server points. */
const MAX_REDIRECTS = 5;

/** What this process knows of a server and its journal, and how it is asked. */
export class Connection {
  readonly #options: ConnectionOptions;
  /** Where the journal is, as far as it has shown. */
  #url: URL;
  /** When the server wants to be asked again, as `performance.now()` counts. */
  #notBefore = 0;
  #head = START;
  #first = START + 1;
  #memory: string | undefined;
  #isLost = false;
  /** When the server answered last, as `performance.now()` counts. */
  #answeredAt = 0;
  readonly #status$ = new BehaviorSubject<ConnectionStatus>({ status: 'connecting' });
  /** How the server was found, now and from now on; completes when `end` is called. */
  readonly connected$: Observable<ConnectionStatus> = this.#status$.asObservable();
  /** The pauses before another try. */
  readonly #pauses = new Set<Attempt>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#url = options.url;
  }

  /** The newest position known of. */
  get head(): Position {
    return this.#head;
  }

  /** The oldest position that the server said it keeps; the very first where it said nothing. */
  get first(): Position {
    return this.#first;
  }

  /** What the server said last of what it remembers. */
  get memory(): string | undefined {
    return this.#memory;
  }

  /** For how long nothing was heard of the server, in milliseconds, since then at most. */
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
   * The answer, whatever its status; rejects with {@link Unreachable} when none came from the journal's server, or `headers` failed, with an error of
   * this library that `headers` throws, and with {@link JournalMismatchError} when the server points to another origin.
   */
  async request({ method, query = {}, headers, body, signal }: RequestOptions): Promise<Response> {
    const all = await this.#headers(signal);
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    // A page that goes away takes no small write with it; all that are kept alive share 64 KiB.
    const keepalive = body !== undefined && 'document' in globalThis && body.length <= MAX_KEPT_ALIVE;
    const init = { method, headers: all, body, signal, cache: 'no-store', ...(keepalive && { keepalive }) } as const;
    const { fetch } = this.#options; // called as it is, for the platform's own wants no other `this`
    let response;
    for (let redirects = 0; ; redirects++) {
      const url = new URL(this.#url);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      try {
        // Followed by the platform, a POST may become a GET.
        response = await fetch(url, { ...init, redirect: method === 'POST' ? 'manual' : 'follow' });
      } catch (cause) {
        this.#isLost = true;
        throw new Unreachable('The server does not answer', { cause });
      }
      const isRedirect = response.type === 'opaqueredirect' || (response.status >= 301 && response.status <= 308);
      if (method !== 'POST' || !isRedirect || response.status === 304) break;
      release(response);
      const target = [307, 308].includes(response.status) ? response.headers.get('Location') : null;
      if (target === null || redirects === MAX_REDIRECTS)
        throw new JournalMismatchError(
          'the server points a write elsewhere: give the address that it points to as `url`',
        );
      this.#moveTo(new URL(target, url), query);
    }
    if (response.redirected) this.#moveTo(new URL(response.url), query);
    this.#readRetryAfter(response);
    const memory = response.headers.get(MEMORY_HEADER);
    // Reading can wait until it is possible again; what was not written has to be told.
    const isOurs = memory !== null && (method === 'POST' || response.status !== 503);
    this.#isLost = !isOurs && isFailing(response.status);
    this.#memory = memory ?? this.#memory;
    this.noteHead(headIn(response) ?? START);
    const [first] = /^\d{1,15}$/.exec(response.headers.get(FIRST_HEADER) ?? '') ?? [];
    if (first !== undefined && isOurs) this.#first = Math.max(this.#first, Number(first));
    if (!this.#isLost) {
      this.#answered();
      return response;
    }
    release(response);
    throw new Unreachable(`The server, or what is before it, answered ${response.status}`);
  }

  /** Resolves when the server wants to be asked, immediately where it has not said; or when the signal is aborted. */
  async whenAllowed(signal: AbortSignal): Promise<void> {
    const ms = this.#notBefore - performance.now();
    if (ms > 0) await sleep(ms, signal);
  }

  /**
   * Waits before the try that follows so many in vain; no longer when somebody else is answered meanwhile, or the network or the page is back.
   *
   * @param error - why the last one was in vain
   */
  async pause(tries: number, error: unknown, signal: AbortSignal): Promise<void> {
    const ms = pauseMs(tries);
    this.#status$.next({ status: 'retrying', error, nextAttempt: Date.now() + ms });
    const waiting = new Attempt(signal);
    const unlisten = onWaking(() => waiting.end());
    this.#pauses.add(waiting);
    // A server that answers all but this is not asked as often as it answers.
    const least = Math.min(ms, FIRST_PAUSE_MS / 2);
    await sleep(least, signal);
    await sleep(ms - least, waiting.signal);
    this.#pauses.delete(waiting);
    unlisten();
    waiting.end();
  }

  /** Tries until the server answers, as {@link retryUntilSettled} does, with the pauses of this connection. */
  retryUntilSettled<R>(attempt: () => Promise<R>, signal: AbortSignal): Promise<R | undefined> {
    return retryUntilSettled(attempt, signal, (tries, error, left) => this.pause(tries, error, left));
  }

  /** The last position of the journal now; rejects as `json` does. */
  askHead(signal: AbortSignal): Promise<Position> {
    return this.#inTime({ method: 'HEAD', signal }, (response) => headIn(response) ?? this.#head);
  }

  /** Ends the pauses: somebody wants to know now. */
  endPauses(): void {
    for (const waiting of this.#pauses) waiting.end();
  }

  #answered(): void {
    this.#answeredAt = performance.now();
    if (this.#status$.value.status !== 'open') this.#status$.next({ status: 'open' });
    this.endPauses();
  }

  async #headers(signal: AbortSignal): Promise<Headers> {
    let fields;
    let unlisten: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      unlisten = onAbort(signal, () => reject(new Error('the request was given up')));
    });
    try {
      fields = await Promise.race([this.#options.headers(), left]);
    } catch (cause) {
      if (ScrivenerError.is(cause)) throw cause;
      this.#isLost = true;
      throw new Unreachable('`headers` failed', { cause }, true);
    } finally {
      unlisten?.();
    }
    return toHeaders(fields);
  }

  /** Credentials are for the origin that they were given for. */
  #moveTo(target: URL, query: Readonly<Record<string, string>>): void {
    if (target.origin !== this.#url.origin)
      throw new JournalMismatchError(
        `the server points to another origin, ${target.origin}: give that address as \`url\``,
      );
    for (const name of Object.keys(query)) target.searchParams.delete(name);
    this.#url = target;
  }

  /** https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
  #readRetryAfter({ status, headers }: Response): void {
    const after = status === 429 || status === 503 ? headers.get('Retry-After') : null;
    if (after === null) return;
    const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now();
    if (ms > 0) this.#notBefore = performance.now() + ms;
  }

  /** The JSON of an answer to a request, which has to come in time; rejects as {@link Connection.request} does, and with what the server refuses it with. */
  json(options: RequestOptions): Promise<unknown> {
    return this.#inTime(options, (_, { body }) => body);
  }

  /** {@link Connection.json}, and how many bytes it was. */
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

  /** Resolves when there is a server, as far as is known, at once where the last request was answered; or when the signal is aborted, with why there is none. */
  async whenReachable(signal: AbortSignal): Promise<unknown> {
    let failure: unknown;
    for (let tries = 0; this.#isLost && !signal.aborted; tries++) {
      if (tries > 0) await this.pause(tries - 1, failure, signal);
      await this.json({ method: 'HEAD', signal }).catch((error: unknown) => (failure = error));
    }
    return failure;
  }
}

/** Where the journal ended, as an answer says. */
function headIn({ headers }: Response): Position | undefined {
  const [, head] = /^(?:W\/)?"(\d{1,15})"$/.exec(headers.get('ETag') ?? '') ?? [];
  return head === undefined ? undefined : Number(head);
}

/** Whether an answer has the mark of a journal's handler. */
export function isFromHandler({ headers }: Response): boolean {
  return headers.has(MEMORY_HEADER);
}

/** Releases an answer that nobody reads. */
export function release({ body }: Response): void {
  body?.cancel().catch(() => undefined);
}

/** @throws TypeError for what headers cannot be made from */
export function toHeaders(init: HeaderFields): Headers {
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

/** What an answer's body is the JSON of, `undefined` when it is none; and how many bytes it is. */
export interface Sized {
  readonly body: unknown;
  readonly bytes: number;
}

/** The JSON of an answer; rejects with {@link Unreachable} when it breaks off. */
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
