import Database from 'better-sqlite3';

export const how = 'JSON, WAL, `synchronous = OFF`, a transaction for 100';

export async function open(path, { synchronous = 'OFF', transaction: size = 100 } = {}) {
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${synchronous}`);
  database.exec('CREATE TABLE IF NOT EXISTS journal (position INTEGER PRIMARY KEY, entry TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO journal (entry) VALUES (?)');
  const insertAll = database.transaction((entries) => {
    for (const entry of entries) insert.run(JSON.stringify(entry));
  });
  return {
    append(entries) {
      if (size > 1) for (let n = 0; n < entries.length; n += size) insertAll(entries.slice(n, n + size));
      else for (const entry of entries) insert.run(JSON.stringify(entry));
    },
    count: () => database.prepare('SELECT count(*) FROM journal').pluck().get(),
    close: () => database.close(),
  };
}
