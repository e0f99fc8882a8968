import { firstValueFrom } from 'rxjs';
import {
  assertCount,
  assertDelayMs,
  assertFunction,
  assertMethods,
  assertOptions,
  assertSchema,
} from '../../errors/assert-argument';
import { flushingOf } from '../../flush/flushing-of';
import { newestPosition } from '../../journal/newest-position';
import { NotSupportedError } from '../../errors/not-supported-error';
import { ScrivenerError } from '../../errors/scrivener-error';
import { reportUnhandled } from '../../journal/report-unhandled';
import { START, type Position } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import { appendRequest, sha256, type AppendContext } from './append-request';
import { allowedBy, assertAuthorize, type Allowed } from './authorization';
import { backwardPage } from './backward-page';
import { CrossOrigin } from './cross-origin';
import { EventTexts } from './event-texts';
import type { Admission, JournalHandlerOptions } from './handler-options';
import { badRequest, Problem, problemOf, unflushed } from './problem';
import {
  etag,
  EVENTS_TYPE,
  FIRST_HEADER,
  FLUSHED_HEADER,
  HEARTBEAT_HEADER,
  JSON_TYPE,
  MEMORY_HEADER,
  randomName,
} from '../protocol';
import { assertAccepts, parsePosition, single } from './request-parts';
import { assertSeen, SEEN } from '../seen';
import { TailEvents } from './tail-events';
import { REMEMBER_COUNT, REMEMBER_MS, WriteMemory } from './write-memory';

const DEFAULT_LIMIT = 100;

const OPTIONS: Record<keyof JournalHandlerOptions<never>, true> = {
  authorize: true,
  admit: true,
  schema: true,
  cors: true,
  maxBodyBytes: true,
  maxLimit: true,
  heartbeatMs: true,
  maxTailMs: true,
  rememberMs: true,
  rememberCount: true,
  rememberedWrites: true,
  whenFlushed: true,
  onError: true,
};

/**
 * Serves a journal over HTTP: a function from a Web `Request` to a `Response`, for Hono and others, and for `node:http` through {@link nodeListener}.
 *
 * `GET ?after=N` is the tail as Server-Sent Events, `GET ?before=N&limit=M` a page of earlier entries as JSON, `HEAD` has the journal's last position
 * as its `ETag`, and `POST` appends the entry in its JSON body. Refused requests are answered with `application/problem+json` and a `code`.
 * If the journal is flushed, clients receive only flushed entries.
 *
 * @throws TypeError that names an invalid, missing (`authorize`) or unknown option; RangeError for a number out of range
 * @example
 * ```ts
 * const app = new Hono();
 * const handle = journalHandler(scrivener, { authorize: (request) => isSignedIn(request) });
 * app.all('/journal', (context) => handle(context.req.raw));
 * ```
 */
export function journalHandler<T>(
  scrivener: Scrivener<T>,
  options: JournalHandlerOptions<T>,
): (request: Request) => Promise<Response> {
  return handlerOf(scrivener, options);
}

