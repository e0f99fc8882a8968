import { Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { assertFunction, shown } from '../errors/assert-argument';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import { ApplicationProviders } from './application-providers';
import { fileJournalProvider, fileJournalProviders } from './file-journal-providers';
import { HttpStreams } from './http-streams';
import { JournalLifecycle } from './journal-lifecycle';
import type {
  FileJournalAsyncOptions,
  FileJournalOptions,
  JournalOptions,
  MemoryJournalOptions,
} from './journal-options';
import { DEFAULT_NAME, getScrivenerToken } from './journal-tokens';

const CONFIG = Symbol('rx-scrivener:config');

/** One for all journals of an application. */
@Module({
  providers: [
    {
      provide: HttpStreams,
      inject: [HttpAdapterHost, ModulesContainer],
      useFactory: (adapterHost: HttpAdapterHost, modules: ModulesContainer) => new HttpStreams(adapterHost, modules),
    },
    { provide: APP_INTERCEPTOR, useExisting: HttpStreams },
  ],
})
class HttpStreamsModule {}

/**
 * Journals for a NestJS application: import one dynamic module for each journal, once; all modules see its tokens.
 *
 * A journal is open before anything that it is injected into is made. On shutdown it ends after the lifecycle hooks of all other modules, with
 * everything that was written before in its file. Under each of its tokens, what the application provides in any of its modules takes the place
 * of the default.
 *
 * @example
 * ```ts
 * @Module({ imports: [ScrivenerModule.forFile({ filePath: 'data/chat.ndjson' })], providers: [Chat] })
 * class AppModule {}
 *
 * const app = await NestFactory.create(AppModule);
 * app.enableShutdownHooks();
 * ```
 * @see {@link openFileScrivener} for the same without a container
 */
@Module({})
export class ScrivenerModule {
  /**
   * A journal in a file, opened as {@link openFileScrivener} does.
   *
   * The application does not start when the file cannot be opened, when several modules provide the same token, and when two journals have one
   * name.
   *
   * @example
   * ```ts
   * ScrivenerModule.forFile({ name: 'audit', filePath: 'data/audit.ndjson', durability: 'disk' });
   * ```
   */
  static forFile<T = unknown>({ name, token, ...config }: FileJournalOptions<T>): DynamicModule {
    return fileModule({ name, token }, { provide: CONFIG, useFactory: () => config });
  }

  /**
   * {@link ScrivenerModule.forFile}, configured with what is in the container.
   *
   * @throws TypeError when `useFactory` is no function; the application does not start when it gives no configuration
   * @example
   * ```ts
   * ScrivenerModule.forFileAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ filePath: config.getOrThrow('JOURNAL') }),
   * });
   * ```
   */
  static forFileAsync<T = unknown>(options: FileJournalAsyncOptions<T>): DynamicModule {
    const { inject = [], useFactory, imports } = options;
    assertFunction('useFactory', useFactory);
    const configure = async (...dependencies: never[]) => {
      const config: unknown = await useFactory(...dependencies);
      if (typeof config === 'object' && config !== null) return config;
      const journal = shown(nameOf(options));
      throw new TypeError(
        `Expected \`useFactory\` of the journal ${journal} to give its configuration, got ${shown(config)}`,
      );
    };
    return fileModule(options, { provide: CONFIG, inject, useFactory: configure }, imports);
  }

  /**
   * A journal in memory, for tests: an {@link InMemoryScrivener}, which completes on shutdown; the other tokens have nothing under them.
   *
   * @example
   * ```ts
   * const app = await NestFactory.createApplicationContext(ScrivenerModule.forMemory());
   * ```
   */
  static forMemory({ retain, ...names }: MemoryJournalOptions = {}): DynamicModule {
    const token = getScrivenerToken(nameOf(names));
    const scrivener: FactoryProvider = {
      provide: token,
      inject: [ApplicationProviders, JournalLifecycle],
      useFactory: async (application: ApplicationProviders, lifecycle: JournalLifecycle) => {
        const provided = await application.find(token);
        if (provided !== undefined) return provided;
        const scrivener = new InMemoryScrivener({ retain });
        lifecycle.opened(async () => scrivener.complete());
        return scrivener;
      },
    };
    return journalModule(names, { exported: [scrivener] });
  }
}

function fileModule(
  names: JournalOptions,
  config: FactoryProvider,
  imports?: ModuleMetadata['imports'],
): DynamicModule {
  const name = nameOf(names);
  const internal = [config, fileJournalProvider(name, CONFIG)];
  return journalModule(names, { imports, internal, exported: fileJournalProviders(name) });
}

/** A journal's module: what is its own, and what every journal has. */
function journalModule(
  names: JournalOptions,
  {
    imports = [],
    internal = [],
    exported,
  }: { imports?: ModuleMetadata['imports']; internal?: FactoryProvider[]; exported: FactoryProvider[] },
): DynamicModule {
  const scrivener = getScrivenerToken(nameOf(names));
  const aliases =
    names.token === undefined || names.token === scrivener ? [] : [{ provide: names.token, useExisting: scrivener }];
  return {
    module: ScrivenerModule,
    global: true,
    imports: [HttpStreamsModule, ...imports],
    providers: [
      {
        provide: ApplicationProviders,
        inject: [ModulesContainer],
        useFactory: (modules: ModulesContainer) => new ApplicationProviders(modules),
      },
      {
        provide: JournalLifecycle,
        inject: [ModulesContainer],
        useFactory: (modules: ModulesContainer) => new JournalLifecycle(modules),
      },
      ...internal,
      ...exported,
      ...aliases,
    ],
    exports: [...exported, ...aliases].map(({ provide }) => provide),
  };
}

function nameOf({ name, token }: JournalOptions): string {
  if (name !== undefined) return name;
  if (typeof token !== 'string') return DEFAULT_NAME;
  const prefix = getScrivenerToken('');
  return token.startsWith(prefix) ? token.slice(prefix.length) : token;
}
