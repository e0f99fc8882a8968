import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Position } from '../../journal/position';
import type { RememberedWrites } from './remembered-writes';

/** Whether a request may do what it asks for. */
export type Authorize = (request: Request) => Verdict | Promise<Verdict>;

/**
 * `true`: it may. `false`, and anything else that is not listed here: a 403. A `Response`: the answer that refuses it.
 *
 * An object: it may, and this is who asks. A caller's idempotency keys are that caller's alone. `signal` ends the tail that the verdict allowed; the
 * reader connects again, and is asked for anew.
 */
export type Verdict = boolean | Response | { readonly caller: string; readonly signal?: AbortSignal };

/** Which pages of other origins may use a handler, and how. */
export interface CrossOriginOptions {
  /**
   * `'*'` for any, an origin or several, as `https://example.com`, `capacitor://localhost`, `null` for files; or a function that says whether an origin
   * may.
   */
  readonly origin: string | readonly string[] | ((origin: string) => boolean);
  /** Let pages send cookies; not with `'*'`. @default false */
  readonly credentials?: boolean;
  /** Headers that requests may have beside those the client sends on its own, as `X-Api-Key`. Default: none */
  readonly allowHeaders?: readonly string[];
}

/** Who wants an entry appended. */
export interface Admission {
  readonly request: Request;
  /** As `authorize` named it. */
  readonly caller?: string;
}

/** How a journal is served. */
export interface JournalHandlerOptions<T> {
  /** Asked before anything is done for a request; `'public'` lets everyone read and write. */
  readonly authorize: Authorize | 'public';
  /** Any Standard Schema validator, synchronous or not: an entry that is sent is checked by it, and what is appended is its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Asked for each entry that is sent, also for each of a batch, after `schema`; resolves with what is appended. Throws, or throws a `Response`, to
   * refuse it: an error of yours is a 403.
   *
   * @example
   * ```ts
   * admit: (entry, { caller }) => ({ ...entry, who: caller }) // nobody speaks for somebody else
   * ```
   */
  readonly admit?: (entry: T, admission: Admission) => T | Promise<T>;
  /** How large a request's body may be, an integer >= 1. @default 1048576 */
  readonly maxBodyBytes?: number;
  /** How many entries a page may have, an integer >= 1; one that is asked for without a limit has 100 at most. @default 1000 */
  readonly maxLimit?: number;
  /**
   * How long a tail that has nothing to tell is silent, an integer >= 1 or `Infinity`. Less than what proxies on the way wait for; a client
   * that hears nothing three times as long connects anew. @default 15000
   */
  readonly heartbeatMs?: number;
  /**
   * How long a tail lasts, in milliseconds, an integer >= 1 or `Infinity`. Its client comes back at once, where it was, and `authorize` is asked anew: whoever
   * was shut out meanwhile reads no longer than this. @default 3600000
   */
  readonly maxTailMs?: number;
  /** For how long a write with an idempotency key is remembered, an integer >= 1: longer than clients try. @default 300000 */
  readonly rememberMs?: number;
  /** The writing of how many entries is remembered, an integer >= 1; about 200 bytes each. @default 10000 */
  readonly rememberCount?: number;
  /**
   * Where several servers serve one journal: what all of them know of such writes, so that what one has appended another does not append again. Default: none;
   * what is remembered is that of this handler, for as long as the process lasts
   */
  readonly rememberedWrites?: RememberedWrites;
  /**
   * Resolves when a position is as safe as what clients are told has to be; nobody hears of it before. Default: as far as the journal is flushed, where it
   * is (see {@link flushingOf}), so that nobody hears of what a crash of the server can take back.
   */
  readonly whenFlushed?: (position: Position) => Promise<unknown>;
  /** Pages of other origins that may use it. Default: none */
  readonly cors?: CrossOriginOptions;
  /** Called with errors that a client learns nothing of: those of `authorize` and `admit`, and of the journal where they are not the client's. */
  readonly onError?: (error: unknown) => void;
}
