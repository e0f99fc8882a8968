import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertCount } from '../errors/assert-argument';
import { JournalLostError } from '../errors/journal-lost-error';
import { JournalMismatchError } from '../errors/journal-mismatch-error';
import { Connection, type HeaderFields } from './connection';
import { Unreachable } from './persist';
import { RemoteScrivener } from './remote-scrivener';
import { RemoteWriter } from './remote-writer';

/** Where a journal is served, and how it is asked for. */
export interface RemoteScrivenerConfig<T> {
  /** Where its handler answers; in a page, it may be relative to that. Without a user's name and password: those are for `headers`. */
  readonly url: string | URL;
  /** What each request is sent with, such as `Authorization`; a function is called for each, so that a token can be renewed. Default: none */
  readonly headers?: HeaderFields | (() => HeaderFields | Promise<HeaderFields>);
  /** Any synchronous Standard Schema validator: checks each entry that is written; an entry that is read becomes its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** What makes the requests. @default the platform's `fetch` */
  readonly fetch?: typeof fetch;
  /** For how long a write is tried, in milliseconds, an integer >= 1: no longer than the server remembers writes. @default 30000 */
  readonly retryMs?: number;
}

/**
 * Opens a journal that {@link journalHandler} serves.
 *
 * Rejects with {@link JournalLostError} when the server does not answer, {@link AccessDeniedError} when it does not allow it,
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
  const { url, headers = {}, schema, fetch = globalThis.fetch.bind(globalThis), retryMs = 30_000 } = config;
  assertCount('retryMs', retryMs);
  const connection = new Connection({
    url: parseUrl(url),
    headers: typeof headers === 'function' ? headers : () => headers,
    fetch,
  });
  try {
    await connection.json({ method: 'HEAD', signal: new AbortController().signal });
  } catch (error) {
    if (error instanceof Unreachable) throw new JournalLostError('the server does not answer', { cause: error });
    throw error;
  }
  if (connection.memory === undefined) throw new JournalMismatchError('what answers is no journal');
  return new RemoteScrivener({ connection, writer: new RemoteWriter(connection, retryMs), schema });
}

/** Says nothing of what the URL is: it may hold secrets. */
function parseUrl(text: string | URL): URL {
  const base = typeof location === 'undefined' ? undefined : location.href;
  const url = URL.canParse(String(text), base) ? new URL(String(text), base) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new TypeError('Expected `url` to be of http or https');
  if (url.username || url.password)
    throw new TypeError('Expected `url` to hold no user name or password, use `headers`');
  return url;
}
