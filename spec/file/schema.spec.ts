import type { StandardSchemaV1 } from '@standard-schema/spec';
import { writeFileSync } from 'node:fs';
import { EntryValidationError, JsonEntrySerializer, SchemaMismatchError, type EntrySerializer } from 'rx-scrivener';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { take } from 'rxjs';
import { z } from 'zod';
import { FailingDisk } from './support/failing-disk';
import { fileHandlePrototype } from './support/file-handle';
import { bytesOf, journalText, latin1, line, textOf } from './support/journal-text';
import { outcomeOf, rejectionOf, turns } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

function schemaOf<T>(
  validate: (value: unknown) => StandardSchemaV1.Result<T> | Promise<StandardSchemaV1.Result<T>>,
): StandardSchemaV1<unknown, T> {
  return { '~standard': { version: 1, vendor: 'spec', validate } };
}

const boom = new Error('schema');

const Said = z.object({ type: z.literal('Said'), text: z.string().max(5) });
type Said = z.infer<typeof Said>;

class Money {
  constructor(readonly cents: number) {}
  toJSON() {
    return { cents: this.cents };
  }
}
const money = schemaOf<Money>((value) =>
  typeof (value as Money | null)?.cents === 'number'
    ? { value: value instanceof Money ? value : new Money((value as Money).cents) }
    : { issues: [{ message: 'Expected cents', path: ['cents'] }] },
);

