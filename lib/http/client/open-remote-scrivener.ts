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

/** Where a journal is served, and how it is asked for. */
export interface RemoteScrivenerConfig<T> {
  /** Where its handler answers; in a page, it may be relative to that. Without a user's name and password: those are for `headers`. */
  readonly url: string | URL;
  /**
   * What each request is sent with, such as `Authorization`; a function is called for each, so that a token can be renewed. When it fails, the request is
   * tried again, as when the server cannot be reached; an error of this library, as `AccessDeniedError`, is final. Default: none
   */
  readonly headers?: HeaderFields | (() => HeaderFields | Promise<HeaderFields>);
  /** Any synchronous Standard Schema validator: what is sent is its output; an entry that is read becomes its output, too. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Brings an entry that was written in an earlier shape to the present one, when it is read. Before the schema. One that has the present shape it must
   * return as the same entry; what it throws is the error of the reading.
   */
  readonly upgrade?: (entry: unknown, position: Position) => T;
  /** What makes the requests. @default the platform's `fetch` */
  readonly fetch?: typeof fetch;
  /**
   * For how long opening and a write are tried, in milliseconds, an integer >= 1 or `Infinity`: no longer than the server remembers writes. @default 30000
   */
  readonly retryMs?: number;
  /**
   * A name for what the tabs of one browser have in common: those that give the same one for the same URL have one connection for what is live, which one
   * of them holds. Only tabs that may read the same: put the user's name in it. Where there are no Web Locks (outside of secure contexts and of
   * browsers) each tab has its own. Default: each tab has its own
   */
  readonly shareBetweenTabs?: string;
  /** Ends the opening with the signal's reason. */
  readonly signal?: AbortSignal;
}

const OPTIONS: Record<keyof RemoteScrivenerConfig<never>, true> = {
  ...{ url: true, headers: true, schema: true, upgrade: true, fetch: true, retryMs: true, signal: true },
  shareBetweenTabs: true,
};

/**
 * Opens a journal that {@link journalHandler} serves.
 *
 * Rejects with {@link JournalLostError} when the server does not answer for `retryMs`, {@link AccessDeniedError} when it does not allow it,
 * {@link JournalMismatchError} when there is no journal, {@link HttpStatusError} for another refusal, and `TypeError` and `RangeError` for wrong options.
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
  if (connection.memory === undefined) throw new JournalMismatchError('what answers is no journal');
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

/** Asks for the journal until somebody answers. */
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
          throw new JournalMismatchError('what answers takes no HEAD: lead GET, HEAD, POST and OPTIONS to the handler');
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

/** What was given for a URL, and nothing of what it is: it may hold secrets. */
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
