import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * The path of a request that may be answered, without the token that it begins with; `undefined` for all others.
 *
 * Other users of the machine do not know the token; a page of another origin is told apart by its `Origin`, and one whose name leads here (DNS
 * rebinding) by its `Host`.
 */
export function admitted(request: IncomingMessage, token: string): URL | undefined {
  const { host = '', origin } = request.headers;
  const own = `127.0.0.1:${request.socket.localPort}`;
  if (host !== own) return undefined;
  if (origin !== undefined && origin !== `http://${own}`) return undefined;
  if (!['same-origin', 'none', undefined].includes(request.headers['sec-fetch-site'])) return undefined;
  const [, given = '', path] = /^\/([^/?#]*)(\/[^#]*)$/.exec(request.url ?? '') ?? [];
  if (path === undefined || !isSame(given, token)) return undefined;
  return URL.canParse(path, `http://${own}`) ? new URL(path, `http://${own}`) : undefined;
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
