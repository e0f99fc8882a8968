import {
  Module,
  type DynamicModule,
  type FactoryProvider,
  type InjectionToken,
  type ModuleMetadata,
} from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { assertCount, assertFunction, assertOptions, shown } from '../errors/assert-argument';
import { withDefaults } from '../file/file-scrivener-config';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { pathOf } from '../file/disk/file-path';
import { openJournalFolder, withFolderDefaults, type JournalFolderConfig } from '../file/folder/open-journal-folder';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import { ApplicationProviders } from './application-providers';
import { fileJournalProvider, fileJournalProviders } from './file-journal-providers';
import { HttpStreams } from './http-streams';
import { JournalLifecycle } from './journal-lifecycle';
import type {
  FileJournalAsyncOptions,
  FileJournalOptions,
  JournalFolderAsyncOptions,
  JournalFolderOptions,
  JournalOptions,
  MemoryJournalOptions,
} from './journal-options';
import { DEFAULT_NAME, getJournalsToken, getScrivenerToken } from './journal-tokens';

const CONFIG = Symbol('rx-scrivener:config');

const NAMES: Record<keyof JournalOptions, true> = { name: true, token: true };
const ASYNC_OPTIONS: Record<keyof FileJournalAsyncOptions<never>, true> = {
  ...NAMES,
  imports: true,
  inject: true,
  useFactory: true,
};
const MEMORY_OPTIONS: Record<keyof MemoryJournalOptions, true> = { ...NAMES, retain: true };

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
 * A journal is open before providers that inject it are created. On shutdown it ends after the lifecycle hooks of all other modules, with
 * everything written by then in its file. For each of its tokens, a provider in any of the application's modules takes the place
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
   * @throws TypeError or RangeError that names an option which is wrong, missing (`filePath`) or unknown
   * @example
   * ```ts
   * ScrivenerModule.forFile({ name: 'audit', filePath: 'data/audit.ndjson', durability: 'disk' });
   * ```
   */
  static forFile<T = unknown>(options: FileJournalOptions<T>): DynamicModule {
    const { name, token, ...config } = { ...options };
    withDefaults(config, 'forFile');
    pathOf('filePath', config.filePath); // demanded here though there is a `sink`
    return fileModule({ name, token }, { provide: CONFIG, useFactory: () => config });
  }

  /**
   * {@link ScrivenerModule.forFile}, configured with what is in the container.
   *
   * @throws TypeError that names an option which is wrong, missing (`useFactory`) or unknown; the application does not start when the factory gives no
   * configuration, or a wrong one
   * @example
   * ```ts
   * ScrivenerModule.forFileAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ filePath: config.getOrThrow('JOURNAL') }),
   * });
   * ```
   */
  static forFileAsync<T = unknown>(options: FileJournalAsyncOptions<T>): DynamicModule {
    const check = (config: FileScrivenerConfig<unknown>) => void withDefaults(config, 'forFileAsync');
    return fileModule(options, asyncConfig('forFileAsync', 'journal', options, check), options.imports);
  }

  /**
   * A folder of journals, {@link Journals} as {@link openJournalFolder} opens them, under {@link getJournalsToken}: each journal is opened by its first
   * use, and closed when idle or with the application.
   *
   * The application does not start when the folder cannot be created, when several modules provide the same token, and when two folders have one
   * name.
   *
   * @throws TypeError or RangeError that names an option which is wrong, missing (`folder`) or unknown
   * @example
   * ```ts
   * ScrivenerModule.forFolder({ folder: 'data/chats', durability: 'disk' });
   * ```
   */
  static forFolder<T = unknown>(options: JournalFolderOptions<T>): DynamicModule {
    const { name, token, ...config } = { ...options };
    withFolderDefaults(config, 'forFolder');
    return folderModule({ name, token }, { provide: CONFIG, useFactory: () => config });
  }

  /**
   * {@link ScrivenerModule.forFolder}, configured with what is in the container.
   *
   * @throws TypeError that names an option which is wrong, missing (`useFactory`) or unknown; the application does not start when the factory gives no
   * configuration, or a wrong one
   * @example
   * ```ts
   * ScrivenerModule.forFolderAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ folder: config.getOrThrow('CHATS') }),
   * });
   * ```
   */
  static forFolderAsync<T = unknown>(options: JournalFolderAsyncOptions<T>): DynamicModule {
    const check = (config: JournalFolderConfig<unknown>) => void withFolderDefaults(config, 'forFolderAsync');
    return folderModule(options, asyncConfig('forFolderAsync', 'folder', options, check), options.imports);
  }

  /**
   * A journal in memory, for tests: an {@link InMemoryScrivener}, which completes on shutdown; the other tokens have nothing under them.
   *
   * @throws TypeError or RangeError that names an option which is wrong or unknown
   * @example
   * ```ts
   * const app = await NestFactory.createApplicationContext(ScrivenerModule.forMemory());
   * ```
   */
  static forMemory(options: MemoryJournalOptions = {}): DynamicModule {
    assertOptions('forMemory', options, MEMORY_OPTIONS);
    const { retain = Infinity, ...names } = options;
    assertCount('retain', retain, ' or Infinity');
    const token = getScrivenerToken(nameOf(names, getScrivenerToken));
    const scrivener = openedProvider(token, {
      open: async () => new InMemoryScrivener({ retain }),
      close: async (scrivener) => scrivener.complete(),
    });
    return journalModule(names, token, { exported: [scrivener] });
  }
}

