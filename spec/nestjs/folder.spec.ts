import { Inject } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inMemoryJournals, JournalClosedError, type Journals } from 'rx-scrivener';
import { getJournalsToken, getScrivenerToken, InjectJournals, ScrivenerModule } from 'rx-scrivener/nestjs';
import { useTempDir } from '../file/support/temp-dir';
import { entriesIn } from './support/entries-in';
import { moduleOf, useNest } from './support/nest-application';

const path = useTempDir();
const start = useNest();
const folder = () => ScrivenerModule.forFolder({ folder: path('chats'), flushIntervalMs: Infinity });
const entriesOf = (journal: string) => entriesIn(path('chats', journal, 'journal.ndjson'));

/** Writes when it is made, and in each of its hooks, before and after something slow. */
class Chats {
  constructor(@InjectJournals() readonly journals: Journals<string>) {
    void journals.journal('ann').write('constructor');
  }

  onModuleInit = () => this.#write('onModuleInit');
  onModuleDestroy = () => this.#write('onModuleDestroy');
  beforeApplicationShutdown = () => this.#write('beforeApplicationShutdown');
  onApplicationShutdown = () => this.#write('onApplicationShutdown');

  async #write(hook: string) {
    await this.journals.journal('ann').write(hook);
    await sleep(5);
    await this.journals.journal('ben/1').write(`${hook}, later`);
  }
}
const HOOKS = ['onModuleInit', 'onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'];

describe('forFolder', () => {
  test.each([
    ['beside it', () => ({ imports: [folder()], providers: [Chats] })],
    ['before it', () => ({ imports: [moduleOf({ providers: [Chats] }), folder()] })],
    [
      'global, around it',
      () => ({ imports: [{ module: moduleOf({}), global: true, imports: [folder()], providers: [Chats] }] }),
    ],
  ])('keeps what providers write when they are made and in their hooks: %s', async (_, metadata) => {
    const app = await start(metadata());
    await app.close();
    expect(entriesOf('ann')).toEqual(['constructor', ...HOOKS]);
    expect(entriesOf('ben%2f1')).toEqual(HOOKS.map((hook) => `${hook}, later`));
  });

  test('what still writes when all hooks are done is refused; closing again does nothing', async () => {
    const app = await start({ imports: [folder()] });
    const journals = app.get<Journals<string>>(getJournalsToken());
    const accepted: string[] = [];
    const refused = (async () => {
      for (let n = 1; ; n++) {
        await journals.journal('ann').write(`entry ${n}`);
        accepted.push(`entry ${n}`);
        if (n % 100 === 0) await sleep(0);
      }
    })();
    refused.catch(() => undefined);
    while (accepted.length < 500) await sleep(1);
    await Promise.all([app.close(), app.close()]);
    await app.close();
    await expect(refused).rejects.toThrow(JournalClosedError);
    expect(entriesOf('ann')).toEqual(accepted);
  });

  test('several folders, and journals of the same names, live side by side', async () => {
    const TOKEN = Symbol('own');
    class All {
      @InjectJournals('audit') audit!: unknown;
      constructor(
        @InjectJournals() readonly chats: unknown,
        @Inject(TOKEN) readonly own: unknown,
      ) {}
    }
    const app = await start({
      imports: [
        folder(),
        ScrivenerModule.forFolder({ name: 'audit', folder: path('audit') }),
        ScrivenerModule.forFolder({ token: TOKEN, name: 'own', folder: path('own') }),
        ScrivenerModule.forFolder({ token: 'text', folder: path('text') }),
        ScrivenerModule.forMemory(),
        ScrivenerModule.forMemory({ name: 'audit' }),
      ],
      providers: [All],
    });
    const { audit, chats, own } = app.get(All);
    const names = ['audit', 'default', 'own', 'text'];
    expect([audit, chats, own, app.get('text')]).toEqual(names.map((name) => app.get<unknown>(getJournalsToken(name))));
    expect(new Set([audit, chats, own, app.get(getScrivenerToken('audit'))]).size).toBe(4);
  });

  test('two of one name stop the application', async () => {
    const imports = [folder(), ScrivenerModule.forFolder({ folder: path('other') })];
    await expect(start({ imports })).rejects.toThrow(
      'Expected journals to have names of their own, got two for rx-scrivener:journals:default',
    );
    expect([existsSync(path('chats')), existsSync(path('other'))]).toEqual([false, false]);
  });

  test('the application does not start with a folder that cannot be created', async () => {
    writeFileSync(path('chats'), '');
    await expect(start({ imports: [folder()] })).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test.each([
    [{ folder: '' }, 'Expected `folder` to be a path, got an empty string'],
    [{ maxOpen: 0 }, 'Expected `maxOpen` to be an integer >= 1 or Infinity, got 0'],
    [{ flushThreshold: 0 }, 'Expected `flushThreshold` to be an integer >= 1, got 0'],
    [{ filePath: 'a' }, /`filePath`/],
  ])('%p is refused at the call, and from a factory when the application starts', async (options, message) => {
    const config = { folder: path('chats'), ...options };
    expect(() => ScrivenerModule.forFolder(config)).toThrow(message);
    const module = ScrivenerModule.forFolderAsync({ useFactory: () => config });
    await expect(start({ imports: [module] })).rejects.toThrow(message);
  });

  test('journals that the application provides take its place, and are closed by who made them', async () => {
    const journals = inMemoryJournals<string>();
    const app = await start({
      imports: [folder(), moduleOf({ providers: [{ provide: getJournalsToken(), useValue: journals }] })],
      providers: [Chats],
    });
    await app.close();
    expect(existsSync(path('chats'))).toBe(false);
    await journals.journal('ann').write('still open');
    expect(await journals.journal('ann').waitFor(5, () => true)).toMatchObject({ entry: 'still open' });
  });

  test('overrideProvider keeps a test from the folder', async () => {
    const journals = inMemoryJournals<string>();
    const module = await Test.createTestingModule({ imports: [folder()], providers: [Chats] })
      .overrideProvider(getJournalsToken())
      .useValue(journals)
      .compile();
    await module.init();
    expect(module.get(Chats).journals).toBe(journals);
    await module.close();
    expect(existsSync(path('chats'))).toBe(false);
  });
});

describe('forFolderAsync', () => {
  class Settings {
    readonly chats = path('chats');
  }

  test('is configured with what is injected', async () => {
    const settings = moduleOf({ providers: [Settings], exports: [Settings] });
    const app = await start({
      imports: [
        ScrivenerModule.forFolderAsync<string>({
          imports: [settings],
          inject: [Settings],
          useFactory: async ({ chats }: Settings) => ({ folder: chats }),
        }),
      ],
      providers: [Chats],
    });
    await app.close();
    expect(entriesOf('ann')).toHaveLength(5);
  });

  test('the application does not start when the factory gives no configuration', async () => {
    const chats = ScrivenerModule.forFolderAsync({ name: 'chats', useFactory: (() => undefined) as never });
    await expect(start({ imports: [chats] })).rejects.toThrow(
      new TypeError('Expected `useFactory` of the folder "chats" to give its configuration, got undefined'),
    );
  });

  test('an unknown option is refused at the call', () => {
    const options = { useFactory: () => ({ folder: 'a' }), folder: 'b' };
    expect(() => ScrivenerModule.forFolderAsync(options)).toThrow(/forFolderAsync.*`folder`|`folder`.*forFolderAsync/);
  });
});
