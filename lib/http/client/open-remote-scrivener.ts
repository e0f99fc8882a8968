import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Position } from '../../journal/position';
import {
  assertCount,
  assertDelayMs,
  assertFunction,
  assertMethods,
  assertOptions,
  assertSchema,
  shown,
} from '../../errors/assert-argument';
import { JournalLostError } from '../../errors/journal-lost-error';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import { HttpStatusError } from '../../errors/http-status-error';
import { Attempt } from './attempt';
import { Connection, toHeaders, type HeaderFields } from './connection';
import { Unreachable } from './retry-until-settled';
import { RemoteScrivener } from './remote-scrivener';
import { RemoteWriter } from './remote-writer';
import { canShareTabs, TabFeed } from './tab-feed';

/** Where a journal is served, and how to reach it. */
export interface RemoteScrivenerConfig<T> {
  /** The URL of its handler; in a page, it may be relative. Without user name and password: those belong in `headers`. */
  readonly url: string | URL;
  /**
   * Headers of each request, such as `Authorization`. A function is called for each request, so that a token can be renewed; if it fails, the request is
   * retried, as if the server were unreachable, unless it throws an error of this library, such as `AccessDeniedError`. Default: none
   */
  readonly headers?: HeaderFields | (() => HeaderFields | Promise<HeaderFields>);
  /** Any synchronous Standard Schema validator: its output is what is sent, and what a read entry becomes. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Converts an entry that was written in an earlier shape to the present one when it is read. Runs before the schema. An entry that already has the present shape must be
   * returned as the same entry. What it throws is the error of the read.
   */
  readonly upgrade?: (entry: unknown, position: Position) => T;
  /** The function that makes the requests. @default the platform's `fetch` */
  readonly fetch?: typeof fetch;
  /**
   * How long opening and each write are retried, in milliseconds, an integer >= 1 or `Infinity`: no longer than the server remembers writes. @default 30000
   */
  readonly retryMs?: number;
  /**
   * A name that the tabs of one browser share: tabs with the same name and the same URL share one connection for new entries, which one
   * of them holds. Only tabs that may read the same entries may share: put the user's name in it. Without Web Locks (outside of secure contexts and of
   * browsers) each tab has its own connection. Default: each tab has its own connection
   */
  readonly shareBetweenTabs?: string;
  /** Aborts the opening, which rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Record<keyof RemoteScrivenerConfig<never>, true> = {
  ...{ url: true, headers: true, schema: true, upgrade: true, fetch: true, retryMs: true, signal: true },
  shareBetweenTabs: true,
};

/**
 * Opens a journal that {@link journalHandler} serves.
 *
 * Rejects with {@link JournalLostError} if the server does not answer for `retryMs`, {@link AccessDeniedError} if it denies access,
 * {@link JournalMismatchError} if no journal is served there, {@link HttpStatusError} for another refusal, and `TypeError` and `RangeError` for invalid options.
 *
 * @example
 * ```ts
 * const scrivener = await openRemoteScrivener<ChatEntry>({ url: '/journal' });
 * scrivener.tail(scrivener.head).subscribe(({ entry }) => show(entry));
 * await scrivener.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openRemoteScrivener<T>(config: RemoteScrivenerConfig<T>): Promise<RemoteScrivener<T>> {
  assertOptions('openRemoteScrivener', config, OPTIONS);
  const {
    url,
    headers = {},
    schema,
    upgrade,
    fetch = globalThis.fetch,
    retryMs = 30_000,
    shareBetweenTabs,
    signal,
  } = config;
  assertCount('retryMs', retryMs, ' or Infinity');
  assertDelayMs('retryMs', retryMs);
  assertFunction('fetch', fetch);
  if (upgrade !== undefined) assertFunction('upgrade', upgrade);
  if (schema !== undefined) assertSchema(schema);
  if (typeof headers !== 'function') toHeaders(headers);
  if (shareBetweenTabs !== undefined && (typeof shareBetweenTabs !== 'string' || shareBetweenTabs === ''))
    throw new TypeError(`Expected \`shareBetweenTabs\` to be a name, got ${shown(shareBetweenTabs)}`);
  if (signal !== undefined) assertMethods('signal', signal, ['throwIfAborted', 'addEventListener']);
  signal?.throwIfAborted();
  const address = parseUrl(url);
  const connection = new Connection({
    url: address,
    headers: typeof headers === 'function' ? headers : () => headers,
    fetch,
  });
  await greet(connection, retryMs, signal);
  if (connection.memory === undefined) throw new JournalMismatchError('what answers there is not a journal');
  return new RemoteScrivener({
    connection,
    writer: new RemoteWriter(connection, retryMs),
    reading: { schema, upgrade },
    feed:
      shareBetweenTabs !== undefined && canShareTabs()
        ? new TabFeed(`rx-scrivener ${shareBetweenTabs} ${address.href}`, connection)
        : undefined,
  });
}

/** Requests the journal's position until the server answers. */
async function greet(connection: Connection, retryMs: number, signal: AbortSignal | undefined): Promise<void> {
  const attempt = new Attempt(signal);
  attempt.allow(retryMs);
  try {
    for (let tries = 0; ; tries++) {
      try {
        await connection.json({ method: 'HEAD', signal: attempt.signal });
        return;
      } catch (error) {
        if (error instanceof HttpStatusError && error.status === 405 && connection.memory === undefined) {
          throw new JournalMismatchError('the server refuses HEAD: route GET, HEAD, POST and OPTIONS to the handler');
        }
        if (!(error instanceof Unreachable)) throw error;
        if (!attempt.signal.aborted) await connection.pause(tries, error, attempt.signal);
        signal?.throwIfAborted();
        if (attempt.signal.aborted) throw new JournalLostError(lostBecause(error), { cause: error });
      }
    }
  } finally {
    attempt.end();
  }
}

function lostBecause({ message }: Unreachable): string {
  const maybe = typeof document === 'undefined' ? '' : ', or its `cors` does not name this origin';
  return message === 'The server does not answer' ? `the server does not answer${maybe}` : message;
}

/** Describes an invalid URL without quoting it: it may hold secrets. */
function kindOf(text: unknown, url: URL | undefined): string {
  if (url) return `one of ${url.protocol}`;
  return typeof text === 'string' ? 'a text that is no URL' : shown(text);
}

function parseUrl(text: string | URL): URL {
  const base =
    typeof document === 'undefined' ? (globalThis as { location?: Location }).location?.href : document.baseURI;
  const url = URL.canParse(String(text), base) ? new URL(String(text), base) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new TypeError(`Expected \`url\` to be of http or https, got ${kindOf(text, url)}`);
  if (url.username || url.password)
    throw new TypeError('Expected `url` to hold no user name or password, use `headers`');
  return url;
}
