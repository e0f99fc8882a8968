import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Position } from '../journal/position';

/** Whether a request may do what it asks for: `true`, or the response that refuses it; `false` and all else is a 403. */
export type Authorize = (request: Request) => boolean | Response | Promise<boolean | Response>;

/** How a journal is served. */
export interface JournalHandlerOptions<T> {
  /** Asked before anything is done for a request; `'public'` lets everyone read and write. */
  readonly authorize: Authorize | 'public';
  /** Any Standard Schema validator, synchronous or not: an entry that is sent is checked by it, and what is appended is its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** How large a request's body may be, an integer >= 1. @default 1048576 */
  readonly maxBodyBytes?: number;
  /** How many entries a page may have, an integer >= 1; one that is asked for without a limit has 100 at most. @default 1000 */
  readonly maxLimit?: number;
  /**
   * How long a tail that has nothing to tell is silent, an integer >= 1 or `Infinity`. Less than what proxies on the way wait for; a client
   * that hears nothing three times as long connects anew. @default 15000
   */
  readonly heartbeatMs?: number;
  /** For how long a write with an idempotency key is remembered, an integer >= 1: longer than clients try. @default 300000 */
  readonly rememberMs?: number;
  /** The writing of how many entries is remembered, an integer >= 1; about 200 bytes each. @default 10000 */
  readonly rememberCount?: number;
  /**
   * Resolves once a position is as safe as what is told to be; nobody is told of it before. Without it, what a client was told can be lost with
   * the server's machine or process, by as much as the journal had not flushed.
   *
   * @example
   * ```ts
   * journalHandler(journal, { authorize, whenFlushed: (position) => journal.whenFlushed(position) });
   * ```
   */
  readonly whenFlushed?: (position: Position) => Promise<unknown>;
  /** Pages of other origins that may use it: `'*'` for any, or their origins, as `https://example.com`. Default: none */
  readonly cors?: { readonly origin: string | readonly string[] };
  /** Told of errors that a client is told nothing about: those of `authorize`, and of the journal where they are not the client's. */
  readonly onError?: (error: unknown) => void;
}
