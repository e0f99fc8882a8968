import { assertFunction } from '../../errors/assert-argument';
import { STREAM_OPENED, type AccountedRequest } from '../../journal/stream-opened';
import { EVENTS_TYPE } from '../protocol';

/** The parts of a Node request in use: of `node:http` and Express. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly httpVersionMajor?: number | undefined;
  readonly url?: string | undefined;
  /** The full URL in Express, where `url` is only the rest after the mount path. */
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: object | null;
  /** The body as a body parser has left it. */
  readonly body?: unknown;
  readonly readableDidRead?: boolean;
  readonly readableEnded?: boolean;
}

/** The parts of a Node response in use. */
export interface NodeResponse {
  statusCode: number;
  readonly destroyed?: boolean;
  setHeader(name: string, value: string | readonly string[]): unknown;
  flushHeaders?(): void;
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  once(event: 'close' | 'drain', listener: () => void): unknown;
  off(event: 'close' | 'drain', listener: () => void): unknown;
}

/** Fastify's own request and reply, which hold Node's in `raw`. */
export interface FastifyRequest {
  readonly raw: NodeRequest;
  readonly body?: unknown;
}

/** Fastify's reply. */
export interface FastifyReply {
  readonly raw: NodeResponse;
  hijack(): unknown;
}

/** A listener that `node:http`, Express, Nest and Fastify call with two arguments. */
export interface NodeListener {
  (request: NodeRequest, response: NodeResponse): void;
  (request: FastifyRequest, reply: FastifyReply): void;
}

/**
 * Makes a handler of Web requests a listener of `node:http` and frameworks on it: Express, Fastify, Nest on either; also after a body parser has read
 * the body.
 *
 * A reader that goes away aborts the request's `signal`; the listener waits for a slow one. If the body is gone, because something has read it and kept nothing,
 * the answer is a 500 that says so.
 *
 * @example
 * ```ts
 * createServer(nodeListener(handle)).listen(8080);
 * expressApp.all('/journal', nodeListener(handle));
 * fastifyApp.all('/journal', nodeListener(handle));
 * ```
 */
export function nodeListener(handler: (request: Request) => Promise<Response>): NodeListener {
  assertFunction('handler', handler);
  return (request: NodeRequest | FastifyRequest, response: NodeResponse | FastifyReply) => {
    if ('hijack' in response) response.hijack();
    const node = 'raw' in request ? request.raw : request;
    const out = 'raw' in response ? response.raw : response;
    answer(handler, node, request.body, out).catch(() => out.destroy()); // the connection broke, or the answer did
  };
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  node: NodeRequest,
  parsed: unknown,
  out: NodeResponse,
): Promise<void> {
  const gone = new AbortController();
  out.once('close', () => gone.abort(GONE_AWAY)); // also after the answer, where it is harmless
  const response = await respond(handler, node, parsed, gone.signal);
  out.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') out.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) out.setHeader('set-cookie', cookies);
  // The unread rest of a body would be taken for the next request; over HTTP/2 each has a stream of its own.
  if (!isHttp2(node) && hasBody(node) && node.readableEnded === false) out.setHeader('Connection', 'close');
  if (response.headers.get('content-type') === EVENTS_TYPE) (node as AccountedRequest)[STREAM_OPENED]?.();
  if (response.body && node.method !== 'HEAD') await send(response.body, out);
  out.end();
}

async function respond(
  handler: (request: Request) => Promise<Response>,
  node: NodeRequest,
  parsed: unknown,
  signal: AbortSignal,
): Promise<Response> {
  const body = bodyOf(node, parsed);
  if (body === GONE) {
    const detail =
      'The body was read before the journal came to it, and nothing is left of it: mount the journal before body parsers, or leave what they made in `request.body`';
    return Response.json(
      { status: 500, code: 'ERR_BODY_USED', detail },
      { status: 500, headers: { 'Content-Type': 'application/problem+json' } },
    );
  }
  const headers = headersOf(node);
  if (body !== undefined && !(body instanceof ReadableStream)) headers.delete('content-encoding'); // undone by the parser
  const init = { method: node.method ?? 'GET', headers, body, signal, duplex: 'half' };
  let request: Request & AccountedRequest;
  try {
    request = new Request(urlOf(node), init);
  } catch {
    return new Response(null, { status: 400 });
  }
  request[STREAM_OPENED] = () => (node as AccountedRequest)[STREAM_OPENED]?.();
  return handler(request);
}

const GONE = Symbol();
/** Made once: each error takes a stack. */
const GONE_AWAY = new DOMException('The reader is gone', 'AbortError');

/** The body: from the connection if it is unread, otherwise as a parser has left it. */
function bodyOf(
  node: NodeRequest,
  parsed: unknown,
): ReadableStream<Uint8Array> | string | Uint8Array<ArrayBuffer> | undefined | typeof GONE {
  if (!hasBody(node)) return undefined;
  if (!node.readableDidRead) return streamOf(node);
  if (parsed === undefined) return GONE;
  if (parsed instanceof Uint8Array) return new Uint8Array(parsed);
  return typeof parsed === 'string' && isText(parsed, node) ? parsed : JSON.stringify(parsed);
}

/** Whether a string is the original body. A JSON parser also leaves a string for a body that is a JSON string, which was longer by its quotation marks. */
function isText(text: string, { headers }: NodeRequest): boolean {
  if (!/^application\/json\b/i.test(String(headers['content-type']))) return true;
  const length = headers['content-encoding'] === undefined ? headers['content-length'] : undefined;
  if (length !== undefined) return Number(length) < new TextEncoder().encode(text).length + 2;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isHttp2({ httpVersionMajor = 1 }: NodeRequest): boolean {
  return httpVersionMajor > 1;
}

function hasBody(node: NodeRequest): boolean {
  const { method, headers } = node;
  if (method === 'GET' || method === 'HEAD') return false;
  // It needs no header for a body: https://www.rfc-editor.org/rfc/rfc9113#section-8.1.1
  if (isHttp2(node)) return true;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function streamOf(node: NodeRequest): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream(
    {
      async pull(controller) {
        const next = await (chunks ??= node[Symbol.asyncIterator]()).next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
}

function headersOf({ headers }: NodeRequest): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':')) continue; // HTTP/2's own
    for (const each of typeof value === 'string' ? [value] : value) all.append(name, each);
  }
  return all;
}

function urlOf({ originalUrl, url = '/', headers, socket }: NodeRequest): string {
  const scheme = (socket as { readonly encrypted?: boolean } | undefined)?.encrypted ? 'https' : 'http';
  const authority = headers[':authority'] ?? headers.host ?? 'localhost';
  return `${scheme}://${String(authority)}${originalUrl ?? url}`;
}

async function send(body: ReadableStream<Uint8Array>, out: NodeResponse): Promise<void> {
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => undefined); // ends the reading, too
  out.once('close', leave);
  if (out.destroyed) leave();
  // The headers go with the first chunk, unless that takes longer.
  const late = setTimeout(() => out.flushHeaders?.());
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      clearTimeout(late);
      if (!out.write(read.value)) await whenDrained(out);
    }
  } finally {
    clearTimeout(late);
  }
  out.off('close', leave);
}

function whenDrained(out: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      out.off('drain', go);
      out.off('close', go);
      resolve();
    };
    out.once('drain', go);
    out.once('close', go);
    if (out.destroyed) go();
  });
}
