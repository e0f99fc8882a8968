import * as common from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as rxjs from 'rxjs';
import type { Journals } from 'rx-scrivener';
import * as http from 'rx-scrivener/http';
import * as nestjs from 'rx-scrivener/nestjs';
import ts from 'typescript';
import { codeBlocks } from '../docs/markdown';
import { useTempDir } from '../file/support/temp-dir';
import { openTails } from './support/open-tails';

const path = useTempDir();
beforeAll(() => {
  common.Logger.overrideLogger(false);
});
const guide = readFileSync(join(__dirname, '../../docs/nestjs.md'), 'utf8');
const [one, folder] = codeBlocks(guide)
  .filter(({ text }) => text.includes('nodeListener('))
  .map(({ text }) => text);

/** A module of the guide, with its files in a directory of the spec's. */
function guideModule(block: string): common.Type {
  const text = block
    .replace(/^import [^]*?;\n/gm, '')
    .replace(/^const app = [^]*/m, '')
    .replace(/data\/(chat\.ndjson|chats)/, path('$1'));
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, experimentalDecorators: true },
  });
  const globals = { ...rxjs, ...common, ...http, ...nestjs };
  const run = compileFunction(`${outputText.replace(/export \{\};/, '')}\nreturn AppModule;`, Object.keys(globals));
  return (run as (...values: unknown[]) => common.Type)(...Object.values(globals));
}

const ADAPTERS: [string, () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

test.each(ADAPTERS)('the guide serves a journal on %s', async (_, adapter) => {
  const app = await NestFactory.create(guideModule(one!), adapter());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const remote = await http.openRemoteScrivener({ url: `${url}/journal` });
  expect(await remote.write({ type: 'Said', who: 'ann', text: 'hello' })).toBe(1);
  const [tail] = await openTails(`${url}/said`, 1);
  await remote.close();
  await app.close();
  await tail!.over;
  expect(tail!.text()).toContain('hello');
});

test.each(ADAPTERS)('the guide serves the journals of a folder on %s', async (_, adapter) => {
  const app = await NestFactory.create(guideModule(folder!), adapter());
  const journals = app.get<Journals<unknown>>(nestjs.getJournalsToken());
  await app.listen(0, '127.0.0.1');
  for (const name of ['ann', 'ben']) {
    await journals.create(name);
    const remote = await http.openRemoteScrivener({ url: `${await app.getUrl()}/chats/${name}` });
    expect(await remote.write({ type: 'Said', who: name, text: 'hello' })).toBe(1);
    await remote.close();
    expect((await journals.journal(name).waitFor(0, () => true)).entry).toMatchObject({ who: name });
  }
  await app.close();
});
