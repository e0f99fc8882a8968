import { assertCount, assertDelayMs, assertOptions } from '../../errors/assert-argument';
import { JournalClosedError } from '../../errors/journal-closed-error';
import { JournalExistsError } from '../../errors/journal-exists-error';
import { JournalNotFoundError } from '../../errors/journal-not-found-error';
import { assertPosition, type Position } from '../../journal/position';
import { assertThrough } from '../../journals/assert-through';
import { Handles } from '../../journals/handles';
import { assertJournalName, assertPrefix, type Journals } from '../../journals/journals';
import type { Lease } from '../../journals/leased-scrivener';
import { absolutePathOf } from '../disk/file-path';
import type { FileScrivener } from '../file-scrivener';
import { FILE_OPTIONS, withDefaults, type FileScrivenerConfig } from '../file-scrivener-config';
import { forkJournal } from '../fork-journal';
import { openFileScrivener } from '../open-file-scrivener';
import { FolderScrivener } from './folder-scrivener';
import { JournalFolders } from './journal-folders';
import { OpenJournals } from './open-journals';

/** How a folder of journals is kept; the other options apply to each journal, as in {@link openFileScrivener}. */
export interface JournalFolderConfig<T> extends Omit<FileScrivenerConfig<T>, 'filePath' | 'sink'> {
  /** The folder, a path or a `file:` URL; created if it is missing. Each journal has its own folder in it. */
  readonly folder: string | URL;
  /**
   * How many journals are open at most, an integer >= 1: the longest idle is closed to open the next one. More are open only while more are
   * read at the same time. @default 200
   */
  readonly maxOpen?: number;
  /** How long after its last read, write, tail or wait a journal is closed, in milliseconds: 0 to 2^31-1; `Infinity`: only to make room. @default 30_000 */
  readonly idleMs?: number;
}

const OPTIONS: Record<keyof JournalFolderConfig<never>, true> = {
  folder: true,
  maxOpen: true,
  idleMs: true,
  ...FILE_OPTIONS,
};

/**
 * Opens a folder of journals, each in its own files, which the first use opens and which are closed when idle.
 *
 * Several processes may have a folder open; a journal is open for writing in one of them at a time, and {@link JournalLockedError} in the others.
 * Rejects with `TypeError` and `RangeError` for invalid options, and the system's error if the folder cannot be created.
 *
 * @example
 * ```ts
 * await using journals = await openJournalFolder<ChatEntry>({ folder: 'data/chats' });
 * const chat = journals.journal('ann/2026-11-26'); // nothing is opened yet
 * await chat.write({ type: 'Said', text: 'hello' });
 * for await (const name of journals.names('ann/')) console.log(name);
 * ```
 */
export async function openJournalFolder<T>(config: JournalFolderConfig<T>): Promise<Journals<T>> {
  const { path, maxOpen, idleMs, file, durability } = withFolderDefaults(config);
  file.signal?.throwIfAborted();
  const folders = new JournalFolders(path, durability === 'disk');
  await folders.tidy();
  return new JournalFolder<T>(folders, file, maxOpen, idleMs);
}

/** Checks a configuration and fills in its defaults; throws a TypeError or RangeError that names the invalid option of `called`. */
export function withFolderDefaults<T>(config: JournalFolderConfig<T>, called = 'openJournalFolder') {
  assertOptions(called, config, OPTIONS);
  const { folder, maxOpen = 200, idleMs = 30_000, ...file } = config;
  const path = absolutePathOf('folder', folder);
  assertCount('maxOpen', maxOpen, ' or Infinity');
  assertDelayMs('idleMs', idleMs);
  const { durability } = withDefaults<T>({ ...file, filePath: path });
  return { path, maxOpen, idleMs, file, durability };
}

class JournalFolder<in out T> implements Journals<T> {
  readonly #folders: JournalFolders;
  readonly #open: OpenJournals<FileScrivener<T>>;
  readonly #handles: Handles<FolderScrivener<T>>;
  #isClosed = false;

  constructor(
    folders: JournalFolders,
    file: Omit<FileScrivenerConfig<T>, 'filePath' | 'sink'>,
    maxOpen: number,
    idleMs: number,
  ) {
    this.#folders = folders;
    const open = async (name: string, creates: boolean) => {
      if (creates) await folders.create(name);
      else if (!(await folders.exists(name))) throw new JournalNotFoundError(name);
      await folders.assertOwn(name);
      return openFileScrivener<T>({ ...file, filePath: folders.fileOf(name) });
    };
    this.#open = new OpenJournals({ open, close: closed, maxOpen, idleMs });
    this.#handles = new Handles((name) => new FolderScrivener<T>(name, this.#open));
  }

  journal(name: string): FolderScrivener<T> {
    assertJournalName('name', name);
    return this.#handles.get(name);
  }

  async create(name: string): Promise<boolean> {
    this.#assertUsable(name);
    return this.#open.hold(name, false, (isOpen) => (isOpen ? Promise.resolve(false) : this.#folders.create(name)));
  }

  async exists(name: string): Promise<boolean> {
    this.#assertUsable(name);
    return this.#folders.exists(name);
  }

  async delete(name: string): Promise<boolean> {
    this.#assertUsable(name);
    this.#handles.peek(name)?.forget();
    return this.#open.hold(name, true, () => this.#folders.remove(name));
  }

  names(prefix = ''): AsyncIterable<string> {
    assertPrefix(prefix);
    return this.#names(prefix);
  }

  async fork(name: string, newName: string, through: Position): Promise<void> {
    this.#assertUsable(name);
    assertJournalName('newName', newName);
    assertPosition('through', through);
    const lease = await this.#lease(name);
    const { scrivener } = lease;
    try {
      assertThrough(through, scrivener);
      if (scrivener.flushed < through) await scrivener.flush();
      await this.#open.hold(newName, false, (isOpen) => {
        if (isOpen) throw new JournalExistsError(newName);
        const fork = (filePath: string) => forkJournal(this.#folders.fileOf(name), filePath, { through });
        return this.#folders.make(newName, fork);
      });
    } finally {
      lease.release();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#open.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #lease(name: string): Promise<Lease<FileScrivener<T>>> {
    return new Promise((use, fail) => this.#open.borrow(name, { creates: false, use, fail }));
  }

  async *#names(prefix: string): AsyncGenerator<string, void> {
    this.#assertOpen();
    yield* this.#folders.names(prefix);
  }

  #assertUsable(name: string): void {
    assertJournalName('name', name);
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new JournalClosedError();
  }
}

/** Closes a journal; tries once more to write what its flusher could not. */
async function closed<T>(scrivener: FileScrivener<T>): Promise<void> {
  if (scrivener.flusher.status === 'Failed') await scrivener.reopen().catch(() => undefined);
  await scrivener.close();
}
