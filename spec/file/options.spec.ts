import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, FileBookmarkStore, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { journalText, textOf } from './support/journal-text';
import { outcomeOf, rejectionOf } from './support/outcome';
import { openDescriptors, onLinux } from './support/open-descriptors';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();

const gotten = (value: unknown) => {
  if (typeof value === 'string' && value !== '') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? String(value) : '.*';
};

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('Expected an error');
}

describe('openFileScrivener rejects', () => {
  const wrong: [option: string, error: typeof TypeError, values: unknown[]][] = [
    ['filePath', TypeError, ['']],
    ['flushThreshold', RangeError, [0, -1, 1.5, NaN, Infinity, '5', null, 2 ** 53]],
    ['flushIntervalMs', RangeError, [-1, NaN, -Infinity, '1000', null, 2 ** 31]],
    ['flushQueueCapacity', RangeError, [0, -1, 1.5, NaN, Infinity, '5', null]],
    ['durability', TypeError, ['', 'fsync', null, true, 1]],
    ['schema', TypeError, [null, {}, 'string', () => true]],
    ['serializer', TypeError, [null, {}, { serialize: () => '' }, 'json']],
    ['sink', TypeError, [null, {}, { append: true }, 'file']],
    ['predicate', TypeError, [null, {}, 100]],
    ['daemonEvents', TypeError, [null, {}, { write: () => 1 }]],
    ['retain', RangeError, [0, '5', null]],
    ['maxPending', RangeError, [0, '5', null]],
    ['checksum', TypeError, ['md5', true, null]],
    ['onProgress', TypeError, [null, true, {}]],
    ['signal', TypeError, [null, true, {}, new AbortController()]],
    ['lockTimeoutMs', RangeError, [-1, '5', null]],
  ];
  const cases = wrong.flatMap(([option, error, values]) => values.map((value) => [option, value, error] as const));
  test.each(cases)('%s: %p', async (option, value, error) => {
    const filePath = path('dir', 'journal.ndjson');
    const config = { filePath, [option]: value } as { filePath: string };
    const opened = await rejectionOf(openFileScrivener(config));
    expect(opened).toBeInstanceOf(error);
    expect((opened as Error).message).toMatch(new RegExp(`^Expected \`${option}\` to be .*, got ${gotten(value)}$`));
    expect(readdirSync(path())).toEqual([]);
    // And holds nothing.
    await (await openFileScrivener({ filePath })).close();
  });

  test.each([undefined, null, 7, {}, ['a'], 'a\0b', new URL('http://localhost/a'), 'file:///tmp/a', 'FILE:a'])(
    'filePath: %p',
    async (filePath) => {
      const before = readdirSync('.');
      const message = expect.stringMatching(/^Expected `filePath` to be a path/) as unknown;
      const expected = { name: 'TypeError', message };
      expect(await rejectionOf(openFileScrivener({ filePath: filePath as string }))).toMatchObject(expected);
      const serializer = new JsonEntrySerializer();
      expect(errorOf(() => new FileAppendSink({ filePath: filePath as string, serializer }))).toMatchObject(expected);
      expect(errorOf(() => new FileBookmarkStore(filePath as string))).toMatchObject(expected);
      expect(errorOf(() => readJournal(filePath as string))).toMatchObject(expected);
      expect(readdirSync('.')).toEqual(before);
    },
  );

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /^Expected the options of `openFileScrivener` to be an object, got undefined$/],
    ['null', null, /^Expected the options of `openFileScrivener` to be an object, got null$/],
    ['a path', 'f', /^Expected the options of `openFileScrivener` to be an object, got "f"$/],
    [
      'an unknown one',
      { filePath: 'f', flushTreshold: 1 },
      /^Expected no option `flushTreshold` of `openFileScrivener`: there are filePath, /,
    ],
    ['an inherited name', { filePath: 'f', toString: 1 }, /^Expected no option `toString`/],
    [
      'a rotation that is none',
      { filePath: 'f', rotation: true },
      /^Expected the options of `rotation` to be an object, got true$/,
    ],
    [
      'an unknown one of rotation',
      { filePath: 'f', rotation: { maxSize: 5 } },
      /^Expected no option `maxSize` of `rotation`: there are maxBytes, /,
    ],
    [
      'an unknown one of keep',
      { filePath: 'f', rotation: { keep: { count: 5 } } },
      /^Expected no option `count` of `rotation.keep`: there are segments, /,
    ],
    [
      'an age that is none',
      { filePath: 'f', rotation: { maxAgeMs: '5' } },
      /^Expected `rotation.maxAgeMs` to be .*, got "5"$/,
    ],
    [
      'an amount that is none',
      { filePath: 'f', rotation: { keep: { ageMs: '5' } } },
      /^Expected `rotation.keep.ageMs` to be a number >= 0, got "5"$/,
    ],
    [
      'an unknown one of retry',
      { filePath: 'f', retry: { times: 5 } },
      /^Expected no option `times` of `retry`: there are count, /,
    ],
    ['a retry that is none', { filePath: 'f', retry: 5 }, /^Expected the options of `retry` to be an object, got 5$/],
    [
      'a delay past what timers count',
      { filePath: 'f', retry: { delay: 2 ** 31 } },
      /^Expected `retry.delay` to be 0 to 2147483647 ms/,
    ],
    ['a name without a sink', { name: 'f' }, /^Expected `filePath` to be a path, got undefined$/],
  ])('%s', async (_, config, message) => {
    const before = readdirSync('.');
    const error = await rejectionOf(openFileScrivener(config as { filePath: string }));
    expect((error as Error).message).toMatch(message);
    expect(['TypeError', 'RangeError']).toContain((error as Error).name);
    expect(readdirSync('.')).toEqual(before);
  });

  onLinux('and holds no file open', async () => {
    const filePath = path('journal.ndjson');
    await rejectionOf(openFileScrivener({ filePath, durability: 'x' as 'os' }));
    await rejectionOf(openFileScrivener({ filePath, flushThreshold: 0 }));
    expect(openDescriptors(path())).toEqual([]);
  });
});

