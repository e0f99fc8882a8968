import type { FactoryProvider, InjectionToken, ModuleMetadata } from '@nestjs/common';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import type { JournalFolderConfig } from '../file/folder/open-journal-folder';

/** What a journal, or a folder of them, goes by in a Nest application. */
export interface JournalOptions {
  /** Its name, which its tokens are made of; each journal of an application has its own, and each folder. @default 'default', or `token` where that is a string */
  readonly name?: string;
  /** A further token to inject the scrivener, or the journals of the folder, by: a class, a symbol, a string. */
  readonly token?: InjectionToken;
}

/** How a Nest application keeps a journal in a file. */
export interface FileJournalOptions<T> extends FileScrivenerConfig<T>, JournalOptions {}

/** How a Nest application keeps a journal in a file, where what the container has says how. */
export interface FileJournalAsyncOptions<T> extends JournalOptions {
  /** Modules that export what is injected; global ones need not be named. */
  readonly imports?: ModuleMetadata['imports'];
  /** The tokens of what `useFactory` is called with. */
  readonly inject?: FactoryProvider['inject'];
  /** Gives the configuration, or a promise of it. */
  readonly useFactory: (...dependencies: never[]) => FileScrivenerConfig<T> | Promise<FileScrivenerConfig<T>>;
}

/** How a Nest application keeps a folder of journals. */
export interface JournalFolderOptions<T> extends JournalFolderConfig<T>, JournalOptions {}

/** How a Nest application keeps a folder of journals, where what the container has says how. */
export interface JournalFolderAsyncOptions<T> extends Omit<FileJournalAsyncOptions<T>, 'useFactory'> {
  /** Gives the configuration, or a promise of it. */
  readonly useFactory: (...dependencies: never[]) => JournalFolderConfig<T> | Promise<JournalFolderConfig<T>>;
}

/** How a Nest application keeps a journal in memory. */
export interface MemoryJournalOptions extends JournalOptions {
  /** Keep only the newest so many entries, an integer >= 1. @default Infinity */
  readonly retain?: number;
}
