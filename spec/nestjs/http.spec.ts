import {
  All,
  Controller,
  Logger,
  Query,
  Req,
  Res,
  Sse,
  UseGuards,
  type BeforeApplicationShutdown,
  type INestApplication,
  type ModuleMetadata,
  type NestModule,
  type MiddlewareConsumer,
} from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { setTimeout as sleep } from 'node:timers/promises';
import { map } from 'rxjs';
import type { Scrivener } from 'rx-scrivener';
import {
  journalHandler,
  nodeListener,
  openRemoteScrivener,
  type NodeListener,
  type NodeRequest,
  type NodeResponse,
} from 'rx-scrivener/http';
import { getScrivenerToken, InjectScrivener, ScrivenerModule } from 'rx-scrivener/nestjs';
import { useTempDir } from '../file/support/temp-dir';
import { entriesIn } from './support/entries-in';
import { moduleOf } from './support/nest-application';
import { openTails, openUnread } from './support/open-tails';

interface Said {
  readonly text: string;
}
const said = (...texts: string[]) => texts.map((text): Said => ({ text }));

const path = useTempDir();
beforeAll(() => {
  Logger.overrideLogger(false);
});
const listenerOf = (scrivener: Scrivener<Said>) => nodeListener(journalHandler(scrivener, { authorize: 'public' }));

@Controller()
class Journal {
  readonly #listener: NodeListener;

  constructor(@InjectScrivener() private readonly scrivener: Scrivener<Said>) {
    this.#listener = listenerOf(scrivener);
  }

  @All('journal')
  serve(@Req() request: never, @Res() response: never): void {
    this.#listener(request, response);
  }

  @Sse('events')
  events(@Query('after') after?: string) {
    return this.scrivener
      .tail(Number(after ?? 0))
      .pipe(map(({ position, entry }) => ({ id: String(position), data: entry })));
  }

  @Sse('events-later')
  async eventsLater() {
    await sleep(1);
    return this.events();
  }
}

class MountingModule implements NestModule {
  constructor(@InjectScrivener() private readonly scrivener: Scrivener<Said>) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(listenerOf(this.scrivener)).forRoutes('mounted');
  }
}

let app: INestApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const file = () => ScrivenerModule.forFile({ filePath: path('journal.ndjson'), flushIntervalMs: Infinity });

