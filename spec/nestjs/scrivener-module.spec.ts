import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { existsSync, writeFileSync } from 'node:fs';
import {
  InMemoryScrivener,
  JsonEntrySerializer,
  JournalClosedError,
  type FlusherDaemon,
  type Scrivener,
} from 'rx-scrivener';
import { FileAppendSink, FileScrivener } from 'rx-scrivener/file';
import {
  getDaemonEventsToken,
  getEntrySerializerToken,
  getFlusherToken,
  getFlushPredicateToken,
  getFlushSinkToken,
  getScrivenerToken,
  InjectScrivener,
  ScrivenerModule,
} from 'rx-scrivener/nestjs';
import { useTempDir } from '../file/support/temp-dir';
import { entriesIn } from './support/entries-in';
import { moduleOf, useNest } from './support/nest-application';

const path = useTempDir();
const start = useNest();

@Injectable()
class Notes implements OnModuleInit {
  readonly flusherAtInit: string;

  constructor(
    @InjectScrivener() readonly scrivener: FileScrivener<string>,
    @Inject(getFlusherToken()) flusher: FlusherDaemon<string>,
  ) {
    this.flusherAtInit = flusher.status;
    scrivener.append('constructor');
  }

  async onModuleInit() {
    await this.scrivener.write('onModuleInit');
  }
}

