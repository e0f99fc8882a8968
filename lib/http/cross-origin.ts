import { HEARTBEAT_HEADER, KEY_HEADER, MEMORY_HEADER } from './protocol';

const ALLOWED = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST',
  'Access-Control-Allow-Headers': `Authorization, Content-Type, If-Match, Last-Event-ID, ${KEY_HEADER}, ${MEMORY_HEADER}`,
  'Access-Control-Max-Age': '600',
};

/** What pages of other origins may see and do. */
export class CrossOrigin {
  readonly #origins: readonly string[];

  /** @throws TypeError for what is neither `'*'` nor an origin */
  constructor(origin: string | readonly string[]) {
    this.#origins = typeof origin === 'string' ? [origin] : origin;
    for (const each of this.#origins) {
      if (each === '*' || (URL.canParse(each) && new URL(each).origin === each)) continue;
      throw new TypeError(`Expected \`cors.origin\` to be '*' or an origin such as https://example.com, got ${each}`);
    }
  }

  /** The headers of an answer. */
  headersFor(request: Request): Record<string, string> {
    const origin = request.headers.get('Origin');
    const allowed = this.#origins.find((each) => each === '*' || each === origin);
    const headers = { Vary: 'Origin' };
    if (origin === null || allowed === undefined) return headers;
    return {
      ...headers,
      'Access-Control-Allow-Origin': allowed,
      'Access-Control-Expose-Headers': `ETag, ${MEMORY_HEADER}, ${HEARTBEAT_HEADER}`,
    };
  }

  /** The answer to a browser that asks before it sends a request. */
  preflight(request: Request): Response {
    const headers = this.headersFor(request);
    const isAllowed = 'Access-Control-Allow-Origin' in headers;
    return new Response(null, { status: isAllowed ? 204 : 403, headers: { ...headers, ...(isAllowed && ALLOWED) } });
  }
}
