import { assertCount, assertDelayMs, assertFunction, assertSchema } from '../errors/assert-argument';
import { isNotFound } from '../errors/journal-not-found-error';
import { ScrivenerError } from '../errors/scrivener-error';
import { CrossOrigin } from '../http/server/cross-origin';
import { allowedBy, assertAuthorize } from '../http/server/authorization';
import { withHeaders } from '../http/server/journal-handler';
import { badRequest, Problem, problemOf } from '../http/server/problem';
import { BodyTooLarge, readBody } from '../http/read-body';
import { reportUnhandled } from '../journal/report-unhandled';
import type { Position } from '../journal/position';
import { STREAM_OPENED, type AccountedRequest } from '../journal/stream-opened';
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
import type { Stream, Streams } from './streams';
import type { StreamOptions } from './stream-options';

const CROSS_ORIGIN = {
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

/** The checked options that the handlers of many streams and of one have in common. */
export interface StreamHandlerParts {
  readonly streams: Streams;
  /** The stream's name in a URL; throws a problem if there is none. */
  readonly nameOf: (url: URL) => string;
  readonly methods: readonly string[];
}

/** Answers requests of the protocol. */
export function streamHandler(
  { streams, nameOf, methods }: StreamHandlerParts,
  options: StreamOptions,
): (request: Request) => Promise<Response> {
  const { authorize, schema, maxBodyBytes = 4_194_304, cors, onError } = options;
  const { longPollMs = 20_000, maxTailMs = 60_000 } = options;
  assertAuthorize(authorize);
  if (schema !== undefined) assertSchema(schema);
  assertCount('maxBodyBytes', maxBodyBytes);
  for (const [name, ms] of Object.entries({ longPollMs, maxTailMs })) {
    assertCount(name, ms);
    assertDelayMs(name, ms);
  }
  if (onError !== undefined) assertFunction('onError', onError);
  const allow = methods.join(', ');
  const crossOrigin = cors && new CrossOrigin(cors, { ...CROSS_ORIGIN, methods: allow });

  async function answer(request: Request): Promise<Response> {
    const { method } = request;
    if (!methods.includes(method)) {
      throw new Problem(405, 'ERR_METHOD_NOT_ALLOWED', `The methods are ${allow}`, { headers: { Allow: allow } });
    }
    const allowed = await allowedBy(authorize, request);
    if (allowed instanceof Response) return allowed;
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
      await stream.use();
      return appendToStream(stream, request, body, schema);
    }
    const stream = (await streams.find(name)) ?? never(notFound());
    if (method === 'HEAD') return head(stream);
    await stream.use();
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
    await streams.find(name); // 410 for a deleted stream that is kept for its forks
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
    const end = await stream.head();
    const after = isNow ? end : offset === undefined || offset === '-1' ? 0 : positionOf(offset);
    // The journal was longer when the offset was given: what comes next does not follow what the reader has.
    if (after > end) throw new Problem(410, 'ERR_STREAM_GONE', 'The stream ends before this offset');
    const signal = allowed ? AbortSignal.any([request.signal, allowed]) : request.signal;

    if (live === 'sse') {
      const headers = {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
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
    if (live === 'long-poll' && page.isEmpty) {
      const isOver = state.isClosed;
      (request as AccountedRequest)[STREAM_OPENED]?.();
      if (!isOver && (await moreAfter(stream, after, longPollMs, signal))) page = await pageAfter(stream, after);
      await stream.use();
      if (page.isEmpty) {
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
      // Confidential answers must not be in shared caches, and the answer at the end of the stream changes.
      'Cache-Control': page.isUpToDate ? 'private, no-cache' : 'private, max-age=60, stale-while-revalidate=300',
    };
    if (request.headers.get('If-None-Match') === etag) return new Response(null, { status: 304, headers });
    return new Response(page.body, { headers });
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
  return { 'Content-Type': state.contentType, [OFFSET_HEADER]: offsetOf(last) };
}

function closedAt({ state }: Stream, isEnd: boolean): Record<string, string> {
  return state.isClosed && isEnd ? { [CLOSED_HEADER]: 'true' } : {};
}

function tag({ state }: Stream, after: Position, last: Position, isClosed: boolean): string {
  return `"${state.creation?.id ?? 'journal'}:${after}:${last}${isClosed ? ':c' : ''}"`;
}

export function notFound(): Problem {
  return new Problem(404, 'ERR_JOURNAL_NOT_FOUND', 'There is no such stream');
}

function never(error: unknown): never {
  throw error;
}
