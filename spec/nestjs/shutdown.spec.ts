import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalClosedError, type FlusherDaemon, type Scrivener } from 'rx-scrivener';
import { getFlusherToken, getScrivenerToken, InjectScrivener, ScrivenerModule } from 'rx-scrivener/nestjs';
import { useTempDir } from '../file/support/temp-dir';
import { entriesIn } from './support/entries-in';
import { moduleOf, useNest } from './support/nest-application';

const path = useTempDir();
const start = useNest();

/** Writes in each of its hooks, before and behind something slow. */
class Writer implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @InjectScrivener() readonly scrivener: Scrivener<string>,
    @Inject('who') readonly who: string,
  ) {}

  onModuleDestroy = () => this.#write('onModuleDestroy');
  beforeApplicationShutdown = () => this.#write('beforeApplicationShutdown');
  onApplicationShutdown = () => this.#write('onApplicationShutdown');

  async #write(hook: string) {
    await this.scrivener.write(`${this.who}: ${hook}`);
    await sleep(5);
    await this.scrivener.write(`${this.who}: ${hook}, later`);
  }
}

/** Writes as a module class. */
class WritingModule {
  constructor(@InjectScrivener() readonly scrivener: Scrivener<string>) {}

  async onApplicationShutdown() {
    await sleep(5);
    await this.scrivener.write('module class: onApplicationShutdown');
  }
}

const writing = (who: string) => [Writer, { provide: 'who', useValue: who }];
const expected = (who: string) =>
  ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'].flatMap((hook) => [
    `${who}: ${hook}`,
    `${who}: ${hook}, later`,
  ]);

const file = () => ScrivenerModule.forFile({ filePath: path('journal.ndjson'), flushIntervalMs: Infinity });

/** A global module that imports the journal: Nest's own order has it behind the journal. */
function globalModule(imports: NonNullable<ModuleMetadata['imports']>, who: string) {
  @Global()
  @Module({ imports, providers: writing(who) })
  class GlobalModule {}
  return GlobalModule;
}

test.each([
  ['root', () => ({ imports: [file()], providers: writing('root') }), ['root']],
  ['before', () => ({ imports: [moduleOf({ providers: writing('before') }), file()] }), ['before']],
  ['behind', () => ({ imports: [file(), moduleOf({ providers: writing('behind') })] }), ['behind']],
  [
    'deeper than the journal',
    () => ({
      imports: [file(), moduleOf({ imports: [moduleOf({ imports: [moduleOf({ providers: writing('deep') })] })] })],
    }),
    ['deep'],
  ],
  [
    'above the journal',
    () => ({ imports: [moduleOf({ imports: [moduleOf({ imports: [file()] })] })], providers: writing('above') }),
    ['above'],
  ],
  ['global, with the journal', () => ({ imports: [globalModule([file()], 'global')] }), ['global']],
  ['global, before the journal', () => ({ imports: [globalModule([], 'global'), file()] }), ['global']],
  ['global, behind the journal', () => ({ imports: [file(), globalModule([], 'global')] }), ['global']],
  [
    'all of these',
    () => ({
      imports: [
        moduleOf({ providers: writing('before') }),
        globalModule([moduleOf({ imports: [file()], providers: writing('around') })], 'global'),
        moduleOf({ imports: [moduleOf({ providers: writing('deep') })], providers: writing('behind') }),
      ],
      providers: writing('root'),
    }),
    ['before', 'around', 'global', 'deep', 'behind', 'root'],
  ],
])('what providers write in their hooks is kept: %s', async (_, metadata, writers) => {
  const app = await start(metadata());
  const flusher = app.get<FlusherDaemon<string>>(getFlusherToken());
  await app.close();
  expect(flusher.status).toBe('Completed');
  expect(entriesIn(path('journal.ndjson')).sort()).toEqual(writers.flatMap(expected).sort());
});

test('what a module class writes in its hook is kept', async () => {
  const app = await start({ imports: [{ module: WritingModule, global: true, imports: [file()] }] });
  await app.close();
  expect(entriesIn(path('journal.ndjson'))).toEqual(['module class: onApplicationShutdown']);
});

test('also of the journals that come after and before it', async () => {
  const other = ScrivenerModule.forFile({ name: 'other', filePath: path('other') });
  const app = await start({
    imports: [other, file(), ScrivenerModule.forMemory({ name: 'memory' })],
    providers: writing('root'),
  });
  await app.get<Scrivener<string>>(getScrivenerToken('other')).write('other');
  await app.close();
  expect(entriesIn(path('journal.ndjson'))).toEqual(expected('root'));
  expect(entriesIn(path('other'))).toEqual(['other']);
});

test('in an application that was never initialized', async () => {
  const app = await Test.createTestingModule({ imports: [file()], providers: writing('root') }).compile();
  await app.get<Scrivener<string>>(getScrivenerToken()).write('made');
  await app.close();
  expect(entriesIn(path('journal.ndjson'))).toEqual(['made', ...expected('root')]);
});

test('a provider that never stops writing: what was accepted is kept, the rest is refused', async () => {
  const app = await start({ imports: [file()] });
  const scrivener = app.get<Scrivener<number>>(getScrivenerToken());
  const accepted: number[] = [];
  const refused = (async () => {
    for (let n = 1; ; n++) {
      await scrivener.write(n);
      accepted.push(n);
      if (n % 100 === 0) await sleep(0);
    }
  })();
  refused.catch(() => {});
  await sleep(20);
  await app.close();
  await expect(refused).rejects.toThrow(JournalClosedError);
  expect(entriesIn(path('journal.ndjson'))).toEqual(accepted);
});

test('a provider whose hook fails keeps nothing from the journal', async () => {
  const failing = { provide: 'failing', useValue: { onModuleDestroy: () => Promise.reject(new Error('not now')) } };
  const app = await start({ imports: [file()], providers: [failing, ...writing('root')] });
  await app.close();
  expect(entriesIn(path('journal.ndjson'))).toEqual(expected('root'));
});

test('closing again does nothing', async () => {
  const app = await start({ imports: [file()] });
  await Promise.all([app.close(), app.close()]);
  await app.close();
});