describe('what is written', () => {
  test('is checked by zod', async () => {
    const scrivener = await openFileScrivener<Said>({ filePath: filePath(), schema: Said });
    await scrivener.write({ type: 'Said', text: 'hello' });
    const error = await rejectionOf(scrivener.write({ type: 'Said', text: 'too long' }));
    expect(error).toBeInstanceOf(EntryValidationError);
    expect(error).toMatchObject({ code: 'ERR_ENTRY_VALIDATION', issues: [{ path: ['text'] }] });
    expect((error as Error).message).toContain('text: ');
    expect(() => scrivener.append({ type: 'Heard' } as never)).toThrow(EntryValidationError);
    expect(scrivener.append({ type: 'Said', text: 'again' })).toBe(2);
    await scrivener.close();
    expect(textOf(filePath())).toBe(
      '{"schemaVersion":"1","position":1,"entry":{"text":"hello","type":"Said"}}\n{"schemaVersion":"1","position":2,"entry":{"text":"again","type":"Said"}}\n',
    );
  });

  const trimmed = z.object({ type: z.literal('Joined'), who: z.string().trim().toLowerCase() });

  test("is the schema's output: what is emitted, what is kept, and what is read later", async () => {
    const scrivener = await openFileScrivener<z.infer<typeof trimmed>>({ filePath: filePath(), schema: trimmed });
    const told: unknown[] = [];
    scrivener.tail().subscribe(({ entry }) => told.push(entry));
    const ann = { type: 'Joined', who: '  ANN ', secret: 1 } as { type: 'Joined'; who: string };
    await scrivener.write(ann);
    scrivener.append(ann);
    await scrivener.writeAll([ann, ann]);
    const kept = { type: 'Joined', who: 'ann' };
    expect(told).toStrictEqual([kept, kept, kept, kept]);
    expect((await scrivener.waitFor(0, ({ who }) => who === 'ann')).entry).toStrictEqual(kept);
    await scrivener.close();
    expect(ann.who).toBe('  ANN ');
    const { values } = await outcomeOf(readJournal(filePath()));
    expect(values.map(({ entry }) => entry)).toStrictEqual(told);
    const again = await openFileScrivener<z.infer<typeof trimmed>>({ filePath: filePath(), schema: trimmed });
    const replayed: unknown[] = [];
    again.tail().subscribe(({ entry }) => replayed.push(entry));
    expect(replayed).toStrictEqual(told);
    await again.close();
  });

  test.each([{}, { checksum: 'crc32' }, { rotation: { maxBytes: 1 } }, { retain: 1 }] as const)(
    "is the schema's output also where it was written while the file could not be, and reopened (%j)",
    async (options) => {
      const disk = new FailingDisk(await fileHandlePrototype(path('probe')));
      let validated = 0;
      const schema = schemaOf<Money>((value) => {
        validated++;
        const cents = Number((value as Partial<Money>).cents);
        return { value: new Money(Math.round(cents)) };
      });
      const scrivener = await openFileScrivener<Money>({ filePath: filePath(), schema, ...options });
      await scrivener.write(new Money(1.2));
      await scrivener.flush();
      disk.fail('half');
      const late = new Money(2.4);
      await scrivener.write(late);
      await scrivener.writeAll([new Money(3.3), new Money(4.4)]);
      await rejectionOf(scrivener.flush());
      Object.assign(late, { cents: 99 });
      disk.mend();
      validated = 0;
      await scrivener.reopen();
      await scrivener.flush();
      expect(scrivener.flushed).toBe(4);
      // What was checked is not checked again.
      expect(validated).toBe(0);
      await scrivener.write(new Money(5.1));
      const told = await outcomeOf(scrivener.tail().pipe(take(5)));
      await scrivener.close();
      const expected = [1, 2, 3, 4, 5].map((cents, index) => ({ position: index + 1, entry: new Money(cents) }));
      expect(told.values).toStrictEqual(expected);
      const read = await outcomeOf(readJournal<Money>(filePath(), { schema: money }));
      expect(read).toStrictEqual({ values: expected });
    },
  );

  test.each([
    ['retained', 1],
    ['all in memory', Infinity],
  ])('dates are dates before and after (%s)', async (_, retain) => {
    const schema = z.object({ at: z.coerce.date() });
    const config = { filePath: filePath(), schema, retain, flushThreshold: 1 };
    const at = new Date(1_790_000_000_000);
    const scrivener = await openFileScrivener<{ at: Date }>(config);
    for (let i = 0; i < 3; i++) await scrivener.write({ at });
    await scrivener.flush();
    const first = await outcomeOf(scrivener.readBackward());
    await scrivener.close();
    const again = await openFileScrivener<{ at: Date }>(config);
    expect((await outcomeOf(again.readBackward())).values).toStrictEqual(first.values);
    expect(first.values.map(({ entry }) => entry)).toStrictEqual([{ at }, { at }, { at }]);
    await again.close();
  });

  test.each<[string, StandardSchemaV1<unknown, unknown>, unknown]>([
    ['another type', z.string().transform(Number), '5'],
    ['a date that it does not read from a text', z.object({ at: z.date() }), { at: new Date(0) }],
    ['a key that it does not allow', z.strictObject({ a: z.number() }).transform(({ a }) => ({ b: a })), { a: 1 }],
    ['what it lengthens each time', z.string().transform((text) => text + '!'), 'a'],
    ['what JSON does not keep', z.object({ a: z.instanceof(Map) }), { a: new Map() }],
  ])('a schema that would not read its own output as it is (%s) is refused at the write', async (_, schema, entry) => {
    const scrivener = await openFileScrivener<unknown>({ filePath: filePath(), schema });
    const message = expect.stringMatching(/what it gave/) as unknown;
    for (const write of [
      () => scrivener.write(entry),
      () => scrivener.writeAll([entry]),
      async () => scrivener.append(entry),
    ]) {
      const error = await rejectionOf(write());
      expect(error).toBeInstanceOf(EntryValidationError);
      expect(error).toMatchObject({ message });
    }
    expect(scrivener.head).toBe(0);
    await scrivener.close();
    expect(textOf(filePath())).toBe('');
  });

  test('a serializer whose lines differ for equal entries is not asked for the same line', async () => {
    const own = new JsonEntrySerializer<string>();
    let salt = 0;
    const serializer: EntrySerializer<string> = {
      serialize: (record) => own.serialize({ ...record, entry: `${salt++}:${record.entry}` }),
      deserialize: (text) => {
        const { position, entry } = own.deserialize(text);
        return { position, entry: entry.slice(entry.indexOf(':') + 1) };
      },
    };
    const schema = z.string().trim();
    const scrivener = await openFileScrivener<string>({ filePath: filePath(), schema, serializer });
    expect(await scrivener.write(' a ')).toBe(1);
    await scrivener.close();
    expect((await outcomeOf(readJournal(filePath(), { serializer }))).values).toEqual([{ position: 1, entry: 'a' }]);
  });

  test('is checked before it is serialized, and as it will be read', async () => {
    const validate = jest.fn((value: unknown) => (value === 'bad' ? { issues: [{ message: 'bad' }] } : { value }));
    const toJSON = jest.fn(() => 1);
    const scrivener = await openFileScrivener<unknown>({ filePath: filePath(), schema: schemaOf(validate) });
    await scrivener.write({ toJSON });
    await scrivener.write('bad').catch(() => undefined);
    const calls = [[{ toJSON }], [1], ['bad']];
    expect(validate.mock.calls).toEqual(calls);
    expect(toJSON).toHaveBeenCalledTimes(1);
    await scrivener.close();
    expect(validate.mock.calls).toEqual(calls);
  });

  test('by a schema that throws: it throws at the write', async () => {
    const thrown = new Error('schema');
    const schema = schemaOf<unknown>((value) => {
      if (value === 'throw') throw thrown;
      return { value };
    });
    const scrivener = await openFileScrivener<unknown>({ filePath: filePath(), schema });
    expect(await rejectionOf(scrivener.write('throw'))).toBe(thrown);
    expect(await scrivener.write('fine')).toBe(1);
    await scrivener.close();
    expect(textOf(filePath())).toBe(line(1, 'fine'));
  });

  test.each<[string, StandardSchemaV1<unknown, string>]>([
    ['hand-written', schemaOf<string>(async (value) => ({ value: value as string }))],
    ['zod', z.string().refine(async () => true)],
    ['one that rejects', schemaOf<string>(() => Promise.reject(new Error('later')))],
  ])('by an asynchronous schema (%s): TypeError, and nothing journaled', async (_, schema) => {
    const scrivener = await openFileScrivener<string>({ filePath: filePath(), schema });
    expect(await rejectionOf(scrivener.write('x'))).toBeInstanceOf(TypeError);
    expect(() => scrivener.append('x')).toThrow(TypeError);
    expect(scrivener.head).toBe(0);
    await scrivener.close();
    expect(textOf(filePath())).toBe('');
    await turns(); // Jest fails the test when a rejection is left unhandled
  });

  test('by an asynchronous schema that answers with a thenable: TypeError, too', async () => {
    const schema = schemaOf<string>((value) => {
      const promise = Promise.resolve({ value: value as string });
      return { then: promise.then.bind(promise) } as Promise<StandardSchemaV1.Result<string>>;
    });
    const scrivener = await openFileScrivener<string>({ filePath: filePath(), schema });
    expect(await rejectionOf(scrivener.write('x'))).toBeInstanceOf(TypeError);
    await scrivener.close();
    expect(textOf(filePath())).toBe('');
  });

  test("by a schema that is a function, as ArkType's are", async () => {
    const schema = Object.assign(() => undefined, money);
    const scrivener = await openFileScrivener<Money>({ filePath: filePath(), schema });
    expect(await rejectionOf(scrivener.write({ cents: 'none' } as never))).toBeInstanceOf(EntryValidationError);
    expect(await scrivener.write(new Money(1))).toBe(1);
    await scrivener.close();
  });
});

