import type { StandardSchemaV1 } from '@standard-schema/spec';
import { writeFileSync } from 'node:fs';
import { EntryValidationError } from 'rx-scrivener';
import { CorruptJournalError, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { z } from 'zod';
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

  test('is not changed by it: the output is for what is read', async () => {
    const schema = z.string().transform((text) => text.toUpperCase());
    const scrivener = await openFileScrivener<string>({ filePath: filePath(), schema });
    const seen: string[] = [];
    scrivener.tail().subscribe(({ entry }) => seen.push(entry));
    await scrivener.write('abc');
    expect(seen).toEqual(['abc']);
    await scrivener.close();
    expect(textOf(filePath())).toBe(line(1, 'abc'));
    expect(await outcomeOf(readJournal(filePath(), { schema }))).toEqual({ values: [{ position: 1, entry: 'ABC' }] });
  });

  test('is checked once, before it is serialized', async () => {
    const validate = jest.fn((value: unknown) => (value === 'bad' ? { issues: [{ message: 'bad' }] } : { value }));
    const toJSON = jest.fn(() => 1);
    const scrivener = await openFileScrivener<unknown>({ filePath: filePath(), schema: schemaOf(validate) });
    await scrivener.write({ toJSON });
    await scrivener.write('bad').catch(() => undefined);
    expect(validate).toHaveBeenCalledTimes(2);
    expect(toJSON).toHaveBeenCalledTimes(1);
    await scrivener.close();
    expect(validate).toHaveBeenCalledTimes(2);
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
  ])('and is refused %s: damage, with its place and the cause', async (where, newline) => {
    const entries: unknown[] = [{ cents: 1 }, { text: 'ü' }, { cents: 3 }];
    const bad = where === 'in the middle' ? 2 : 3;
    if (bad === 3) entries.splice(1, 2, { cents: 2 }, { cents: 'hunter2' });
    const text = newline ? journalText(entries) : journalText(entries).trimEnd();
    writeFileSync(filePath(), text);
    const error = await rejectionOf(openFileScrivener<Money>({ filePath: filePath(), schema: money }));
    expect(error).toBeInstanceOf(CorruptJournalError);
    expect(error).toMatchObject({
      filePath: filePath(),
      line: bad,
      byteOffset: Buffer.byteLength(journalText(entries.slice(0, bad - 1))),
      reason: expect.stringContaining('cents: Expected cents') as unknown,
    });
    expect((error as Error).cause).toBeInstanceOf(EntryValidationError);
    expect((error as Error).cause).toMatchObject({ issues: [{ message: 'Expected cents' }] });
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
    expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 2 });
    expect(bytesOf(filePath())).toBe(latin1(bytes));
  });

  test('by an asynchronous schema: an error, the file as it was, and the lock free', async () => {
    writeFileSync(filePath(), line(1, 'x'));
    const schema = schemaOf<string>(async (value) => ({ value: value as string }));
    const error = await rejectionOf(openFileScrivener<string>({ filePath: filePath(), schema }));
    expect([error, (error as Error).cause]).toContainEqual(expect.any(TypeError));
    expect(textOf(filePath())).toBe(line(1, 'x'));
    await (await openFileScrivener({ filePath: filePath() })).close();
  });
});
