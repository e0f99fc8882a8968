import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { journalText, textOf } from './support/journal-text';
import { outcomeOf, rejectionOf } from './support/outcome';
import { openDescriptors, onLinux } from './support/open-descriptors';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();

describe('openFileScrivener rejects', () => {
  const wrong: [option: string, error: typeof TypeError, values: unknown[]][] = [
    ['filePath', TypeError, ['']],
    ['flushThreshold', RangeError, [0, -1, 1.5, NaN, Infinity, '5', null, 2 ** 53]],
    ['flushIntervalMs', RangeError, [-1, NaN, -Infinity, '1000', null, 2 ** 31]],
    ['flushQueueCapacity', RangeError, [0, -1, 1.5, NaN, Infinity, '5', null]],
    ['durability', TypeError, ['', 'fsync', null, true, 1]],
  ];
  const cases = wrong.flatMap(([option, error, values]) => values.map((value) => [option, value, error] as const));
  test.each(cases)('%s: %p', async (option, value, error) => {
    const filePath = path('dir', 'journal.ndjson');
    const config = { filePath, [option]: value } as { filePath: string };
    const opened = await rejectionOf(openFileScrivener(config));
    expect(opened).toBeInstanceOf(error);
    expect((opened as Error).message).toMatch(
      new RegExp(
        `^Expected \`${option}\` to be .*, got ${typeof value === 'string' && value !== '' ? JSON.stringify(value) : String(value) || '.*'}$`,
      ),
    );
    expect(readdirSync(path())).toEqual([]);
    // And holds nothing.
    await (await openFileScrivener({ filePath })).close();
  });

  test.each([undefined, null, 7, {}, ['a']])('filePath: %p, as Node does', async (filePath) => {
    // Node's TypeError is of another realm than Jest's.
    expect(await rejectionOf(openFileScrivener({ filePath: filePath as string }))).toMatchObject({ name: 'TypeError' });
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

describe('readJournal throws', () => {
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
