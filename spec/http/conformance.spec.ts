import { Hono } from 'hono';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import {
  scrivenerConformance,
  type ConformanceCreateOptions,
  type ConformanceEntry,
  type ConformanceSubject,
} from 'rx-scrivener/testing';
import { HttpServer } from './support/http-server';

// An error comes as another object than it was, and nothing is read before a timer of 0 ms fires.
const supports = { fail: false, immediate: false, ends: true };

/** What the journal would have dropped is on its way by then. */
const FALLING_BEHIND = 'retain: an iteration that falls behind rejects with PositionTrimmedError, once';
const testOverHttp = Object.assign(
  (name: string, run: () => Promise<void>) => {
    if (name === FALLING_BEHIND) test.skip(`${name} (it is sent ahead, and does not fall behind as soon)`, run);
    else test(name, run);
  },
  { skip: (name: string, run: () => Promise<void>) => test.skip(name, run) },
);

type Serve = (handle: (request: Request) => Promise<Response>) => Promise<HttpServer>;

async function overHttp(serve: Serve, { retain }: ConformanceCreateOptions): Promise<ConformanceSubject> {
  const journal = new InMemoryScrivener<ConformanceEntry>({ retain });
  const server = await serve(journalHandler(journal, { authorize: 'public' }));
  const scrivener = await openRemoteScrivener<ConformanceEntry>({ url: server.url });
  return {
    scrivener,
    complete: () => journal.complete(),
    observed: () => journal.observed,
    dispose: async () => {
      await scrivener.close();
      await server.stop();
    },
  };
}

describe('RemoteScrivener, through node:http', () => {
  const serve: Serve = (handle) => HttpServer.start(handle);
  scrivenerConformance({
    test: testOverHttp,
    create: (options) => overHttp(serve, options),
    supports,
    timeoutMs: 20_000,
  });
});

describe('RemoteScrivener, through Hono', () => {
  const serve: Serve = (handle) => {
    const app = new Hono();
    app.all('/journal', (context) => handle(context.req.raw));
    return HttpServer.start((request) => app.fetch(request));
  };
  scrivenerConformance({
    test: testOverHttp,
    create: (options) => overHttp(serve, options),
    supports,
    timeoutMs: 20_000,
  });
});
