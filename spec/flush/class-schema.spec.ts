import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classSchema, InMemoryScrivener, instanceOf, JsonEntrySerializer, SerializationError } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';

let constructed = 0;
class Said {
  readonly type = 'Said';
  constructor(readonly text: string) {
    constructed++;
  }
  get loud(): string {
    return this.text.toUpperCase();
  }
}
class Left {
  readonly type = 'Left';
}

const schema = classSchema({ Said, Left });
const validate = (entry: unknown) => schema['~standard'].validate(entry) as { value?: unknown; issues?: unknown[] };

test('instances come back from a file as instances, without their constructors', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'scrivener-classes-'));
  const filePath = join(folder, 'journal.ndjson');
  const first = await openFileScrivener({ filePath, schema });
  await first.write(new Said('hello'));
  await first.write(new Left());
  await first.close();
  const before = constructed;
  const second = await openFileScrivener({ filePath, schema });
  const { entry } = await second.waitFor(0, instanceOf(Said));
  expect([entry.loud, constructed]).toEqual(['HELLO', before]);
  expect((await second.waitFor(0, instanceOf(Left))).position).toBe(2);
  await expect(second.write({ type: 'Gone' } as never)).rejects.toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
  await second.close();
  await rm(folder, { recursive: true });
});

test.each([
  ['no object', 'Said'],
  ['null', null],
  ['no type', { text: 'x' }],
  ['an unknown type', { type: 'Gone' }],
  ['a name of every object', { type: 'constructor' }],
  ['a name of the prototype', { type: '__proto__' }],
  ['a type that is no text', { type: ['Said'] }],
  [
    'another class',
    new (class Other {
      type = 'Said';
    })(),
  ],
])('%s is refused through issues', (_, entry) => {
  expect(validate(entry).issues).toHaveLength(1);
});

test('a member called __proto__ stays a member', () => {
  const { value } = validate(JSON.parse('{"type":"Said","text":"x","__proto__":{"admin":true}}'));
  expect(value).toBeInstanceOf(Said);
  expect((value as { admin?: boolean }).admin).toBeUndefined();
  expect(Object.keys(value as object)).toContain('__proto__');
});

test('the member may have another name', () => {
  const kinds = classSchema({ said: Said }, { key: 'kind' });
  expect(kinds['~standard'].validate({ kind: 'said' })).toEqual({ value: expect.any(Said) as Said });
  expect(() => classSchema({ Said: {} as typeof Said })).toThrow(/classes\.Said/);
});

test('instances come over HTTP as instances; what is none of them is refused at the write', async () => {
  const journal = new InMemoryScrivener<unknown>();
  const handle = journalHandler(journal, { authorize: 'public' });
  const remote = await openRemoteScrivener({
    url: 'http://localhost/',
    fetch: (input, init) => handle(new Request(input, init)),
    schema,
  });
  await remote.write(new Said('hello'));
  const before = constructed;
  const { entry } = await remote.waitFor(0, instanceOf(Said));
  expect([entry.loud, constructed]).toEqual(['HELLO', before]);
  for (const wrong of [{ type: 'Gone' }, { text: 'x' }, { type: '__proto__' }])
    await expect(remote.write(wrong as never)).rejects.toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
  expect(journal.head).toBe(1);
  await remote.close();
});

test('a class called __proto__ is one like the others', () => {
  const proto = classSchema({ ['__proto__']: Left });
  expect(proto['~standard'].validate({ type: '__proto__' })).toEqual({ value: expect.any(Left) as Left });
});

describe('a journal in memory with a serializer', () => {
  const open = () => new InMemoryScrivener<unknown>({ serializer: new JsonEntrySerializer() });

  test('changes what a file would', async () => {
    const scrivener = open();
    const seen: unknown[] = [];
    scrivener.tail().subscribe(({ entry }) => seen.push(entry));
    scrivener.append({ at: new Date(0), left: undefined });
    scrivener.next(new Map());
    await scrivener.write([undefined]);
    await scrivener.writeAll([NaN, 1]);
    expect(seen).toEqual([{ at: '1970-01-01T00:00:00.000Z' }, {}, [null], null, 1]);
    expect(Object.keys(seen[0] as object)).toEqual(['at']);
  });

  test('refuses what a file would, and is as it was', async () => {
    const scrivener = open();
    const cycle: Record<string, unknown> = { list: [{}] };
    (cycle.list as Record<string, unknown>[])[0]!.back = cycle;
    for (const entry of [1n, undefined, cycle]) {
      expect(() => scrivener.append(entry)).toThrow(SerializationError);
      await expect(scrivener.writeAll([1, entry])).rejects.toMatchObject({ code: 'ERR_SERIALIZATION' });
    }
    expect(() => scrivener.append(cycle)).toThrow(/a cycle: `list\.0\.back` is the entry/);
    expect(scrivener.head).toBe(0);
  });
});
