/* global Bun, Deno */
import { createServer } from 'node:http';
import { nodeListener } from 'rx-scrivener/http';

/** Serves a handler by what the runtime has for it. */
export async function serve(handler) {
  if ('Bun' in globalThis) {
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch: handler });
    return { url: `http://127.0.0.1:${server.port}/`, stop: () => server.stop(true) };
  }
  if ('Deno' in globalThis) {
    const leave = new AbortController();
    const server = Deno.serve({ port: 0, hostname: '127.0.0.1', signal: leave.signal, onListen: () => {} }, handler);
    const stop = async () => {
      leave.abort();
      await server.finished;
    };
    return { url: `http://127.0.0.1:${server.addr.port}/`, stop };
  }
  const server = createServer(nodeListener(handler));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, stop };
}