describe('what is read back', () => {
  test("becomes the schema's output: classes are classes again", async () => {
    const written = await openFileScrivener<Money>({ filePath: filePath(), schema: money });
    for (const cents of [1, 2, 3]) await written.write(new Money(cents));
    await written.close();
    expect(textOf(filePath())).toBe(journalText([{ cents: 1 }, { cents: 2 }, { cents: 3 }]));

    // The last one without its newline, which takes another way.
    writeFileSync(filePath(), textOf(filePath()).trimEnd());
    const read = await outcomeOf(readJournal(filePath(), { schema: money }));
    const opened = await openFileScrivener<Money>({ filePath: filePath(), schema: money });
    const replayed: unknown[] = [];
    opened.tail().subscribe((record) => replayed.push(record));
    await opened.close();
    for (const records of [read.values, replayed]) {
      expect(records).toEqual([1, 2, 3].map((cents) => ({ position: cents, entry: new Money(cents) })));
      for (const { entry } of records as { entry: unknown }[]) expect(entry).toBeInstanceOf(Money);
    }
    expect(await outcomeOf(readJournal(filePath()))).toEqual({
      values: [1, 2, 3].map((cents) => ({ position: cents, entry: { cents } })),
    });
  });

  test.each<[string, StandardSchemaV1<unknown, string>, unknown]>([
    ['is asynchronous', schemaOf<string>(async (value) => ({ value: value as string })), expect.any(TypeError)],
    [
      'throws',
      schemaOf<string>(() => {
        throw boom;
      }),
      boom,
    ],
  ])('by a schema that %s: that error, and no damage', async (_, schema, error) => {
    writeFileSync(filePath(), journalText(['sound']));
    expect(await rejectionOf(openFileScrivener<string>({ filePath: filePath(), schema }))).toEqual(error);
    expect((await outcomeOf(readJournal<string>(filePath(), { schema }))).error).toEqual(error);
    expect(textOf(filePath())).toBe(journalText(['sound']));
  });

  test('with a schema and renumbered', async () => {
    writeFileSync(filePath(), journalText([{ cents: 1 }, { cents: 2 }]) + journalText([{ cents: 3 }]));
    const { values, error } = await outcomeOf(readJournal(filePath(), { schema: money, restarts: 'renumber' }));
    expect(error).toBeUndefined();
    expect(values).toEqual([1, 2, 3].map((cents) => ({ position: cents, entry: new Money(cents) })));
  });

  test.each([
    ['in the middle', true],
    ['in the last line', true],
    ['in a last line without its newline', false],
  ])('and is refused %s: a mismatch of a sound journal', async (where, newline) => {
    const entries: unknown[] = [{ cents: 1 }, { text: 'ü' }, { cents: 3 }];
    const bad = where === 'in the middle' ? 2 : 3;
    if (bad === 3) entries.splice(1, 2, { cents: 2 }, { cents: 'hunter2' });
    const text = newline ? journalText(entries) : journalText(entries).trimEnd();
    writeFileSync(filePath(), text);
    const error = await rejectionOf(openFileScrivener<Money>({ filePath: filePath(), schema: money }));
    expect(error).toBeInstanceOf(SchemaMismatchError);
    expect(error).toMatchObject({
      code: 'ERR_SCHEMA_MISMATCH',
      source: filePath(),
      position: bad,
      issues: [{ message: 'Expected cents' }],
      message: expect.stringContaining('cents: Expected cents') as unknown,
    });
    expect((error as Error).cause).toBeInstanceOf(EntryValidationError);
    expect(bytesOf(filePath())).toBe(latin1(text));
    const read = await outcomeOf(readJournal(filePath(), { schema: money }));
    expect(read.values.length).toBe(bad - 1);
    expect({ ...(read.error as object) }).toEqual({ ...(error as object) });
    expect(String((error as Error).stack)).not.toContain('hunter2');
    // Without the schema, or once it accepts the entry, it is a journal.
    await (await openFileScrivener({ filePath: filePath() })).close();
  });

  test('and is refused where a whole line is followed by zeros: nothing is cut off', async () => {
    const bytes = line(1, { cents: 1 }) + line(2, { text: 'ü' }).trimEnd() + '\0\0\0';
    writeFileSync(filePath(), bytes);
    const error = await rejectionOf(openFileScrivener<Money>({ filePath: filePath(), schema: money }));
    expect(error).toMatchObject({ code: 'ERR_SCHEMA_MISMATCH', position: 2 });
    expect(bytesOf(filePath())).toBe(latin1(bytes));
  });

  const thrown = new Error('v is undefined');
  test.each([
    [
      'by an asynchronous schema',
      async (value: unknown) => ({ value: value as string }),
      expect.any(TypeError) as unknown,
    ],
    [
      'by a schema that throws',
      () => {
        throw thrown;
      },
      thrown,
    ],
  ])('%s: its own error, not damage; the file as it was, and the lock free', async (_, validate, expected) => {
    for (const text of [line(1, 'x'), line(1, 'x').trimEnd(), line(1, 'x') + line(2, 'y')]) {
      writeFileSync(filePath(), text);
      const schema = schemaOf<string>(validate);
      expect(await rejectionOf(openFileScrivener<string>({ filePath: filePath(), schema }))).toEqual(expected);
      expect((await outcomeOf(readJournal(filePath(), { schema }))).error).toEqual(expected);
      expect(textOf(filePath())).toBe(text);
      await (await openFileScrivener({ filePath: filePath() })).close();
    }
  });
});
