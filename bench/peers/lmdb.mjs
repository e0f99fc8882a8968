import { open as openDatabase } from 'lmdb';

export const how = 'MessagePack, `put` each, then `await committed`';

export async function open(path) {
  const database = openDatabase({ path });
  return {
    async append(entries) {
      for (let n = 0; n < entries.length; n++) database.put(n + 1, entries[n]);
      await database.committed;
    },
    count: () => database.getCount(),
    close: () => database.close(),
  };
}
