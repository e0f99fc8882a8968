import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  assertCount,
  assertDelayMs,
  assertFunction,
  assertMethods,
  assertOptions,
  assertSchema,
  shown,
} from '../errors/assert-argument';
import { isNotFound } from '../errors/journal-not-found-error';
import { ScrivenerError } from '../errors/scrivener-error';
import { CrossOrigin } from '../http/server/cross-origin';
import type { Authorize, CrossOriginOptions } from '../http/server/handler-options';
import { assertAuthorize, callerOf, verdictOf, withHeaders } from '../http/server/journal-handler';
import { badRequest, Problem, problemOf } from '../http/server/problem';
import { BodyTooLarge, readBody } from '../http/read-body';
import { reportUnhandled } from '../journal/report-unhandled';
import type { Position } from '../journal/position';
import type { Journals } from '../journals/journals';
import { appendToStream } from './append-to-stream';
import { createStream } from './create-stream';
import { formatOf, isBinary } from './messages';
import {
  CLOSED_HEADER,
  CURSOR_HEADER,
  ENCODING_HEADER,
  EXPECTED_SEQ_HEADER,
  EXPIRES_HEADER,
  FORKED_FROM_HEADER,
  FORK_OFFSET_HEADER,
  FORK_SUB_OFFSET_HEADER,
  nextCursor,
  OFFSET_HEADER,
  offsetOf,
  POSITIONS_HEADER,
  positionOf,
  PRODUCER_EPOCH_HEADER,
  PRODUCER_ID_HEADER,
  PRODUCER_SEQ_HEADER,
  RECEIVED_SEQ_HEADER,
  SEQ_HEADER,
  TTL_HEADER,
  UP_TO_DATE_HEADER,
} from './protocol';
import { moreAfter, pageAfter } from './read-stream';
import { sseBody } from './sse-body';
import { RECORDS } from './stream-record';
import { Streams, type Stream } from './streams';

/** How streams are served. */
export interface DurableStreamsOptions {
  /** Asked before anything is done for a request; `'public'` lets everyone read, write, create and delete. */
  readonly authorize: Authorize | 'public';
  /** The path below which each path is a stream's name. @default '/' */
  readonly basePath?: string;
  /** Any Standard Schema validator: a message of a JSON stream is checked by it, and what is appended is its output. */
  readonly schema?: StandardSchemaV1;
  /** How large a request's body may be, in bytes, an integer >= 1. @default 4194304: the official client sends batches of somewhat more than 1 MiB */
  readonly maxBodyBytes?: number;
  /** How long a long-poll waits for a message, in milliseconds >= 1. @default 20000 */
  readonly longPollMs?: number;
  /** How long a live answer of events lasts, in milliseconds >= 1; its client comes back where it was. @default 60000 */
  readonly maxTailMs?: number;
  /** Pages of other origins that may use it. Default: none */
  readonly cors?: CrossOriginOptions;
  /** Called with errors that a client learns nothing of. */
  readonly onError?: (error: unknown) => void;
}

const OPTIONS: Record<keyof DurableStreamsOptions, true> = {
  authorize: true,
  basePath: true,
  schema: true,
  maxBodyBytes: true,
  longPollMs: true,
  maxTailMs: true,
  cors: true,
  onError: true,
};

const METHODS = 'GET, HEAD, POST, PUT, DELETE';
const CROSS_ORIGIN = {
  methods: METHODS,
  headers: [
    ...[
      'Authorization',
      'Content-Type',
      'If-None-Match',
      'Last-Event-ID',
      SEQ_HEADER,
      TTL_HEADER,
      EXPIRES_HEADER,
      CLOSED_HEADER,
    ],
    ...[PRODUCER_ID_HEADER, PRODUCER_EPOCH_HEADER, PRODUCER_SEQ_HEADER],
    ...[FORKED_FROM_HEADER, FORK_OFFSET_HEADER, FORK_SUB_OFFSET_HEADER],
  ],
  exposed: [
    ...[
      'ETag',
      'Location',
      'Retry-After',
      OFFSET_HEADER,
      UP_TO_DATE_HEADER,
      CURSOR_HEADER,
      CLOSED_HEADER,
      ENCODING_HEADER,
    ],
    ...[
      TTL_HEADER,
      EXPIRES_HEADER,
      PRODUCER_EPOCH_HEADER,
      PRODUCER_SEQ_HEADER,
      EXPECTED_SEQ_HEADER,
      RECEIVED_SEQ_HEADER,
    ],
    POSITIONS_HEADER,
  ],
};

