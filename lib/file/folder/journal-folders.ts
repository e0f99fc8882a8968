import { randomUUID } from 'node:crypto';
import { mkdir, opendir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { JournalExistsError } from '../../errors/journal-exists-error';
import { syncDirectory } from '../disk/directory';
import { JournalLock } from '../lock/journal-lock';
import { folderName, isShortened, journalName } from './folder-name';

/** A journal's file in its folder; its side files begin with this name. */
export const JOURNAL_FILE = 'journal.ndjson';
/** The file that records a shortened name. */
const NAME = 'name.txt';
/** Folders being created or removed; no journal's folder begins with a dot. */
const NEW = '.new-';
const DELETED = '.deleted-';
/** Creating a folder takes less than this, in milliseconds. */
const LEFT_OVER_MS = 3_600_000;
const PAGE = 1000;

/** The folders of many journals, one each: side files of different journals cannot collide, and a journal is moved and removed as a whole. */
export class JournalFolders {
  readonly #folder: string;
  readonly #syncs: boolean;

  /** @param syncs - whether a new folder's name is on the disk before it counts */
  constructor(folder: string, syncs: boolean) {
    this.#folder = folder;
    this.#syncs = syncs;
  }

  /** Removes the remains of journals that a crash interrupted while they were created or removed. */
  async tidy(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const folder of await readdir(this.#folder)) {
      const path = join(this.#folder, folder);
      const isLeft = folder.startsWith(DELETED) || (folder.startsWith(NEW) && (await isOld(path)));
      if (isLeft) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  fileOf(name: string): string {
    return join(this.#pathOf(name), JOURNAL_FILE);
  }

  async exists(name: string): Promise<boolean> {
    try {
      return (await stat(this.#pathOf(name))).isDirectory();
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Resolves with whether it is new. */
  async create(name: string): Promise<boolean> {
    if (folderName(name).isShortened) {
      if (await this.exists(name)) return false;
      try {
        await this.make(name, async () => undefined);
        return true;
      } catch (error) {
        if (error instanceof JournalExistsError) return false;
        throw error;
      }
    }
    try {
      await mkdir(this.#pathOf(name));
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
    if (this.#syncs) await syncDirectory(this.#pathOf(name));
    return true;
  }

  /** Creates a journal under a temporary name, and renames it when it is complete; rejects with {@link JournalExistsError} if the name is taken. */
  async make(name: string, fill: (filePath: string) => Promise<void>): Promise<void> {
    const path = join(this.#folder, NEW + randomUUID());
    await mkdir(path);
    try {
      if (folderName(name).isShortened) await writeFile(join(path, NAME), encodeName(name), { flush: this.#syncs });
      await fill(join(path, JOURNAL_FILE));
      if (await this.exists(name)) throw new JournalExistsError(name);
      await rename(path, this.#pathOf(name));
    } catch (error) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EPERM')) throw new JournalExistsError(name);
      throw error;
    }
    if (this.#syncs) await syncDirectory(this.#pathOf(name));
  }

  /** Removes a journal atomically; resolves with whether there was one. Rejects with {@link JournalLockedError} while another process has it open. */
  async remove(name: string): Promise<boolean> {
    const path = this.#pathOf(name);
    if (!(await this.exists(name))) return false;
    const removed = join(this.#folder, DELETED + randomUUID());
    const lock = await JournalLock.acquire(this.fileOf(name));
    try {
      // Windows does not rename a folder in which a file is open.
      if (process.platform === 'win32') await lock.release();
      await rename(path, removed);
    } finally {
      await lock.release();
    }
    if (this.#syncs) await syncDirectory(path);
    await rm(removed, { recursive: true, force: true });
    return true;
  }

  /** The names that begin with a prefix, sorted; the folder is read again for each page of them. */
  async *names(prefix: string): AsyncGenerator<string, void> {
    for (let after: string | undefined; ;) {
      const page = await this.#page(prefix, after);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1);
    }
  }

  async #page(prefix: string, after: string | undefined): Promise<string[]> {
    let page: string[] = [];
    const keepFirst = () => {
      page = page.sort().slice(0, PAGE);
    };
    for await (const found of await opendir(this.#folder, { bufferSize: 256 })) {
      if (!found.isDirectory() || found.name.startsWith('.')) continue;
      const name = journalName(found.name) ?? (await this.#recordedName(found.name));
      if (name === undefined || !name.startsWith(prefix) || (after !== undefined && name <= after)) continue;
      page.push(name);
      if (page.length >= 2 * PAGE) keepFirst();
    }
    keepFirst();
    return page;
  }

  /** The full name for a folder whose name was shortened; `undefined` if it is not a journal's. */
  async #recordedName(folder: string): Promise<string | undefined> {
    if (!isShortened(folder)) return undefined;
    try {
      const name = decodeName(await readFile(join(this.#folder, folder, NAME), 'utf8'));
      return folderName(name).folder === folder ? name : undefined;
    } catch {
      return undefined;
    }
  }

  /** Rejects with {@link CorruptJournalError} if the folder of a shortened name belongs to another journal. */
  async assertOwn(name: string): Promise<void> {
    const { folder, isShortened } = folderName(name);
    if (!isShortened || (await this.#recordedName(folder)) === name) return;
    const reason = 'the name recorded beside it is another one';
    throw new CorruptJournalError({ filePath: this.fileOf(name), line: 1, byteOffset: 0, reason });
  }

  #pathOf(name: string): string {
    return join(this.#folder, folderName(name).folder);
  }
}

/** As JSON, because UTF-8 cannot represent half a surrogate pair. */
function encodeName(name: string): string {
  return `${JSON.stringify(name)}\n`;
}

function decodeName(text: string): string {
  return String(JSON.parse(text));
}

async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > LEFT_OVER_MS;
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}