test.each([
  [{ flushThreshold: 1, flushIntervalMs: 0, flushQueueCapacity: 1 }],
  [{ flushThreshold: Number.MAX_SAFE_INTEGER, flushIntervalMs: Infinity, flushQueueCapacity: Number.MAX_SAFE_INTEGER }],
  [{ flushIntervalMs: 2 ** 31 - 1, durability: 'disk' as const }],
  [{ flushIntervalMs: 0.5, durability: 'os' as const }],
  [
    {
      ...{ flushThreshold: undefined, flushIntervalMs: undefined, flushQueueCapacity: undefined },
      ...{ durability: undefined, schema: undefined, serializer: undefined, sink: undefined, predicate: undefined },
      daemonEvents: undefined,
    },
  ],
])('openFileScrivener takes %p', async (options) => {
  const filePath = path('journal.ndjson');
  const scrivener = await openFileScrivener<number>({ filePath, ...options });
  await scrivener.write(1);
  await scrivener.close();
  expect(textOf(filePath)).toBe(journalText([1]));
});

describe('openFileScrivener where there is no file to be had', () => {
  test.each<[name: string, make: () => string, code: string]>([
    ['a directory', () => (mkdirSync(path('dir')), path('dir')), 'EISDIR'],
    ['below a file', () => (writeFileSync(path('file'), 'x'), path('file', 'journal.ndjson')), 'ENOTDIR'],
    ['far below a file', () => (writeFileSync(path('file'), 'x'), path('file', 'a', 'b', 'journal.ndjson')), 'ENOTDIR'],
    [
      'a lock file that is a directory',
      () => (mkdirSync(path('journal.ndjson.lock')), path('journal.ndjson')),
      'EISDIR',
    ],
    ['a link in a circle', () => (symlinkSync(path('circle'), path('circle')), path('circle')), 'ELOOP'],
    ['a name too long', () => path('x'.repeat(300)), 'ENAMETOOLONG'],
  ])('%s', async (_, make, code) => {
    const filePath = make();
    const error = await rejectionOf(openFileScrivener({ filePath }));
    // mkdir tells the same on another way.
    expect([code, 'EEXIST']).toContain((error as NodeJS.ErrnoException).code);
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
  });

  test('a directory is left empty', async () => {
    mkdirSync(path('dir'));
    await rejectionOf(openFileScrivener({ filePath: path('dir') }));
    expect(readdirSync(path())).toEqual(['dir']);
    expect(readdirSync(path('dir'))).toEqual([]);
  });

  test('a link to a file that is missing creates the file', async () => {
    symlinkSync(path('target.ndjson'), path('link.ndjson'));
    const scrivener = await openFileScrivener<number>({ filePath: path('link.ndjson') });
    await scrivener.write(1);
    await scrivener.close();
    expect(textOf(path('target.ndjson'))).toBe(journalText([1]));
    expect(existsSync(path('link.ndjson.lock'))).toBe(false);
  });
});

