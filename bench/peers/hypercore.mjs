import Hypercore from 'hypercore';

export const how = 'JSON, `append` of 100';

export async function open(path) {
  const core = new Hypercore(path, { valueEncoding: 'json' });
  await core.ready();
  return {
    async append(entries) {
      for (let n = 0; n < entries.length; n += 100) await core.append(entries.slice(n, n + 100));
    },
    count: () => core.length,
    close: () => core.close(),
  };
}