/** {@link journalHandler} with a given memory of writes, and what tells their bodies apart. */
export function handlerOf<T>(
  scrivener: Scrivener<T>,
  options: JournalHandlerOptions<T>,
  shared?: { readonly memory: WriteMemory; readonly digestOf: AppendContext<T>['digestOf'] },
): (request: Request) => Promise<Response> {
  assertMethods('scrivener', scrivener, ['write', 'tail', 'readBackward']);
  assertOptions('journalHandler', options, OPTIONS);
  const { authorize, admit, schema, cors, onError } = options;
  const { maxBodyBytes = 1_048_576, maxLimit = 1_000, heartbeatMs = 15_000, maxTailMs = 3_600_000 } = options;
  const { rememberMs = REMEMBER_MS, rememberCount = REMEMBER_COUNT, rememberedWrites } = options;
  assertAuthorize(authorize);
  assertCount('maxBodyBytes', maxBodyBytes);
  assertCount('maxLimit', maxLimit);
  assertCount('heartbeatMs', heartbeatMs, ' or Infinity');
  assertDelayMs('heartbeatMs', heartbeatMs);
  assertCount('maxTailMs', maxTailMs, ' or Infinity');
  assertDelayMs('maxTailMs', maxTailMs);
  for (const hook of ['admit', 'whenFlushed', 'onError'] as const) {
    if (options[hook] !== undefined) assertFunction(hook, options[hook]);
  }
  if (schema !== undefined) assertSchema(schema);
  assertCount('rememberMs', rememberMs);
  assertCount('rememberCount', rememberCount);
  if (rememberedWrites !== undefined) assertMethods('rememberedWrites', rememberedWrites, ['claim', 'settle']);
  const crossOrigin = cors === undefined ? undefined : new CrossOrigin(cors);
  const whenFlushed = options.whenFlushed ?? ((position: Position) => flushed(scrivener, position));
  const texts = new EventTexts();

  const toProblem = (error: unknown) => {
    const problem = problemOf(error);
    if (problem.status < 500 && (problem.cause === undefined || ScrivenerError.is(problem.cause))) return problem;
    try {
      onError?.(problem.cause ?? error);
    } catch (thrown) {
      reportUnhandled(thrown);
    }
    return problem;
  };

  const { digestOf = sha256 } = shared ?? {};
  const memory = shared?.memory ?? new WriteMemory(rememberMs, rememberCount, rememberedWrites, toProblem);

  async function answer(request: Request, headers: Record<string, string>): Promise<Response> {
    if (!['GET', 'HEAD', 'POST'].includes(request.method)) {
      const options = { headers: { Allow: 'GET, HEAD, POST' } };
      throw new Problem(405, 'ERR_METHOD_NOT_ALLOWED', 'The methods are GET, HEAD and POST', options);
    }
    const allowed = await allowedBy(authorize, request);
    if (allowed instanceof Response) return withHeaders(allowed, headers);

    const response = await respond(request, headers, allowed);
    const first = firstOf(scrivener);
    if (first !== undefined) response.headers.set(FIRST_HEADER, String(first));
    return response;
  }

  function respond(request: Request, headers: Record<string, string>, allowed: Allowed): Promise<Response> {
    const { caller } = allowed;
    if (request.method === 'POST') return append({ request, ...(caller !== undefined && { caller }) }, headers);
    if (request.method === 'HEAD') return head(headers);
    const query = new URL(request.url).searchParams;
    return query.has('before') ? page(request, query, headers) : tail(request, query, headers, allowed.signal);
  }

  async function append(admission: Admission, headers: Record<string, string>): Promise<Response> {
    const context = { scrivener, memory, schema, admit, maxBodyBytes, whenFlushed, digestOf, toProblem };
    const { status, body, headers: own, verbatim } = await appendRequest(admission, context);
    if (verbatim) {
      return new Response(verbatim.text, { status, headers: { ...headers, ...own, 'Content-Type': verbatim.type } });
    }
    const type = status < 300 ? JSON_TYPE : 'application/problem+json';
    return new Response(JSON.stringify(body), { status, headers: { ...headers, ...own, 'Content-Type': type } });
  }

  async function head(headers: Record<string, string>): Promise<Response> {
    const position = await lastFlushed(await firstValueFrom(newestPosition(scrivener)));
    const flushed = options.whenFlushed && flushingOf(scrivener)?.flushed;
    const own = {
      ETag: etag(position),
      ...(flushed !== undefined && { [FLUSHED_HEADER]: String(Math.min(flushed, position)) }),
    };
    return new Response(null, { headers: { ...headers, ...own } });
  }

  async function page(request: Request, query: URLSearchParams, headers: Record<string, string>): Promise<Response> {
    assertAccepts(request, JSON_TYPE);
    if (query.has('after')) throw badRequest('`after` and `before` exclude each other');
    const before = parsePosition('before', single(query, 'before')!);
    const limit = parsePosition('limit', single(query, 'limit') ?? String(Math.min(DEFAULT_LIMIT, maxLimit)));
    if (limit < 1 || limit > maxLimit) throw badRequest(`Expected \`limit\` to be 1 to ${maxLimit}`);
    let page = await backwardPage(scrivener, before, limit);
    const { newest = START } = page;
    const last = await lastFlushed(newest);
    if (last < newest) page = await backwardPage(scrivener, last + 1, limit);
    return new Response(page.json, { headers: { ...headers, 'Content-Type': JSON_TYPE } });
  }

  /** A position, or the last flushed one if it cannot be flushed: flushed entries stay readable. */
  async function lastFlushed(position: Position): Promise<Position> {
    try {
      if (position > START) await whenFlushed(position);
      return position;
    } catch (error) {
      const flushing = options.whenFlushed === undefined ? flushingOf(scrivener) : undefined;
      if (flushing === undefined) throw unflushed(error);
      return Math.min(position, flushing.flushed);
    }
  }

  async function tail(
    request: Request,
    query: URLSearchParams,
    headers: Record<string, string>,
    allowed: AbortSignal | undefined,
  ): Promise<Response> {
    assertAccepts(request, EVENTS_TYPE);
    const lastEventId = request.headers.get('Last-Event-ID');
    const queried = single(query, 'after');
    const after =
      lastEventId === null
        ? parsePosition('after', queried ?? String(START))
        : parsePosition('Last-Event-ID', lastEventId);
    const seen = single(query, SEEN);
    if (seen !== undefined) await assertSeen(scrivener, after, seen);
    const open = { scrivener, after, texts, heartbeatMs, maxTailMs, whenFlushed, toProblem, request, allowed };
    const events = new TailEvents(open);
    const beginning = await events.begin();
    if (beginning.kind === 'failed') throw beginning.error;
    if (beginning.kind === 'ended') {
      // An EventSource takes this status for the end; after any other it connects again.
      const { head } = beginning;
      return new Response(null, {
        status: 204,
        headers: { ...headers, ...(head !== undefined && { ETag: etag(head) }) },
      });
    }
    const own = {
      'Content-Type': EVENTS_TYPE,
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no', // nginx would hold events back
      ETag: `"${randomName()}"`, // what digests bodies to make one would never come to the end
      [HEARTBEAT_HEADER]: String(heartbeatMs),
    };
    return new Response(beginning.body, { headers: { ...headers, ...own } });
  }

  async function answerOrProblem(request: Request): Promise<Response> {
    let shared: Record<string, string> = {};
    const headers = () => ({
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      [MEMORY_HEADER]: memory.token,
      ...shared,
    });
    try {
      if (crossOrigin) shared = crossOrigin.headersFor(request);
      if (crossOrigin && request.method === 'OPTIONS') return crossOrigin.preflight(shared);
      return await answer(request, headers());
    } catch (error) {
      const response = toProblem(error).toResponse(headers());
      return request.method === 'HEAD' ? new Response(null, response) : response;
    }
  }

  return async (request) => {
    const response = await answerOrProblem(request);
    // For a client, an answer with the journal's mark is the outcome of its request; without the mark, another one may come later.
    if (response.headers.has('Retry-After')) response.headers.delete(MEMORY_HEADER);
    return response;
  };
}

/** Resolves when a position is flushed; `undefined` if it is flushed already, or nothing flushes the journal. */
function flushed<T>(scrivener: Scrivener<T>, position: Position): Promise<void> | undefined {
  const flushing = flushingOf(scrivener);
  return flushing === undefined || flushing.flushed >= position ? undefined : flushing.whenFlushed(position);
}

/** The oldest position that a scrivener keeps, if it knows. */
function firstOf<T>(scrivener: Scrivener<T> & { readonly first?: unknown }): Position | undefined {
  try {
    const { first } = scrivener;
    return Number.isSafeInteger(first) ? (first as Position) : undefined;
  } catch (error) {
    if (error instanceof NotSupportedError) return undefined;
    throw error;
  }
}

export function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const copy = new Response(response.body, response);
  for (const [name, value] of Object.entries(headers)) copy.headers.set(name, value);
  return copy;
}
