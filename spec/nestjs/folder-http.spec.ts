import {
  All,
  Controller,
  Logger,
  Param,
  Req,
  Res,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalClosedError, type Journals, type Scrivener } from 'rx-scrivener';
import { durableStreams, openDurableStream } from 'rx-scrivener/durable-streams';
import { journalHandler, nodeListener, openRemoteScrivener, type NodeListener } from 'rx-scrivener/http';
import { getJournalsToken, InjectJournals, ScrivenerModule } from 'rx-scrivener/nestjs';
import { useTempDir } from '../file/support/temp-dir';
import { entriesIn } from './support/entries-in';
import { moduleOf } from './support/nest-application';
import { openTails } from './support/open-tails';

interface Said {
  readonly text: string;
}

const path = useTempDir();
beforeAll(() => {
  Logger.overrideLogger(false);
});
const streams = (journals: Journals<unknown>, basePath: string) =>
  nodeListener(durableStreams(journals, { authorize: 'public', basePath }));

@Controller()
class Chats {
  readonly #listeners = new WeakMap<Scrivener<Said>, NodeListener>();

  constructor(@InjectJournals() private readonly journals: Journals<Said>) {}

  @All('chats/:name')
  serve(@Param('name') name: string, @Req() request: never, @Res() response: never): void {
    const chat = this.journals.journal(name);
    let listener = this.#listeners.get(chat);
    if (!listener) this.#listeners.set(chat, (listener = nodeListener(journalHandler(chat, { authorize: 'public' }))));
    listener(request, response);
  }
}

class MountingModule implements NestModule {
  constructor(@InjectJournals() private readonly journals: Journals<unknown>) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(streams(this.journals, '/mounted/')).forRoutes('mounted/*path');
  }
}

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const journalsOf = (application: INestApplication) => application.get<Journals<Said>>(getJournalsToken());

async function serve(adapter: AbstractHttpAdapter, forceCloseConnections = false): Promise<string> {
  const folder = ScrivenerModule.forFolder({
    folder: path('chats'),
    flushIntervalMs: Infinity,
  });
  app = await NestFactory.create(
    moduleOf({
      imports: [folder, { module: MountingModule }],
      controllers: [Chats],
    }),
    adapter,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest has a class for its options, and takes objects
    { forceCloseConnections },
  );
  app.use('/streams', streams(journalsOf(app) as Journals<unknown>, '/streams/'));
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

/** Closes the application, and tells how long it took; the limit is far from what waiting for connections takes. */
async function closingMs(): Promise<number> {
  const start = performance.now();
  await app!.close();
  return performance.now() - start;
}
const SOON_MS = 2_000;

describe.each<[string, () => AbstractHttpAdapter]>([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('on %s', (_, adapter) => {
  test('each journal is written and tailed by its name in a controller', async () => {
    const base = await serve(adapter(), true);
    for (const name of ['ann', 'ben%2F1']) {
      await journalsOf(app!).create(decodeURIComponent(name));
      const remote = await openRemoteScrivener<Said>({
        url: `${base}/chats/${name}`,
      });
      expect(await remote.write({ text: name })).toBe(1);
      expect(await remote.waitFor(0, () => true)).toMatchObject({
        entry: { text: name },
      });
      await remote.close();
    }
    const names: string[] = [];
    for await (const name of journalsOf(app!).names()) names.push(name);
    expect(names).toEqual(['ann', 'ben/1']);
    expect((await fetch(`${base}/chats/nobody`)).status).toBe(404);
  });

  test.each([
    ['streams', 3_000_000],
    ['mounted', 50_000],
  ])('each is a durable stream under /%s, body parsers on', async (route, length) => {
    const url = `${await serve(adapter(), true)}/${route}/ann/1`;
    const created = await fetch(url, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(created.status).toBe(201);
    const stream = await openDurableStream<Said>({ url });
    expect(await stream.write({ text: 'a' })).toBe(1);
    expect(await stream.write({ text: 'b'.repeat(length) })).toBe(2);
    await stream.close();
    const bytes = await fetch(`${url}-bytes`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array([1, 2, 3]),
    });
    expect(bytes.status).toBe(201);
    expect(
      (
        await journalsOf(app!)
          .journal('ann/1')
          .waitFor(0, () => true)
      ).entry,
    ).toEqual({ text: 'a' });
  });

  test.each(['sse', 'long-poll'])(
    'the application closes while %s readers wait, and keeps what was written',
    async (live) => {
      const base = await serve(adapter());
      await journalsOf(app!).journal('ann').write({ text: 'first' });
      const url = `${base}/streams/ann?offset=-1&live=${live}`;
      const lost: Promise<unknown>[] = [];
      if (live === 'sse') lost.push(...(await openTails(url, 20)).map(({ over }) => over));
      else {
        const { headers } = await fetch(url);
        const next = `${base}/streams/ann?offset=${headers.get('stream-next-offset')}&live=${live}`;
        for (let n = 0; n < 20; n++) lost.push(fetch(next).catch(() => undefined));
        await sleep(200); // until they wait
      }
      expect(await closingMs()).toBeLessThan(SOON_MS);
      await Promise.all(lost);
      expect(entriesIn(path('chats/ann/journal.ndjson'))).toEqual([{ text: 'first' }]);
      await expect(journalsOf(app!).journal('ann').write({ text: 'late' })).rejects.toThrow(JournalClosedError);
    },
  );
});
