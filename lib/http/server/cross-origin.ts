import { assertOptions, shown } from '../../errors/assert-argument';
import type { CrossOriginOptions } from './handler-options';
import { FIRST_HEADER, FLUSHED_HEADER, HEARTBEAT_HEADER, KEY_HEADER, MEMORY_HEADER } from '../protocol';

const METHODS = 'GET, HEAD, POST';
const EXPOSED = ['ETag', 'Retry-After', MEMORY_HEADER, FIRST_HEADER, FLUSHED_HEADER, HEARTBEAT_HEADER];
const HEADERS = ['Authorization', 'Content-Type', 'If-Match', 'Last-Event-ID', KEY_HEADER, MEMORY_HEADER];

const OPTIONS: Record<keyof CrossOriginOptions, true> = { origin: true, credentials: true, allowHeaders: true };

/** The parts of a handler that pages of other origins may use. */
export interface CrossOriginSurface {
  readonly methods: string;
  /** Headers that requests may have. */
  readonly headers: readonly string[];
  /** Headers of answers that pages may see. */
  readonly exposed: readonly string[];
}

const JOURNAL: CrossOriginSurface = {
  methods: METHODS,
  headers: HEADERS,
  exposed: EXPOSED,
};

/** The CORS headers for pages of other origins. */
export class CrossOrigin {
  readonly #allows: (origin: string) => unknown;
  readonly #isAny: boolean;
  readonly #credentials: boolean;
  readonly #allowHeaders: string;
  readonly #methods: string;
  readonly #exposed: string;

  /** @throws TypeError for invalid settings, and for those that browsers refuse */
  constructor(options: CrossOriginOptions, surface: CrossOriginSurface = JOURNAL) {
    assertOptions('cors', options, OPTIONS);
    const { origin, credentials = false, allowHeaders = [] } = options;
    if (typeof credentials !== 'boolean')
      throw new TypeError(`Expected \`cors.credentials\` to be a boolean, got ${shown(credentials)}`);
    if (!areTokens(allowHeaders))
      throw new TypeError(`Expected \`cors.allowHeaders\` to be names of headers, got ${shown(allowHeaders)}`);
    const origins = new Set<unknown>(Array.isArray(origin) ? origin : [origin]);
    this.#isAny = origins.has('*');
    if (this.#isAny && credentials)
      throw new TypeError("Expected `cors.origin` to name origins where `cors.credentials` is true, got '*'");
    if (typeof origin === 'function') this.#allows = origin;
    else {
      for (const each of origins) assertOrigin(each);
      this.#allows = (asking) => origins.has(asking);
    }
    this.#credentials = credentials;
    this.#methods = surface.methods;
    this.#exposed = surface.exposed.join(', ');
    this.#allowHeaders = [...surface.headers, ...allowHeaders].join(', ');
  }

  /** The headers of an answer; throws what the user's function throws. */
  headersFor(request: Request): Record<string, string> {
    const origin = request.headers.get('Origin');
    const headers = { Vary: 'Origin' };
    if (origin === null || !(this.#isAny || this.#allows(origin) === true)) return headers;
    return {
      ...headers,
      'Access-Control-Allow-Origin': this.#isAny ? '*' : origin,
      'Access-Control-Expose-Headers': this.#exposed,
      ...(this.#credentials && { 'Access-Control-Allow-Credentials': 'true' }),
    };
  }

  /** The answer to a browser's preflight request; `headers` are those of {@link headersFor}. */
  preflight(headers: Readonly<Record<string, string>>): Response {
    if (!('Access-Control-Allow-Origin' in headers)) return new Response(null, { status: 403, headers });
    const allowed = {
      'Access-Control-Allow-Methods': this.#methods,
      'Access-Control-Allow-Headers': this.#allowHeaders,
      'Access-Control-Max-Age': '600',
    };
    return new Response(null, { status: 204, headers: { ...headers, ...allowed } });
  }
}

/** An origin as browsers send it: a scheme and a host, also of an app or an extension, without a path. */
const ORIGIN = /^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#*]+)$/;

function assertOrigin(origin: unknown): void {
  const isOrigin = typeof origin === 'string' && ORIGIN.test(origin);
  if (isOrigin && (!/^https?:/.test(origin) || (URL.canParse(origin) && new URL(origin).origin === origin))) return;
  const expected = "'*', a function, or an origin such as https://example.com";
  throw new TypeError(`Expected \`cors.origin\` to be ${expected}, got ${shown(origin)}`);
}

function areTokens(names: unknown): boolean {
  return (
    Array.isArray(names) &&
    names.every((name) => typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
  );
}
