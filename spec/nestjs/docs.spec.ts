import * as common from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as rxjs from 'rxjs';
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
const block = codeBlocks(guide).find(({ text }) => text.includes('nodeListener('))!.text;

/** The guide's module, with its file in a directory of the spec's. */
function guideModule(): common.Type {
  const text = block.replace(/^import [^]*?;\n/gm, '').replace('data/chat.ndjson', path('chat.ndjson'));
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, experimentalDecorators: true },
  });
  const globals = { ...rxjs, ...common, ...http, ...nestjs };
  const run = compileFunction(`${outputText.replace(/export \{\};/, '')}\nreturn AppModule;`, Object.keys(globals));
  return (run as (...values: unknown[]) => common.Type)(...Object.values(globals));
}

test.each<[string, () => AbstractHttpAdapter]>([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('the guide serves a journal on %s', async (_, adapter) => {
  const app = await NestFactory.create(guideModule(), adapter());
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
