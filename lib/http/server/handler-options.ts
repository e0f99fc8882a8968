import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Position } from '../../journal/position';
import type { RememberedWrites } from './remembered-writes';

/** Whether a request is allowed. */
export type Authorize = (request: Request) => Verdict | Promise<Verdict>;

/**
 * `true`: it is allowed. `false`, and anything else that is not listed here: a 403. A `Response`: refused with this answer.
 *
 * An object: it is allowed, and `caller` says who sent it; callers do not share idempotency keys. `signal` ends the tail that was allowed; the
 * reader connects again, and `authorize` is called again.
 */
export type Verdict = boolean | Response | { readonly caller: string; readonly signal?: AbortSignal };

/** Which pages of other origins may use a handler, and how. */
export interface CrossOriginOptions {
  /**
   * `'*'` for any, or one or several origins, such as `https://example.com`, `capacitor://localhost`, `null` for files; or a function that says whether an origin
   * is allowed.
   */
  readonly origin: string | readonly string[] | ((origin: string) => boolean);
  /** Let pages send cookies; not with `'*'`. @default false */
  readonly credentials?: boolean;
  /** Headers that requests may have besides the client's own, such as `X-Api-Key`. Default: none */
  readonly allowHeaders?: readonly string[];
}

/** Who sent an entry. */
export interface Admission {
  readonly request: Request;
  /** The caller that `authorize` returned. */
  readonly caller?: string;
}

/** How a journal is served. */
export interface JournalHandlerOptions<T> {
  /** Called before anything else for each request; `'public'` lets everyone read and write. */
  readonly authorize: Authorize | 'public';
  /** Any Standard Schema validator, synchronous or not: it checks each entry that is sent, and its output is appended. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Called for each entry that is sent, also within a batch, after `schema`; resolves with the entry to append. Throws, possibly a `Response`, to
   * refuse it: any other error is a 403.
   *
   * @example
   * ```ts
   * admit: (entry, { caller }) => ({ ...entry, who: caller }) // nobody speaks for somebody else
   * ```
   */
  readonly admit?: (entry: T, admission: Admission) => T | Promise<T>;
  /** How large a request's body may be, in bytes, an integer >= 1. @default 1048576 */
  readonly maxBodyBytes?: number;
  /** How many entries a page may have, an integer >= 1; a page requested without a limit has at most 100. @default 1000 */
  readonly maxLimit?: number;
  /**
   * How long an idle tail is silent before it sends a heartbeat, in milliseconds, an integer >= 1 or `Infinity`. Choose less than the timeout of proxies; a client
   * that hears nothing for three times as long connects again, and a tail from which nothing is taken for four times as long ends. @default 15000
   */
  readonly heartbeatMs?: number;
  /**
   * How long a tail lasts, in milliseconds, an integer >= 1 or `Infinity`. Its client reconnects immediately where it was, and `authorize` is called again: a client that
   * has lost its access reads no longer than this. @default 3600000
   */
  readonly maxTailMs?: number;
  /** How long a write with an idempotency key is remembered, in milliseconds, an integer >= 1: longer than clients retry. @default 300000 */
  readonly rememberMs?: number;
  /** How many written entries are remembered, an integer >= 1; about 200 bytes each. @default 10000 */
  readonly rememberCount?: number;
  /**
   * If several servers serve one journal: their shared memory of such writes, so that one does not append again what another has appended. Default: none;
   * this handler remembers its own writes, for as long as the process lasts
   */
  readonly rememberedWrites?: RememberedWrites;
  /**
   * Resolves when a position is durable enough to be sent to clients; no client receives it before. Default: when the journal has flushed it, if it
   * is flushed (see {@link flushingOf}), so that clients never see entries that a crash of the server can lose. With another condition, an answer to
   * `HEAD` says in `Scrivener-Flushed` how far the journal is flushed.
   */
  readonly whenFlushed?: (position: Position) => Promise<unknown>;
  /** Which pages of other origins may use it. Default: none */
  readonly cors?: CrossOriginOptions;
  /** Called with errors that clients do not see: those of `authorize` and `admit`, and errors of the journal that the client did not cause. */
  readonly onError?: (error: unknown) => void;
}
