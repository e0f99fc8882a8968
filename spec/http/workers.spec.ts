/**
 * The core and `/http` where there is neither a page nor Node: a service worker, Cloudflare's workerd. A context has what ECMAScript has, and of the
 * platform only what is put into it.
 */
import { buildSync } from 'esbuild';
import { resolve } from 'node:path';
import { createContext, runInContext, type Context } from 'node:vm';

const ROOT = resolve(__dirname, '../..');

function bundled(contents: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: ROOT },
    tsconfig: resolve(ROOT, 'tsconfig.json'),
    bundle: true,
    write: false,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    format: 'iife',
    globalName: 'loaded',
  });
  return outputFiles[0]!.text;
}

const script = bundled(`
  export * from 'rx-scrivener';
  export * from 'rx-scrivener/http';
`);

/** What every worker has of the platform, besides what is common to all JavaScript. */
const PLATFORM = {
  AbortController,
  AbortSignal,
  crypto,
  DOMException,
  Headers,
  performance,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  clearInterval,
  clearTimeout,
  queueMicrotask,
  setInterval,
  setTimeout,
};

/** Runs code in which `loaded` is the package; what it uses and a worker has not is a ReferenceError. */
function run<R>(code: string, context: Context): Promise<R> {
  return runInContext(`(async () => { ${code} })()`, context) as Promise<R>;
}

function worker(extra: object = {}): Context {
  const context = createContext({ ...PLATFORM, ...extra });
  runInContext(script, context);
  return context;
}

test('load and work where there is no window, no document and no process', async () => {
  const context = worker();
  expect(await run('return [typeof window, typeof document, typeof process, typeof self]', context)).toEqual(
    Array.from({ length: 4 }, () => 'undefined'),
  );
  const found = await run<object>(
    `
      const { InMemoryScrivener, JsonEntrySerializer, FlusherDaemon, elapsed, isType, toAsyncIterable, ask, writeOnce, lastEntries } = loaded;
      const scrivener = new InMemoryScrivener({ serializer: new JsonEntrySerializer() });
      const flushed = [];
      const flusher = new FlusherDaemon({ scrivener, sink: { append: async (batch) => void flushed.push(...batch) }, predicate: elapsed(1) });
      await flusher.start();
      scrivener.tail().subscribe(({ position, entry }) => {
        if (entry.type === 'Asked') scrivener.append({ type: 'Answered', inReplyTo: position });
      });
      const answer = await ask(scrivener, { type: 'Asked' }, isType('Answered'), { timeout: 5000, signal: new AbortController().signal });
      const { written } = await writeOnce(scrivener, { type: 'Once' }, isType('Once'));
      const read = [];
      for await (const { position } of toAsyncIterable(scrivener.tail())) if (read.push(position) === 3) break;
      const last = await lastEntries(scrivener, 1);
      await flusher.shutdown();
      return { answer: answer.position, written, read, last: last[0].position, flushed: flushed.length };
    `,
    context,
  );
  expect(JSON.parse(JSON.stringify(found))).toEqual({ answer: 2, written: true, read: [1, 2, 3], last: 3, flushed: 3 });
});

test('a handler and its client work there', async () => {
  const found = await run<object>(
    `
      const { InMemoryScrivener, journalHandler, openRemoteScrivener, isType } = loaded;
      const journal = new InMemoryScrivener();
      const handle = journalHandler(journal, { authorize: 'public', heartbeatMs: 50 });
      const fetch = (input, init) => handle(new Request(input, init));
      const remote = await openRemoteScrivener({ url: 'http://worker.test/journal', fetch });
      const live = remote.waitFor(0, isType('Said'));
      const position = await remote.write({ type: 'Said' });
      const { position: seen } = await live;
      await remote.close();
      return { position, seen };
    `,
    worker(),
  );
  expect({ ...found }).toEqual({ position: 1, seen: 1 });
});

test('everything can be made while a module is loaded, when workerd has neither random values nor timers', async () => {
  let isLoading = true;
  const forbidden = <A extends unknown[], R>(name: string, allowed: (...args: A) => R) =>
    function (...args: A) {
      if (isLoading) throw new Error(`Disallowed operation called within global scope: ${name}`);
      return allowed(...args);
    };
  const context = worker({
    crypto: {
      getRandomValues: forbidden('getRandomValues', (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes)),
    },
    setTimeout: forbidden('setTimeout', setTimeout),
    setInterval: forbidden('setInterval', setInterval),
  });
  await run(
    `
      const { InMemoryScrivener, TappedScrivener, FlusherDaemon, AdapterHost, AgentHost, journalHandler, consume, countThreshold } = loaded;
      globalThis.journal = new InMemoryScrivener();
      const codec = { toEntry: (message) => message, toMessage: (entry) => entry };
      new TappedScrivener(journal, (entry, inner) => inner.write(entry));
      new FlusherDaemon({ scrivener: journal, sink: { append: async () => {} }, predicate: countThreshold(1) });
      new AgentHost(journal, codec);
      new AdapterHost({ scrivener: journal, codec, adapter: { incoming: [], deliver() {} } });
      consume(journal, { load: async () => 0, save: async () => {} }, () => {});
      journal.tail();
      globalThis.handle = journalHandler(journal, { authorize: 'public' });
    `,
    context,
  );
  isLoading = false;
  const post = `({ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '1' })`;
  const statuses = await run<{ status: number; token: string }[]>(
    `
      const answers = [];
      for (let n = 0; n < 2; n++) answers.push(await handle(new Request('http://worker.test/', ${post})));
      return answers.map(({ status, headers }) => ({ status, token: headers.get('Scrivener-Memory').split('.')[0] }));
    `,
    context,
  );
  expect(statuses.map(({ status }) => status)).toEqual([201, 201]);
  expect(new Set(statuses.map(({ token }) => token)).size).toBe(1);
  expect(statuses[0]!.token).toMatch(/^[0-9a-f]{32}$/);
});
