import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Hono } from 'hono';
import * as core from 'rx-scrivener';
import * as http from 'rx-scrivener/http';
import ts from 'typescript';
import { codeBlocks } from '../docs/markdown';
import { HttpServer } from './support/http-server';

const blocks = codeBlocks(readFileSync(join(__dirname, '../../docs/http.md'), 'utf8')).filter(
  ({ language }) => language === 'ts',
);
const blockWith = (text: string) => blocks.find((block) => block.text.includes(text))!.text;

/** Runs a block of the guide with what it imports and what it has around it, and gives what it names last. */
async function run(text: string, globals: Readonly<Record<string, unknown>>, result = 'undefined'): Promise<unknown> {
  const { outputText } = ts.transpileModule(text.replace(/^import .*\n/gm, ''), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const names = Object.keys(globals);
  const body = `return (async () => { ${outputText.replace(/export \{\};/, '')}\n return ${result}; })();`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is our own guide that is run
  return (new Function(...names, body) as (...values: unknown[]) => Promise<unknown>)(...Object.values(globals));
}

test('the guide for node:http, and for the client, work together', async () => {
  const journal = Object.assign(new core.InMemoryScrivener<{ type: string; text?: string }>(), {
    whenFlushed: () => Promise.resolve(),
    close: () => Promise.resolve(),
  });
  const openFileScrivener = () => Promise.resolve(journal);
  const process = { once: () => undefined, env: {} };
  const globals = { ...http, createServer, openFileScrivener, process };
  const text = blockWith('createServer(').replace('8080', "0, '127.0.0.1'");
  const server = (await run(text, globals, 'server')) as Server;
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const answering = journal
    .waitFor(0, ({ type }) => type === 'Asked')
    .then(({ position }) => {
      journal.append({ type: 'Answered', inReplyTo: position } as never);
    });
  const printed: unknown[] = [];
  const client = blockWith('openRemoteScrivener<').replace(/'https:[^']*'/, `'http://127.0.0.1:${port}/'`);
  await run(client.replace(/declare .*\n/, ''), {
    ...core,
    ...http,
    currentToken: () => Promise.resolve('token'),
    console: { log: (...values: unknown[]) => printed.push(values) },
  });
  await answering;
  expect(printed).toContainEqual([{ position: 2, entry: { type: 'Answered', inReplyTo: 1 } }]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('the guide for Hono works, and lets through who has the token', async () => {
  const scrivener = new core.InMemoryScrivener<unknown>();
  const process = { env: { TOKEN: 'right' } };
  const app = (await run(blockWith('new Hono()'), { ...http, Hono, scrivener, process }, 'app')) as Hono;
  const server = await HttpServer.start((request) => app.fetch(request));
  const open = (token: string) =>
    http.openRemoteScrivener({ url: server.url, headers: { Authorization: `Bearer ${token}` } });
  await expect(open('wrong')).rejects.toThrow(http.AccessDeniedError);
  expect((await open('right')).head).toBe(0);
  await server.stop();
});
