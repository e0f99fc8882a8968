import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { InMemoryScrivener, jsonOnly, type Scrivener } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import { z } from 'zod';

const check = (entry: unknown) => jsonOnly()['~standard'].validate(entry) as { issues?: unknown[]; value?: unknown };
const cycle: { self?: unknown } = {};
cycle.self = cycle;
let deep: unknown = 1;
for (let n = 0; n < 50_000; n++) deep = [deep];
class Said {
  readonly text = 'hello';
}
class List extends Array<number> {}

test.each<[got: string, path: PropertyKey[], entry: unknown]>([
  ['undefined', [], undefined],
  ['a bigint', ['n'], { n: 1n }],
  ['a symbol', ['a', 1], { a: [0, Symbol()] }],
  ['a function', ['toJSON'], { toJSON: () => 'text' }],
  ['NaN', ['n'], { n: NaN }],
  ['-Infinity', [0], [-Infinity]],
  ['undefined', [1], [1, undefined]],
  ['undefined', [1], [1, , 3]], // eslint-disable-line no-sparse-arrays -- what is refused
  ['an array with members', ['a'], { a: Object.assign([1], { b: 2 }) }],
  ['a key that is a symbol', [], { [Symbol('s')]: 1 }],
  ['an instance of Map', ['m'], { m: new Map([[1, 2]]) }],
  ['an instance of Set', ['s'], { s: new Set([1]) }],
  ['an instance of Date', ['at'], { at: new Date(0) }],
  ['an instance of Blob', [], new Blob(['a'])],
  ['an instance of Uint8Array', ['bytes'], { bytes: new Uint8Array(3) }],
  ['an instance of ArrayBuffer', [], new ArrayBuffer(3)],
  ['an instance of Number', ['n'], { n: Object(1) as unknown }],
  ['an instance of RegExp', [], /a/],
  ['an instance of Error', [], new Error('a')],
  ['an instance of Said', [0], [new Said()]],
  ['an instance of List', [], List.from([1])],
  ['a cycle', ['self'], cycle],
])('refuses %s at %j', (got, path, entry) => {
  const { issues } = check(entry);
  expect(issues).toEqual([{ message: `Expected what JSON keeps, got ${got}`, ...(path.length > 0 && { path }) }]);
});

test('what is nested without end is refused, not walked', () => {
  const [issue] = check(deep).issues as { message: string }[];
  expect(issue?.message).toContain('1000 levels');
});

test.each<[entry: unknown]>([
  [null],
  ['text'],
  [0],
  [true],
  [[]],
  [{ type: 'Said', tags: ['a', { b: [1.5, null, false] }] }],
  [{ type: 'Said', reply: undefined }],
  [Object.create(null) as unknown],
  [JSON.parse('{"__proto__": {"a": 1}}') as unknown],
  [runInNewContext('({ a: [1, { b: 2 }] })') as unknown],
  [[cycle, cycle].map(() => ({ shared: 'twice' }))],
])('passes %j as it is', (entry) => {
  expect(check(entry)).toEqual({ value: entry });
  expect(check(entry).value).toBe(entry);
});

test('after a schema, of whose output it is; that may take its time', async () => {
  const schema = jsonOnly(z.object({ at: z.any(), n: z.coerce.number() }));
  const validate = (entry: unknown) => schema['~standard'].validate(entry);
  expect(validate({ at: 1, n: '2' })).toEqual({ value: { at: 1, n: 2 } });
  expect(validate({ at: new Map(), n: 2 })).toMatchObject({ issues: [{ path: ['at'] }] });
  expect(validate({ at: 1, n: 'x' })).toMatchObject({ issues: [{ path: ['n'] }] });
  const late = jsonOnly(z.any().refine(async () => true))['~standard'].validate({ at: new Set() });
  expect(late).toBeInstanceOf(Promise);
  expect(await late).toMatchObject({ issues: [{ path: ['at'] }] });
});

describe.each<[name: string, open: (path: string) => Promise<Scrivener<unknown> & { close(): Promise<void> }>]>([
  ['a file', (filePath) => openFileScrivener({ filePath, schema: jsonOnly() })],
  [
    'a remote journal',
    () => {
      const handle = journalHandler(new InMemoryScrivener<unknown>(), { authorize: 'public' });
      const fetch = (url: RequestInfo | URL, init?: RequestInit) => handle(new Request(url, init));
      return openRemoteScrivener({ url: 'http://localhost/', fetch, schema: jsonOnly() });
    },
  ],
])('%s', (_, open) => {
  test('refuses at the write what it would not keep, and continues', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rx-scrivener-'));
    const scrivener = await open(join(folder, 'a.ndjson'));
    const refused = expect.objectContaining({ code: 'ERR_ENTRY_VALIDATION' }) as Error;
    await expect(scrivener.write({ tags: new Set(['a']) })).rejects.toEqual(refused);
    await expect(scrivener.write(new Said())).rejects.toEqual(refused);
    expect(await scrivener.write({ tags: ['a'] })).toBe(1);
    await scrivener.close();
    rmSync(folder, { recursive: true });
  });
});
