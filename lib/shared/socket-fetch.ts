import { Agent, request as send, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** A header of a holder that is closing: it has not processed the request. */
export const CLOSING_HEADER = 'x-scrivener-closing';

/** A connection failed, as the platform's `fetch` reports it: nothing was sent. */
export function unsent(cause?: unknown): TypeError {
  return new TypeError('fetch failed', {
    cause: Object.assign(new Error('No holder', { cause }), { code: 'ECONNREFUSED' }),
  });
}

/** Requests through a local socket. */
export class SocketFetch {
  readonly #agent = new Agent({ keepAlive: true });

  /** Like the platform's `fetch`, which does not support sockets. */
  readonly fetch = (socketPath: string, url: URL, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { method = 'GET', signal, body } = init;
      const headers = Object.fromEntries(new Headers(init.headers));
      const path = url.pathname + url.search;
      const options = { agent: this.#agent, socketPath, path, method, headers, signal: signal ?? undefined };
      const request = send(options, (message) => {
        if (message.headers[CLOSING_HEADER] === undefined) return resolve(responseOf(message, method));
        message.resume();
        reject(unsent());
      });
      request.on('error', (cause: NodeJS.ErrnoException) => {
        const isUnsent = cause.syscall === 'connect';
        reject(isUnsent ? unsent(cause) : new TypeError('fetch failed', { cause }));
      });
      request.end(body ?? undefined);
    });

  close(): void {
    this.#agent.destroy();
  }
}

function responseOf(message: IncomingMessage, method: string): Response {
  const { statusCode: status = 500 } = message;
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  const isEmpty = method === 'HEAD' || status === 204 || status === 304;
  if (isEmpty) message.resume();
  return new Response(isEmpty ? null : (Readable.toWeb(message) as ReadableStream), { status, headers });
}
