import { IndexedDbBookmarkStore, IndexedDbSink, openIndexedDbScrivener } from 'rx-scrivener/indexeddb';

const name = 'talk';

describe('Outside browsers', () => {
  test.each([
    ['nothing', undefined, /options of `openIndexedDbScrivener`.*got undefined/],
    ['null', null, /options of `openIndexedDbScrivener`.*got null/],
    ['a name alone', 'talk', /options of `openIndexedDbScrivener`.*got "talk"/],
    ['no name', {}, /`name`.*got undefined/],
    ['an empty name', { name: '' }, /`name`.*got ""/],
    ['another name', { name: 7 }, /`name`.*got 7/],
    [
      'a misspelled option',
      { name, flushTreshold: 5 },
      /no option `flushTreshold` of `openIndexedDbScrivener`.*flushThreshold/,
    ],
    ["a file's option", { name, filePath: 'talk' }, /no option `filePath`/],
    ['flushThreshold', { name, flushThreshold: 0 }, /`flushThreshold`.*got 0/],
    ['flushIntervalMs', { name, flushIntervalMs: -1 }, /`flushIntervalMs`.*got -1/],
    ['flushQueueCapacity', { name, flushQueueCapacity: 0.5 }, /`flushQueueCapacity`.*got 0\.5/],
    ["a file's durability", { name, durability: 'os' }, /`durability`.*relaxed, strict.*got "os"/],
    ['schema', { name, schema: {} }, /`schema`/],
    ['serializer', { name, serializer: {} }, /`serializer`.*without `serialize`/],
    ['predicate', { name, predicate: 5 }, /`predicate`.*got 5/],
    ['daemonEvents', { name, daemonEvents: {} }, /`daemonEvents`.*without `write`/],
    ['retry', { name, retry: true }, /options of `retry`.*got true/],
    ['retry.count', { name, retry: { count: -1 } }, /`retry\.count`.*got -1/],
    ['retry.delay', { name, retry: { delay: '5' } }, /`retry\.delay`.*got "5"/],
    ['an option of retry', { name, retry: { attempts: 5 } }, /no option `attempts` of `retry`/],
  ])('%s is refused at the call by its name', async (_, options, message) => {
    const error = await openIndexedDbScrivener(options as never).catch((error: unknown) => error);
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect((error as Error).message).toMatch(message);
  });

  test('undefined options are left out, and what is missing here is named', async () => {
    const opening = openIndexedDbScrivener({
      name,
      schema: undefined,
      retry: undefined,
      predicate: undefined,
    });
    await expect(opening).rejects.toThrow(/^Expected a secure page in a browser/);
    const missing = new TypeError('Expected a browser: there is no IndexedDB here');
    await expect(new IndexedDbSink({ name }).append([{ position: 1, entry: 1 }])).rejects.toThrow(missing);
    await expect(new IndexedDbBookmarkStore(name).load()).rejects.toThrow(missing);
  });

  test.each([
    ['nothing', undefined, /options of `IndexedDbSink`/],
    ['no name', {}, /`name`/],
    ['serializer', { name, serializer: () => '' }, /`serializer`/],
    ['a misspelled option', { name, durabilty: 'strict' }, /no option `durabilty` of `IndexedDbSink`/],
  ])('a sink of %s is refused', (_, options, message) => {
    expect(() => new IndexedDbSink(options as never)).toThrow(message);
  });
});
