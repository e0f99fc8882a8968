import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { shown } from '../errors/assert-argument';
import { JournalMismatchError } from '../errors/journal-mismatch-error';

/** Our databases have one store, and a version that nobody raises. */
const VERSION = 1;

/** How requests fail when the browser has closed their connection: https://www.w3.org/TR/IndexedDB/#closing-connection */
const LOST = ['InvalidStateError', 'AbortError', 'UnknownError'];

/**
 * A connection to one of our databases, which is created if it is missing. It is released when somebody deletes the database or upgrades its version, and opened
 * again after it was closed, even by the browser.
 */
export class DatabaseConnection<S extends DBSchema> {
  readonly #name: string;
  readonly #store: string;
  #database: Promise<IDBPDatabase<S>> | undefined;

  /** @param store - the database's only store, whose keys are apart from its values */
  constructor(name: string, store: keyof S & string) {
    this.#name = name;
    this.#store = store;
  }

  /**
   * Runs a step, and once more, on a new connection, if its own was closed.
   * Rejects with {@link JournalMismatchError} if the database is not ours, and as the step does.
   */
  async use<R>(step: (database: IDBPDatabase<S>) => Promise<R>): Promise<R> {
    try {
      return await step(await this.#connected());
    } catch (error) {
      if (!LOST.includes((error as Error | undefined)?.name ?? '')) throw error;
      await this.close();
      return step(await this.#connected());
    }
  }

  /** Releases the database after pending steps. */
  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    (await database?.catch(() => undefined))?.close();
  }

  #connected(): Promise<IDBPDatabase<S>> {
    return (this.#database ??= this.#connect());
  }

  #connect(): Promise<IDBPDatabase<S>> {
    if (typeof indexedDB === 'undefined') throw new TypeError('Expected a browser: there is no IndexedDB here');
    const connecting = openDB(this.#name, VERSION, {
      upgrade: (database) => void database.createObjectStore(this.#store),
      blocking: (_, __, event) => {
        forget();
        (event.target as IDBDatabase).close();
      },
      terminated: () => forget(),
    });
    const connected = this.#own(connecting);
    const forget = () => {
      if (this.#database === connected) this.#database = undefined;
    };
    connected.catch(forget);
    return connected;
  }

  async #own(connecting: Promise<IDBPDatabase>): Promise<IDBPDatabase<S>> {
    let database;
    try {
      database = await connecting;
    } catch (error) {
      if ((error as Error).name !== 'VersionError') throw error;
      throw this.#foreign('it has another version');
    }
    if (isOurs(database, this.#store)) return database as unknown as IDBPDatabase<S>;
    database.close();
    throw this.#foreign(`it is not one store of the name ${this.#store} and with keys of its own`);
  }

  #foreign(reason: string): JournalMismatchError {
    return new JournalMismatchError(`the database ${this.#name} is somebody else's: ${reason}`);
  }
}

/** Throws a `TypeError` unless a name is a non-empty string. */
export function assertName(name: unknown): void {
  if (typeof name === 'string' && name !== '') return;
  throw new TypeError(`Expected \`name\` to be a text that is not empty, got ${shown(name)}`);
}

function isOurs(database: IDBPDatabase, name: string): boolean {
  if (database.objectStoreNames.length !== 1 || !database.objectStoreNames.contains(name)) return false;
  const { store } = database.transaction(name);
  return store.keyPath === null && !store.autoIncrement;
}
