import { ClassicLevel } from 'classic-level';

export const how = 'JSON, a chained batch for 100';

export async function open(path) {
  const database = new ClassicLevel(path, { valueEncoding: 'json' });
  await database.open();
  return {
    async append(entries) {
      for (let n = 0; n < entries.length; n += 100) {
        const batch = database.batch();
        for (let i = n; i < Math.min(n + 100, entries.length); i++) batch.put(key(i + 1), entries[i]);
        await batch.write();
      }
    },
    count: async () => (await database.keys().all()).length,
    close: () => database.close(),
  };
}

/** In the order of the positions. */
const key = (position) => String(position).padStart(16, '0');