async function serve(adapter: AbstractHttpAdapter, metadata: ModuleMetadata = {}): Promise<string> {
  const { imports = [file()], controllers = [Journal], ...others } = metadata;
  const Root = moduleOf({
    imports: [...imports, { module: MountingModule }],
    controllers,
    ...others,
  });
  app = await NestFactory.create(Root, adapter);
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

const journalOf = (application: INestApplication) => application.get<Scrivener<Said>>(getScrivenerToken());

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
  test.each(['journal', 'mounted'])(
    'a journal is written, read and tailed under /%s, body parsers on',
    async (route) => {
      const url = `${await serve(adapter())}/${route}`;
      const remote = await openRemoteScrivener<Said>({ url });
      expect(await Promise.all(said('a', 'b').map((entry) => remote.write(entry)))).toEqual([1, 2]);
      expect(await remote.waitFor(1, () => true)).toEqual({ position: 2, entry: { text: 'b' } });
      await remote.close();
    },
  );

  test.each(['journal', 'mounted', 'events', 'events-later'])(
    'the application closes while 100 tails of /%s are open, and none receives an end',
    async (route) => {
      const url = `${await serve(adapter())}/${route}`;
      await journalOf(app!).write({ text: 'first' });
      const tails = await openTails(url, 100);
      // What is looked at is an end while they are read, not while they begin.
      while (tails.some((tail) => !tail.text().includes('first'))) await sleep(5);
      await journalOf(app!).write({ text: 'last' });
      expect(await closingMs()).toBeLessThan(SOON_MS);
      await Promise.all(tails.map(({ over }) => over));
      expect(tails.filter((tail) => !tail.text().includes('first') || /ended|failed/.test(tail.text()))).toEqual([]);
      expect(entriesIn(path('journal.ndjson'))).toEqual(said('first', 'last'));
    },
  );

  test.each(['journal', 'events'])('also of /%s whose readers take nothing', async (route) => {
    const url = `${await serve(adapter())}/${route}`;
    await openUnread(url);
    for (let n = 0; n < 50; n++) await journalOf(app!).write({ text: 'x'.repeat(200_000) });
    expect(await closingMs()).toBeLessThan(SOON_MS);
    expect(entriesIn(path('journal.ndjson'))).toHaveLength(50);
  });

  test('a remote scrivener reads what hooks write, keeps its tail, and continues at another server', async () => {
    const hook: BeforeApplicationShutdown = {
      beforeApplicationShutdown: async () => {
        await journalOf(app!).write({ text: 'from a hook' });
      },
    };
    const base = await serve(adapter(), { providers: [{ provide: 'hook', useValue: hook }] });
    const remote = await openRemoteScrivener<Said>({ url: `${base}/journal` });
    const seen: string[] = [];
    let isOver = false;
    const end = () => (isOver = true);
    const reading = remote.tail().subscribe({ next: ({ entry }) => seen.push(entry.text), error: end, complete: end });
    await remote.write({ text: 'first' });
    expect(await closingMs()).toBeLessThan(SOON_MS);

    const Root = moduleOf({ imports: [file()], controllers: [Journal] });
    app = await NestFactory.create(Root, adapter());
    await app.listen(new URL(base).port, '127.0.0.1');
    await journalOf(app).write({ text: 'at another' });
    while (!seen.includes('at another')) await sleep(5);
    expect(seen).toEqual(['first', 'from a hook', 'at another']);
    expect(isOver).toBe(false);
    reading.unsubscribe();
    await remote.close();
  });

  test.each(['asked', 'guarded'])(
    'a tail of /%s that is allowed while the application closes is lost, too',
    async (route) => {
      const guard = { canActivate: () => sleep(100, true) };
      @Controller()
      class Late {
        constructor(@InjectScrivener() private readonly scrivener: Scrivener<Said>) {}

        @All('asked')
        asked(@Req() request: NodeRequest, @Res() response: NodeResponse) {
          nodeListener(journalHandler(this.scrivener, { authorize: guard.canActivate }))(request, response);
        }

        @UseGuards(guard)
        @Sse('guarded')
        guarded() {
          return this.scrivener.tail().pipe(map(({ entry }) => ({ data: entry })));
        }
      }
      const base = await serve(adapter(), { controllers: [Late] });
      await journalOf(app!).write({ text: 'first' });
      const opening = openTails(`${base}/${route}`, 1);
      opening.catch(() => undefined);
      await sleep(30);
      expect(await closingMs()).toBeLessThan(SOON_MS);
      await expect(opening).rejects.toMatchObject({ code: 'ECONNRESET' });
    },
  );

  test('tails have what is written in the hooks of all modules', async () => {
    const hook = (text: string) => ({
      provide: text,
      useValue: {
        beforeApplicationShutdown: async () => {
          await journalOf(app!).write({ text });
          await sleep(50);
        },
      },
    });
    const imports = [
      moduleOf({ providers: [hook('before')] }),
      file(),
      { module: moduleOf({}), global: true, providers: [hook('global')] },
      moduleOf({ imports: [moduleOf({ providers: [hook('deep')] })] }),
    ];
    const base = await serve(adapter(), { imports, providers: [hook('root')] });
    await journalOf(app!).write({ text: 'first' });
    const tails = await Promise.all(['journal', 'events'].map((route) => openTails(`${base}/${route}`, 1)));
    await app!.close();
    for (const [tail] of tails) {
      await tail!.over;
      const texts = [...tail!.text().matchAll(/"text":"(\w+)"/g)].map(([, text]) => text);
      expect(texts.sort()).toEqual(['before', 'deep', 'first', 'global', 'root']);
    }
  });

  test('with several journals, and one in memory', async () => {
    const imports = [file(), ScrivenerModule.forMemory({ name: 'memory' })];
    const url = `${await serve(adapter(), { imports })}/journal`;
    await journalOf(app!).write({ text: 'first' });
    await openTails(url, 3);
    expect(await closingMs()).toBeLessThan(SOON_MS);
  });

  test('a request that is running is answered', async () => {
    @Controller()
    class Slow {
      @All('slow')
      async slow() {
        await sleep(100);
        return 'answered';
      }
    }
    const base = await serve(adapter(), { controllers: [Journal, Slow] });
    const answer = fetch(`${base}/slow`, { headers: { Connection: 'close' } });
    await sleep(30);
    await app!.close();
    expect(await (await answer).text()).toBe('answered');
  });
});
