import { Global, Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { existsSync, readFileSync } from 'node:fs';
import {
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  JsonEntrySerializer,
  type DaemonEvent,
  type FlushSink,
  type Positioned,
  type Scrivener,
  type Snapshot,
} from 'rx-scrivener';
import { openFileScrivener, type FileScrivener } from 'rx-scrivener/file';
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

/** Is there as late as a pool of connections, and counts what Nest calls. */
class Database {
  readonly rows: unknown[] = [];
}
const database = {
  provide: Database,
  useFactory: async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return new Database();
  },
};

@Injectable()
class DatabaseSink implements FlushSink<unknown>, OnModuleInit, OnApplicationShutdown {
  readonly calls: string[] = [];

  constructor(@Inject(Database) readonly database: Database) {}

  async append(snapshot: Snapshot<unknown>) {
    this.database.rows.push(...snapshot.map(({ entry }) => entry));
  }

  async close() {
    this.calls.push('close');
  }

  onModuleInit() {
    this.calls.push('onModuleInit');
  }

  onApplicationShutdown() {
    this.calls.push('onApplicationShutdown');
  }
}

const sink = { provide: getFlushSinkToken(), useClass: DatabaseSink };
const journal = () => ScrivenerModule.forFile({ filePath: path('journal.ndjson') });

describe('a sink that the application provides is used', () => {
  const reExporting = moduleOf({ providers: [database, sink], exports: [getFlushSinkToken()] });

  @Global()
  @Module({ providers: [database, sink], exports: [getFlushSinkToken()] })
  class GlobalModule {}

  test.each([
    ['in its root module', () => ({ imports: [journal()], providers: [database, sink] })],
    ['in a module beside the journal', () => ({ imports: [journal(), reExporting] })],
    ['in a module before the journal', () => ({ imports: [reExporting, journal()] })],
    ['in a module that exports nothing', () => ({ imports: [journal(), moduleOf({ providers: [database, sink] })] })],
    ['in a global module', () => ({ imports: [GlobalModule, journal()] })],
    [
      'in the module that imports the journal',
      () => ({ imports: [moduleOf({ imports: [journal()], providers: [database, sink] })] }),
    ],
    [
      'as a value',
      () => {
        const value = new DatabaseSink(new Database());
        return {
          imports: [journal()],
          providers: [
            { provide: Database, useValue: value.database },
            { provide: getFlushSinkToken(), useValue: value },
          ],
        };
      },
    ],
    [
      'as an alias',
      () => ({
        imports: [journal()],
        providers: [database, DatabaseSink, { provide: getFlushSinkToken(), useExisting: DatabaseSink }],
      }),
    ],
  ])('%s', async (_, metadata) => {
    const app = await start(metadata());
    await app.get<Scrivener<string>>(getScrivenerToken()).write('to the database');
    await app.close();
    expect(app.get(Database).rows).toEqual(['to the database']);
    expect(entriesIn(path('journal.ndjson'))).toEqual([]);
    const used = app.get<DatabaseSink>(getFlushSinkToken());
    expect(used).toBeInstanceOf(DatabaseSink);
    expect(used.database).toBe(app.get(Database));
    // Once each, although two modules have it under the token.
    expect(used.calls.sort()).toEqual(['close', 'onApplicationShutdown', 'onModuleInit']);
  });

  test('and everyone who injects it gets it', async () => {
    class User {
      constructor(@Inject(getFlushSinkToken()) readonly sink: unknown) {}
    }
    const app = await start({
      imports: [journal(), moduleOf({ providers: [database, sink] }), moduleOf({ providers: [User] })],
    });
    expect(app.get(User).sink).toBeInstanceOf(DatabaseSink);
    expect(app.get<unknown>(getFlushSinkToken(), { each: true })).toEqual([app.get(User).sink, app.get(User).sink]);
  });

  test('for its journal alone', async () => {
    const app = await start({
      imports: [journal(), ScrivenerModule.forFile({ name: 'audit', filePath: path('audit') })],
      providers: [database, { provide: getFlushSinkToken('audit'), useClass: DatabaseSink }],
    });
    await app.get<Scrivener<string>>(getScrivenerToken()).write('a');
    await app.get<Scrivener<string>>(getScrivenerToken('audit')).write('b');
    await app.close();
    expect(entriesIn(path('journal.ndjson'))).toEqual(['a']);
    expect(app.get(Database).rows).toEqual(['b']);
  });

  test('instead of the configured one', async () => {
    const configured = { append: jest.fn() };
    const app = await start({
      imports: [ScrivenerModule.forFile({ filePath: path('a'), sink: configured })],
      providers: [database, sink],
    });
    await app.get<Scrivener<string>>(getScrivenerToken()).write('a');
    await app.close();
    expect(configured.append).not.toHaveBeenCalled();
    expect(app.get(Database).rows).toEqual(['a']);
  });
});

