import type * as core from 'rx-scrivener';
import type * as indexeddb from 'rx-scrivener/indexeddb';
import type { z } from 'zod';
import { bundle } from './bundle';

/** What the journals here hold. */
export interface Numbered {
  readonly n: number;
  readonly text?: string;
}

declare global {
  interface Window {
    rx: typeof core & typeof indexeddb;
    z: typeof z;
    /** What an `await` was rejected with. */
    failure(promise: Promise<unknown>): Promise<{ code?: string; name: string; message: string }>;
    stored(name: string): Promise<[number, string][]>;
    /** The journal that goes on from one call of the page to the next. */
    scrivener: indexeddb.IndexedDbScrivener<Numbered>;
    /** The connections that were made, the newest last. */
    connections: IDBDatabase[];
    /** Opens a database as somebody else does, does something with it, and closes it. */
    meddle(
      name: string,
      version: number | undefined,
      upgrade: ((database: IDBDatabase) => void) | undefined,
      step?: (database: IDBDatabase) => IDBTransaction,
    ): Promise<void>;
  }
}

/** A page with the library, and what looks at its databases. */
export const indexedDbPage = bundle(`
  import * as core from 'rx-scrivener';
  import * as indexeddb from 'rx-scrivener/indexeddb';
  import { openDB } from 'idb';
  import { z } from 'zod';
  window.z = z;
  window.rx = { ...core, ...indexeddb };
  window.failure = (promise) => promise.then(
    () => { throw new Error('Expected a rejection'); },
    (error) => ({ code: error.code, name: error.name, message: error.message, reason: error.reason, line: error.line }),
  );
  window.connections = [];
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (...args) {
    const request = open.apply(this, args);
    request.addEventListener('success', () => window.connections.push(request.result));
    return request;
  };
  window.meddle = (name, version, upgrade, step) => new Promise((resolve, reject) => {
    const request = open.call(indexedDB, name, version);
    request.onerror = () => reject(request.error);
    if (upgrade) request.onupgradeneeded = () => upgrade(request.result);
    request.onsuccess = () => {
      const transaction = step?.(request.result);
      if (transaction) transaction.oncomplete = () => resolve();
      request.result.close();
      if (!transaction) resolve();
    };
  });
  window.stored = async (name) => {
    const database = await openDB(name);
    const keys = await database.getAllKeys('entries');
    const values = await database.getAll('entries');
    database.close();
    return keys.map((key, index) => [key, values[index]]);
  };
`);