describe('forFile', () => {
  test('opens a journal before it is injected, and keeps what is written', async () => {
    const filePath = path('some', 'notes.ndjson');
    const app = await start({ imports: [ScrivenerModule.forFile({ filePath })], providers: [Notes] });
    expect(app.get(Notes).scrivener).toBeInstanceOf(FileScrivener);
    expect(app.get(Notes).flusherAtInit).toBe('Running');
    await app.close();
    expect(entriesIn(filePath)).toEqual(['constructor', 'onModuleInit']);

    const again = await start({ imports: [ScrivenerModule.forFile({ filePath })], providers: [Notes] });
    expect(again.get(Notes).scrivener.recovered).toEqual({ entries: 2, lastPosition: 2, truncatedBytes: 0 });
  });

  test('every part is under its token, in every module', async () => {
    const app = await start({
      imports: [ScrivenerModule.forFile({ filePath: path('a') }), moduleOf({ providers: [Notes] })],
    });
    const { scrivener } = app.get(Notes);
    expect(app.get(getScrivenerToken())).toBe(scrivener);
    expect(app.get(getFlusherToken())).toBe(scrivener.flusher);
    expect(app.get(getDaemonEventsToken())).toBe(scrivener.daemonEvents);
    expect(app.get(getEntrySerializerToken())).toBeInstanceOf(JsonEntrySerializer);
    expect(app.get(getFlushSinkToken())).toBeInstanceOf(FileAppendSink);
    expect(app.get(getFlushPredicateToken())).toBeInstanceOf(Function);
  });

  test('takes what openFileScrivener takes', async () => {
    const filePath = path('a');
    const app = await start({
      imports: [ScrivenerModule.forFile({ filePath, flushThreshold: 2, flushIntervalMs: Infinity })],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    const flushed: number[] = [];
    scrivener.flushed$.subscribe((position) => flushed.push(position));
    for (let n = 1; n <= 5; n++) await scrivener.write(n);
    await scrivener.whenFlushed(4);
    expect(flushed).toEqual([0, 2, 4]);
  });

  test('cuts a torn line off and says so', async () => {
    writeFileSync(path('a'), '{"schemaVersion":"1","position":1,"entry":1}\n{"schemaVer');
    const app = await start({ imports: [ScrivenerModule.forFile({ filePath: path('a') })] });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    expect(scrivener.recovered).toEqual({ entries: 1, lastPosition: 1, truncatedBytes: 11 });
    await scrivener.write(2);
    await app.close();
    expect(entriesIn(path('a'))).toEqual([1, 2]);
  });

  test.each([
    ['a damaged file', () => ({ filePath: path('damaged') }), 'ERR_CORRUPT_JOURNAL'],
    ['a folder', () => ({ filePath: path() }), 'EISDIR'],
  ])('the application does not start with %s', async (_, config, code) => {
    writeFileSync(path('damaged'), 'this is\nno journal\n');
    await expect(start({ imports: [ScrivenerModule.forFile(config())] })).rejects.toMatchObject({ code });
  });

  test.each([
    [{ flushThreshold: 0 }, 'Expected `flushThreshold` to be an integer >= 1, got 0'],
    [{ flushIntervalMs: -1 }, 'Expected `flushIntervalMs` to be 0 to 2147483647 ms or Infinity, got -1'],
    [{ flushQueueCapacity: 0 }, 'Expected `flushQueueCapacity` to be an integer >= 1, got 0'],
    [{ durability: 'paper' as 'os' }, 'Expected `durability` to be one of os, disk, got "paper"'],
    [{ filePath: '' }, 'Expected `filePath` to be a path, got an empty string'],
  ])('%p is refused at the call, and from a factory when the application starts', async (options, message) => {
    const config = { filePath: path('a'), ...options };
    expect(() => ScrivenerModule.forFile(config)).toThrow(message);
    const module = ScrivenerModule.forFileAsync({ useFactory: () => config });
    await expect(start({ imports: [module] })).rejects.toThrow(message);
  });
});

describe('several journals', () => {
  test('live side by side by name', async () => {
    const app = await start({
      imports: [
        ScrivenerModule.forFile({ filePath: path('a') }),
        ScrivenerModule.forFile({ name: 'audit', filePath: path('b') }),
        ScrivenerModule.forMemory({ name: 'scratch' }),
      ],
    });
    await app.get<Scrivener<string>>(getScrivenerToken()).write('to a');
    await app.get<Scrivener<string>>(getScrivenerToken('audit')).write('to b');
    await app.get<Scrivener<string>>(getScrivenerToken('scratch')).write('to memory');
    expect(app.get(getFlusherToken('audit'))).not.toBe(app.get(getFlusherToken()));
    await app.close();
    expect(entriesIn(path('a'))).toEqual(['to a']);
    expect(entriesIn(path('b'))).toEqual(['to b']);
  });

  test('are injected by name', async () => {
    class Both {
      @InjectScrivener('audit') audit!: unknown;
      constructor(@InjectScrivener('notes') readonly notes: unknown) {}
    }
    const app = await start({
      imports: [ScrivenerModule.forMemory({ name: 'notes' }), ScrivenerModule.forMemory({ name: 'audit' })],
      providers: [Both],
    });
    expect(app.get(Both).notes).toBe(app.get(getScrivenerToken('notes')));
    expect(app.get(Both).audit).toBe(app.get(getScrivenerToken('audit')));
    expect(app.get(Both).audit).not.toBe(app.get(Both).notes);
  });

  test('of one name stop the application', async () => {
    const imports = [
      ScrivenerModule.forFile({ filePath: path('a') }),
      ScrivenerModule.forFile({ name: 'default', filePath: path('b') }),
    ];
    await expect(start({ imports })).rejects.toThrow(
      'Expected journals to have names of their own, got two for rx-scrivener:',
    );
    expect([existsSync(path('a')), existsSync(path('b'))]).toEqual([false, false]);
  });

  test('one that several modules import is one', async () => {
    const journal = ScrivenerModule.forFile({ filePath: path('a') });
    const app = await start({
      imports: [moduleOf({ imports: [journal] }), moduleOf({ imports: [journal], providers: [Notes] })],
    });
    expect(app.get(Notes).scrivener.head).toBe(2);
  });

  test('are apart in applications that run side by side', async () => {
    const one = await start({ imports: [ScrivenerModule.forMemory()] });
    const other = await start({ imports: [ScrivenerModule.forMemory()] });
    expect(one.get(getScrivenerToken())).not.toBe(other.get(getScrivenerToken()));
  });
});

describe('token', () => {
  abstract class Journal {
    abstract write(entry: unknown): Promise<number>;
  }
  const SYMBOL = Symbol('journal');

  test.each([
    ['a class', Journal, undefined],
    ['a symbol', SYMBOL, undefined],
    ['a string, which names the journal', 'audit', 'audit'],
    ['the token of a name', getScrivenerToken('audit'), 'audit'],
  ])('is %s', async (_, token, name) => {
    const app = await start({ imports: [ScrivenerModule.forFile({ token, filePath: path('a') })] });
    expect(app.get(token)).toBeInstanceOf(FileScrivener);
    expect(app.get(token)).toBe(app.get(getScrivenerToken(name)));
    expect(app.get(getFlusherToken(name))).toBe(app.get<FileScrivener<unknown>>(token).flusher);
  });

  test('goes with a name', async () => {
    const app = await start({ imports: [ScrivenerModule.forMemory({ name: 'audit', token: Journal })] });
    expect(app.get(Journal)).toBe(app.get(getScrivenerToken('audit')));
  });
});

describe('forFileAsync', () => {
  class Config {
    readonly journal = path('from-config');
  }
  const configModule = moduleOf({ providers: [Config], exports: [Config] });

  test('is configured with what is injected', async () => {
    const app = await start({
      imports: [
        ScrivenerModule.forFileAsync<string>({
          imports: [configModule],
          inject: [Config, { token: 'nothing', optional: true }],
          useFactory: async (config: Config, nothing?: string) => ({ filePath: config.journal + String(nothing) }),
        }),
      ],
      providers: [Notes],
    });
    await app.close();
    expect(entriesIn(path('from-configundefined'))).toEqual(['constructor', 'onModuleInit']);
  });

  test('takes a name and needs nothing injected', async () => {
    const app = await start({
      imports: [ScrivenerModule.forFileAsync({ name: 'audit', useFactory: () => ({ filePath: path('a') }) })],
    });
    expect(app.get(getScrivenerToken('audit'))).toBeInstanceOf(FileScrivener);
  });

  test('the application does not start when the factory fails', async () => {
    const useFactory = () => Promise.reject(new Error('no config'));
    await expect(start({ imports: [ScrivenerModule.forFileAsync({ useFactory })] })).rejects.toThrow('no config');
  });

  test.each([
    ['nothing', () => undefined, 'undefined'],
    ['a promise of nothing', () => Promise.resolve(), 'undefined'],
    ['null', () => null, 'null'],
    ['a path', () => 'data/chat.ndjson', '"data/chat.ndjson"'],
  ])('the application does not start when the factory gives %s', async (_, useFactory, got) => {
    const journal = ScrivenerModule.forFileAsync({ name: 'audit', useFactory: useFactory as never });
    await expect(start({ imports: [journal] })).rejects.toThrow(
      new TypeError(`Expected \`useFactory\` of the journal "audit" to give its configuration, got ${got}`),
    );
  });

  test('a factory that is none is refused at the call', () => {
    expect(() => ScrivenerModule.forFileAsync({} as never)).toThrow(
      new TypeError('Expected `useFactory` to be a function, got undefined'),
    );
  });
});

describe('forMemory', () => {
  test('is a journal in memory without a flusher', async () => {
    const app = await start({ imports: [ScrivenerModule.forMemory({ retain: 2 })] });
    const scrivener = app.get<InMemoryScrivener<number>>(getScrivenerToken());
    expect(scrivener).toBeInstanceOf(InMemoryScrivener);
    for (let n = 1; n <= 3; n++) await scrivener.write(n);
    await expect(scrivener.waitFor(0, () => true)).rejects.toMatchObject({ code: 'ERR_POSITION_TRIMMED' });
    expect(() => app.get<unknown>(getFlusherToken())).toThrow();
    expect(() => app.get<unknown>(getFlushSinkToken())).toThrow();
  });

  test('completes on shutdown', async () => {
    const app = await start({ imports: [ScrivenerModule.forMemory()] });
    const scrivener = app.get<InMemoryScrivener<number>>(getScrivenerToken());
    await app.close();
    await expect(scrivener.write(1)).rejects.toThrow(JournalClosedError);
  });
});
