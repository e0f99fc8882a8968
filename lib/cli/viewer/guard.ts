import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * The URL of a request that may be answered, without the token that its path starts with; `undefined` for all others.
 *
 * Other users of the machine do not know the token. A page of another origin is recognized by its `Origin`, and a page whose name leads here (DNS
 * rebinding) by the `Host`.
 */
export function admitted(request: IncomingMessage, token: string): URL | undefined {
  const { host = '', origin } = request.headers;
  // As browsers write it: they leave out port 80.
  const own = new URL(`http://127.0.0.1:${request.socket.localPort}`);
  if (host !== own.host) return undefined;
  if (origin !== undefined && origin !== own.origin) return undefined;
  if (!['same-origin', 'none', undefined].includes(request.headers['sec-fetch-site'])) return undefined;
  const [, given = '', path] = /^\/([^/?#]*)(\/[^#]*)$/.exec(request.url ?? '') ?? [];
  if (path === undefined || !isSame(given, token)) return undefined;
  return URL.canParse(path, own) ? new URL(path, own) : undefined;
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