describe('FileAppendSink', () => {
  test.each(['', 'fsync', null, true])('durability %p: TypeError', (durability) => {
    const make = () =>
      new FileAppendSink({
        filePath: path('f'),
        serializer: new JsonEntrySerializer(),
        durability: durability as 'os',
      });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/^Expected `durability` to be .*\bos\b.*\bdisk\b.*, got/);
    expect(readdirSync(path())).toEqual([]);
  });
});

describe('a file: URL', () => {
  test('is taken wherever a path is', async () => {
    const url = pathToFileURL(path('with space', 'ü.ndjson'));
    const scrivener = await openFileScrivener<string>({ filePath: url });
    await scrivener.write('a');
    await scrivener.close();
    expect(textOf(path('with space', 'ü.ndjson'))).toBe(journalText(['a']));
    expect((await outcomeOf(readJournal(url))).values.length).toBe(1);
    const bookmarks = new FileBookmarkStore(pathToFileURL(path('mark.json')));
    await bookmarks.save(1);
    expect(textOf(path('mark.json'))).toBe('{"position":1}\n');
    const sink = new FileAppendSink<string>({ filePath: url, serializer: new JsonEntrySerializer() });
    await sink.append([{ position: 2, entry: 'b' }]);
    await sink.close();
    expect(textOf(path('with space', 'ü.ndjson'))).toBe(journalText(['a', 'b']));
  });
});

describe('readJournal throws', () => {
  test.each<[string, object, RegExp]>([
    ['an unknown option', { folow: true }, /^Expected no option `folow` of `readJournal`: there are after, /],
    ['another follow', { follow: 'yes' }, /^Expected `follow` to be true or false, got "yes"$/],
    ['another serializer', { serializer: {} }, /^Expected `serializer` to be an object with /],
    ['another schema', { schema: {} }, /^Expected `schema` to be a Standard Schema/],
    ['null', null as unknown as object, /^Expected the options of `readJournal` to be an object, got null$/],
  ])('%s', (_, options, message) => {
    expect(() => readJournal('x', options)).toThrow(message);
    expect(() => readJournal('x', options)).toThrow(TypeError);
  });

  test.each([-1, 0.5, NaN, Infinity, '1', null, 2 ** 53])('after %p: RangeError', (after) => {
    expect(() => readJournal('x', { after: after as number })).toThrow(RangeError);
    expect(() => readJournal('x', { after: after as number })).toThrow(/`after`/);
  });

  test.each(['', 'renumbered', true, null])('restarts %p: TypeError', (restarts) => {
    expect(() => readJournal('x', { restarts: restarts as 'reject' })).toThrow(TypeError);
    expect(() => readJournal('x', { restarts: restarts as 'reject' })).toThrow(
      /^Expected `restarts` to be .*\breject\b.*\brenumber\b.*, got/,
    );
  });

  test('nothing for options that are undefined', async () => {
    writeFileSync(path('f'), journalText([1, 2]));
    const options = {
      after: undefined,
      follow: undefined,
      restarts: undefined,
      serializer: undefined,
      schema: undefined,
    };
    const { values } = await outcomeOf(readJournal(path('f'), options as object));
    expect(values.length).toBe(2);
  });
});