function fileModule(
  names: JournalOptions,
  config: FactoryProvider,
  imports?: ModuleMetadata['imports'],
): DynamicModule {
  const name = nameOf(names, getScrivenerToken);
  const internal = [config, fileJournalProvider(name, CONFIG)];
  return journalModule(names, getScrivenerToken(name), { imports, internal, exported: fileJournalProviders(name) });
}

function folderModule(
  names: JournalOptions,
  config: FactoryProvider,
  imports?: ModuleMetadata['imports'],
): DynamicModule {
  const token = getJournalsToken(nameOf(names, getJournalsToken));
  const journals = openedProvider(token, {
    inject: [CONFIG],
    open: (config: JournalFolderConfig<unknown>) => openJournalFolder(config),
    close: (journals) => journals.close(),
  });
  return journalModule(names, token, { imports, internal: [config], exported: [journals] });
}

/** The provider of a configuration that a factory gives. */
function asyncConfig(
  called: string,
  kind: 'journal' | 'folder',
  options: Omit<FileJournalAsyncOptions<never>, 'useFactory'> & {
    readonly useFactory: (...dependencies: never[]) => unknown;
  },
  check: (config: never) => void,
): FactoryProvider {
  assertOptions(called, options, ASYNC_OPTIONS);
  const { inject = [], useFactory, imports = [] } = options;
  assertFunction('useFactory', useFactory);
  assertArray('inject', inject);
  assertArray('imports', imports);
  const configure = async (...dependencies: never[]) => {
    const config: unknown = await useFactory(...dependencies);
    if (typeof config === 'object' && config !== null) {
      check(config as never);
      return config;
    }
    const name = shown(nameOf(options, kind === 'journal' ? getScrivenerToken : getJournalsToken));
    throw new TypeError(
      `Expected \`useFactory\` of the ${kind} ${name} to give its configuration, got ${shown(config)}`,
    );
  };
  return { provide: CONFIG, inject, useFactory: configure };
}

/** What the application provides under a token, or else what is opened for it, and closed with it. */
function openedProvider<V>(
  token: string,
  {
    inject = [],
    open,
    close,
  }: { inject?: InjectionToken[]; open: (...dependencies: never[]) => Promise<V>; close: (opened: V) => Promise<void> },
): FactoryProvider {
  return {
    provide: token,
    inject: [ApplicationProviders, JournalLifecycle, ...inject],
    useFactory: async (application: ApplicationProviders, lifecycle: JournalLifecycle, ...dependencies: never[]) => {
      const provided = await application.find<V>(token);
      if (provided !== undefined) return provided;
      const opened = await open(...dependencies);
      lifecycle.opened(() => close(opened));
      return opened;
    },
  };
}

/** The module of a journal or of a folder of them, injected by a token: what is its own, and what every one has. */
function journalModule(
  names: JournalOptions,
  token: string,
  {
    imports = [],
    internal = [],
    exported,
  }: { imports?: ModuleMetadata['imports']; internal?: FactoryProvider[]; exported: FactoryProvider[] },
): DynamicModule {
  const aliases =
    names.token === undefined || names.token === token ? [] : [{ provide: names.token, useExisting: token }];
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

function assertArray(name: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`Expected \`${name}\` to be an array, got ${shown(value)}`);
}

/** @param tokenOf - gives the token of a name */
function nameOf({ name, token }: JournalOptions, tokenOf: (name: string) => string): string {
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new TypeError(`Expected \`name\` to be a string that is not empty, got ${shown(name)}`);
  if (name !== undefined) return name;
  if (typeof token !== 'string') return DEFAULT_NAME;
  const prefix = tokenOf('');
  return token.startsWith(prefix) ? token.slice(prefix.length) : token;
}