/**
 * Serves journals by the Durable Streams Protocol: a stream is a URL, its name the path below `basePath`; PUT creates, POST appends, GET reads (live by
 * `live=long-poll` and `live=sse`), HEAD and DELETE.
 *
 * A message of a JSON stream is an entry, its offset the entry's position. Nothing is acknowledged, and nothing is sent to anybody, before it is
 * flushed. Refused requests get the protocol's status and `application/problem+json`.
 *
 * @throws TypeError and RangeError for wrong options
 * @example
 * ```ts
 * const journals = await openJournalFolder({ folder: 'data/streams' });
 * const handle = durableStreams(journals, { authorize: (request) => isSignedIn(request), basePath: '/streams/' });
 * createServer(nodeListener(handle)).listen(4437);
 * ```
 */
export function durableStreams(
  journals: Journals<unknown>,
  options: DurableStreamsOptions,
): (request: Request) => Promise<Response> {
  assertMethods('journals', journals, ['journal', 'create', 'exists', 'delete', 'fork']);
  assertOptions('durableStreams', options, OPTIONS);
  const { authorize, basePath = '/', schema, maxBodyBytes = 4_194_304, cors, onError } = options;
  const { longPollMs = 20_000, maxTailMs = 60_000 } = options;
  assertAuthorize(authorize);
  if (typeof basePath !== 'string' || !basePath.startsWith('/'))
    throw new TypeError(`Expected \`basePath\` to be a path that begins with /, got ${shown(basePath)}`);
  if (schema !== undefined) assertSchema(schema);
  assertCount('maxBodyBytes', maxBodyBytes);
  for (const [name, ms] of Object.entries({ longPollMs, maxTailMs })) {
    assertCount(name, ms);
    assertDelayMs(name, ms);
  }
  if (onError !== undefined) assertFunction('onError', onError);
  const crossOrigin = cors && new CrossOrigin(cors, CROSS_ORIGIN);
  const base = basePath.endsWith('/') ? basePath : `${basePath}/`;
  const streams = new Streams(journals);

  const nameOf = (url: URL): string => {
    let name: string;
    try {
      name = decodeURIComponent(url.pathname.startsWith(base) ? url.pathname.slice(base.length) : '');
    } catch {
      throw badRequest('The path is not encoded as URLs are');
    }
    const length = name.length + RECORDS.length;
    if (name === '' || length > 512 || name.startsWith(RECORDS)) throw notFound();
    return name;
  };

  async function answer(request: Request): Promise<Response> {
    const { method } = request;
    if (!METHODS.split(', ').includes(method)) {
      throw new Problem(405, 'ERR_METHOD_NOT_ALLOWED', `The methods are ${METHODS}`, { headers: { Allow: METHODS } });
    }
    const verdict = await verdictOf(authorize, request);
    if (verdict instanceof Response) return verdict.clone();
    const allowed: { readonly signal?: AbortSignal } | undefined = verdict === true ? {} : callerOf(verdict);
    if (allowed === undefined) throw new Problem(403, 'ERR_ACCESS_DENIED', 'This is not allowed');
    const url = new URL(request.url);
    const name = nameOf(url);
    if (method === 'PUT') {
      const sourceOf = (from: string) => nameOf(new URL(from, request.url));
      return createStream(streams, name, request, await bodyOf(request), sourceOf);
    }
    if (method === 'DELETE') return remove(name);
    if (method === 'POST') {
      const body = await bodyOf(request);
      const stream = (await streams.find(name)) ?? never(notFound());
      stream.state.lastAccessMs = Date.now();
      return appendToStream(stream, request, body, schema);
    }
    const stream = (await streams.find(name)) ?? never(notFound());
    if (method === 'HEAD') return head(stream);
    stream.state.lastAccessMs = Date.now();
    return read(stream, request, url.searchParams, allowed.signal);
  }

  async function bodyOf(request: Request): Promise<Uint8Array> {
    try {
      return await readBody(request.body, maxBodyBytes);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      throw new Problem(413, 'ERR_ENTRY_TOO_LARGE', `The body is larger than ${maxBodyBytes} bytes`, {
        data: { maxBodyBytes },
      });
    }
  }

  async function remove(name: string): Promise<Response> {
    await streams.find(name); // 410 for one that is kept for its forks
    if (!(await streams.remove(name))) throw notFound();
    return new Response(null, { status: 204 });
  }

  async function head(stream: Stream): Promise<Response> {
    const position = await stream.head();
    const { ttlSeconds, expiresAt } = stream.state.creation ?? {};
    const headers = {
      ...metadata(stream, position),
      ...(stream.state.isClosed && { [CLOSED_HEADER]: 'true' }),
      ...(ttlSeconds !== undefined && { [TTL_HEADER]: String(ttlSeconds) }),
      ...(expiresAt !== undefined && { [EXPIRES_HEADER]: expiresAt }),
      ETag: tag(stream, 0, position, stream.state.isClosed),
      'Cache-Control': 'no-store',
    };
    return new Response(null, { headers });
  }

  async function read(
    stream: Stream,
    request: Request,
    query: URLSearchParams,
    allowed: AbortSignal | undefined,
  ): Promise<Response> {
    const { state } = stream;
    const given = query.getAll('offset');
    if (given.length > 1) throw badRequest('Expected one `offset`');
    const [offset] = given;
    const live = query.get('live');
    if (live !== null && live !== 'long-poll' && live !== 'sse')
      throw badRequest('Expected `live` to be long-poll or sse');
    if (live !== null && offset === undefined) throw badRequest('A live answer needs an `offset`');
    const cursor = query.get('cursor');
    const isNow = offset === 'now';
    const after = isNow ? await stream.head() : offset === undefined || offset === '-1' ? 0 : positionOf(offset);
    const signal = allowed ? AbortSignal.any([request.signal, allowed]) : request.signal;

    if (live === 'sse') {
      const headers = {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
        [POSITIONS_HEADER]: 'positions',
        ...(isBinary(state.contentType) && { [ENCODING_HEADER]: 'base64' }),
      };
      return new Response(sseBody({ stream, after, cursor, maxTailMs, signal, onError: failed }), { headers });
    }
    if (isNow && live === null) {
      const body = formatOf(state.contentType).join([]);
      const headers = {
        ...metadata(stream, after),
        [UP_TO_DATE_HEADER]: 'true',
        ...closedAt(stream, true),
        'Cache-Control': 'no-store',
      };
      return new Response(body, { headers });
    }

    let page = await pageAfter(stream, after);
    const liveHeaders: Record<string, string> = live === null ? {} : { [CURSOR_HEADER]: nextCursor(cursor) };
    if (live === 'long-poll' && page.entries.length === 0) {
      const isOver = state.isClosed;
      if (!isOver && (await moreAfter(stream, after, longPollMs, signal))) page = await pageAfter(stream, after);
      state.lastAccessMs = Date.now();
      if (page.entries.length === 0) {
        const headers = {
          ...metadata(stream, page.last),
          [UP_TO_DATE_HEADER]: 'true',
          ...liveHeaders,
          ...closedAt(stream, true),
          'Cache-Control': 'no-store',
        };
        return new Response(null, { status: 204, headers });
      }
    }
    const etag = tag(stream, after, page.last, state.isClosed && page.isUpToDate);
    const headers = {
      ...metadata(stream, page.last),
      ...liveHeaders,
      ...closedAt(stream, page.isUpToDate),
      ...(page.isUpToDate && { [UP_TO_DATE_HEADER]: 'true' }),
      ETag: etag,
      // What is confidential is in no shared cache; what is at the end changes.
      'Cache-Control': page.isUpToDate ? 'private, no-cache' : 'private, max-age=60, stale-while-revalidate=300',
    };
    if (request.headers.get('If-None-Match') === etag) return new Response(null, { status: 304, headers });
    return new Response(formatOf(state.contentType).join(page.entries), { headers });
  }

  const failed = (error: unknown) => {
    try {
      onError?.(error);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
  };

  const toProblem = (error: unknown) => {
    const problem = isNotFound(error) ? notFound() : problemOf(error);
    const isExpected = problem.status < 500 && (problem.cause === undefined || ScrivenerError.is(problem.cause));
    if (!isExpected) failed(problem.cause ?? error);
    return problem;
  };

  return async (request) => {
    let shared: Record<string, string> = {};
    const headers = () => ({
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      ...shared,
    });
    try {
      if (crossOrigin) shared = crossOrigin.headersFor(request);
      if (crossOrigin && request.method === 'OPTIONS') return crossOrigin.preflight(shared);
      return withHeaders(await answer(request), headers());
    } catch (error) {
      const response = toProblem(error).toResponse({ 'Cache-Control': 'no-store', ...headers() });
      return request.method === 'HEAD' ? new Response(null, response) : response;
    }
  };
}

function metadata({ state }: Stream, last: Position): Record<string, string> {
  return { 'Content-Type': state.contentType, [OFFSET_HEADER]: offsetOf(last), [POSITIONS_HEADER]: 'positions' };
}

function closedAt({ state }: Stream, isEnd: boolean): Record<string, string> {
  return state.isClosed && isEnd ? { [CLOSED_HEADER]: 'true' } : {};
}

function tag({ state }: Stream, after: Position, last: Position, isClosed: boolean): string {
  return `"${state.creation?.id ?? 'journal'}:${after}:${last}${isClosed ? ':c' : ''}"`;
}

function notFound(): Problem {
  return new Problem(404, 'ERR_JOURNAL_NOT_FOUND', 'There is no such stream');
}

function never(error: unknown): never {
  throw error;
}