test('a provider of nothing leaves the default in place', async () => {
  const app = await start({
    imports: [journal()],
    providers: [{ provide: getFlushSinkToken(), useFactory: () => undefined }],
  });
  await app.get<Scrivener<string>>(getScrivenerToken()).write('to the file');
  await app.close();
  expect(entriesIn(path('journal.ndjson'))).toEqual(['to the file']);
});

describe('other parts', () => {
  test('the serializer', async () => {
    class Upside<T> extends JsonEntrySerializer<T> {
      override serialize({ position, entry }: Positioned<T>) {
        return JSON.stringify({ entry, position, schemaVersion: '1' });
      }
    }
    const app = await start({
      imports: [journal()],
      providers: [{ provide: getEntrySerializerToken(), useClass: Upside }],
    });
    await app.get<Scrivener<number>>(getScrivenerToken()).write(1);
    await app.close();
    expect(readFileSync(path('journal.ndjson'), 'utf8')).toBe('{"entry":1,"position":1,"schemaVersion":"1"}\n');
  });

  test('the predicate', async () => {
    const app = await start({
      imports: [ScrivenerModule.forFile({ filePath: path('a'), flushIntervalMs: Infinity })],
      providers: [{ provide: getFlushPredicateToken(), useValue: countThreshold(3) }],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    for (let n = 1; n <= 3; n++) await scrivener.write(n);
    await scrivener.whenFlushed(3);
  });

  test('the daemon events, which may be another journal of the application', async () => {
    const app = await start({
      // The first that is imported ends last.
      imports: [ScrivenerModule.forFile({ name: 'operations', filePath: path('operations') }), journal()],
      providers: [{ provide: getDaemonEventsToken(), useExisting: getScrivenerToken('operations') }],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    expect(scrivener.daemonEvents).toBe(app.get<Scrivener<DaemonEvent>>(getScrivenerToken('operations')));
    await app.close();
    expect(entriesIn(path('operations'))).toEqual([
      { type: 'StatusChanged', daemon: 'FlusherDaemon', status: 'Running' },
      { type: 'StatusChanged', daemon: 'FlusherDaemon', status: 'Completed' },
    ]);
  });

  test('the scrivener: no file is opened', async () => {
    const scrivener = new InMemoryScrivener();
    class User {
      constructor(@InjectScrivener() readonly scrivener: unknown) {}
    }
    const app = await start({
      imports: [journal(), moduleOf({ providers: [User] })],
      providers: [{ provide: getScrivenerToken(), useValue: scrivener }],
    });
    expect(app.get(User).scrivener).toBe(scrivener);
    expect(app.get<unknown>(getFlusherToken())).toBeUndefined();
    await app.close();
    expect(existsSync(path('journal.ndjson'))).toBe(false);
    await scrivener.write('it is the application that ends it');
  });

  test('the scrivener, from a file of its own: it is flushed on shutdown', async () => {
    const app = await start({
      imports: [journal()],
      providers: [
        {
          provide: getScrivenerToken(),
          useFactory: () => openFileScrivener({ filePath: path('other'), flushIntervalMs: Infinity }),
        },
      ],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    expect(app.get<unknown>(getFlusherToken())).toBe(scrivener.flusher);
    await scrivener.write(1);
    await app.close();
    expect(entriesIn(path('other'))).toEqual([1]);
    await scrivener.close();
  });

  test('the scrivener of a journal in memory', async () => {
    const scrivener = new InMemoryScrivener();
    const app = await start({
      imports: [ScrivenerModule.forMemory()],
      providers: [{ provide: getScrivenerToken(), useValue: scrivener }],
    });
    expect(app.get<unknown>(getScrivenerToken())).toBe(scrivener);
  });
});

describe('a flusher that the application provides', () => {
  class CountingFlusher<T> extends FlusherDaemon<T> {}

  const flusher = {
    provide: getFlusherToken(),
    inject: [getScrivenerToken(), getFlushSinkToken()],
    useFactory: (scrivener: FileScrivener<number>, sink: FlushSink<number>) =>
      new CountingFlusher({ scrivener, sink, after: scrivener.recovered.lastPosition, predicate: countThreshold(2) }),
  };

  test('persists the journal, is started and ended, and the scrivener reports what it flushed', async () => {
    for (const run of [0, 1]) {
      const app = await start({
        imports: [ScrivenerModule.forFile({ filePath: path('a'), flushThreshold: 1 })],
        providers: [flusher],
      });
      const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
      const own = app.get<FlusherDaemon<number>>(getFlusherToken());
      expect(own).toBeInstanceOf(CountingFlusher);
      expect(own.status).toBe('Running');
      expect(scrivener.head).toBe(run * 3);
      await scrivener.write(1);
      await scrivener.flush();
      expect(own.flushed).toBe(run * 3 + 1);
      expect(scrivener.flushed).toBe(run * 3 + 1);
      await scrivener.write(2);
      await scrivener.write(3);
      await app.close();
      expect(own.status).toBe('Completed');
      expect(scrivener.flushed).toBe(run * 3 + 3);
    }
    expect(entriesIn(path('a'))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('recovers from the sink', async () => {
    const held: Positioned<number>[] = [1, 2].map((position) => ({ position, entry: position }));
    const recovering: FlushSink<number> = {
      append: async (snapshot) => {
        held.push(...snapshot);
      },
      async *recover() {
        yield* [...held];
      },
    };
    const app = await start({
      imports: [journal()],
      providers: [flusher, { provide: getFlushSinkToken(), useValue: recovering }],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    expect(await scrivener.write(3)).toBe(3);
    await app.close();
    expect(held.map(({ entry }) => entry)).toEqual([1, 2, 3]);
  });

  test('that is not there after all leaves it to the default', async () => {
    const app = await start({
      imports: [journal()],
      providers: [{ provide: getFlusherToken(), useFactory: () => undefined }],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    expect(scrivener.flusher.status).toBe('Running');
    await scrivener.write(1);
    await app.close();
    expect(entriesIn(path('journal.ndjson'))).toEqual([1]);
  });

  test('that fails is reported by the scrivener', async () => {
    const app = await start({
      imports: [journal()],
      providers: [
        flusher,
        { provide: getFlushSinkToken(), useValue: { append: () => Promise.reject(new Error('full')) } },
      ],
    });
    const scrivener = app.get<FileScrivener<number>>(getScrivenerToken());
    await scrivener.write(1);
    await expect(scrivener.flush()).rejects.toThrow('full');
    expect(scrivener.flushed).toBe(0);
  });
});

describe('mistakes', () => {
  test('two modules with the same token stop the application', async () => {
    @Module({ providers: [{ provide: getFlushSinkToken(), useValue: {} }] })
    class OneModule {}
    @Module({ providers: [{ provide: getFlushSinkToken(), useValue: {} }] })
    class OtherModule {}
    await expect(start({ imports: [journal(), OneModule, OtherModule] })).rejects.toThrow(
      'Expected one provider of rx-scrivener:flush-sink:default, got those of OneModule and OtherModule',
    );
  });

  test('a part that needs its own journal stops the application', async () => {
    class Logging {
      constructor(@InjectScrivener() readonly scrivener: unknown) {}
    }
    const circular = {
      provide: getFlushSinkToken(),
      inject: [Logging],
      useFactory: (logging: Logging) => ({ append: async () => expect(logging).toBeDefined() }),
    };
    await expect(start({ imports: [journal()], providers: [Logging, circular] })).rejects.toThrow(
      'Expected what is provided under rx-scrivener:flush-sink:default not to need the journal that needs it',
    );
  });

  test('a part that cannot be made stops the application', async () => {
    const broken = { provide: getFlushSinkToken(), useFactory: () => Promise.reject(new Error('no connection')) };
    await expect(start({ imports: [journal()], providers: [broken] })).rejects.toThrow('no connection');
    // Would be rejected if the start had left it open.
    await (await openFileScrivener({ filePath: path('journal.ndjson') })).close();
  });
});

describe('overrideProvider of @nestjs/testing', () => {
  const override = async (token: string, value: unknown) => {
    const module = await Test.createTestingModule({ imports: [journal()] })
      .overrideProvider(token)
      .useValue(value)
      .compile();
    return module.init();
  };

  test('replaces the scrivener: no file is opened', async () => {
    const app = await override(getScrivenerToken(), new InMemoryScrivener());
    expect(app.get<unknown>(getScrivenerToken())).toBeInstanceOf(InMemoryScrivener);
    await app.close();
    expect(existsSync(path('journal.ndjson'))).toBe(false);
  });

  test('replaces a part', async () => {
    const append = jest.fn(async (_: Snapshot<number>) => {});
    const app = await override(getFlushSinkToken(), { append });
    await app.get<Scrivener<number>>(getScrivenerToken()).write(1);
    await app.close();
    expect(append).toHaveBeenCalledTimes(1);
  });
});
