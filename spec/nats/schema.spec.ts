import type { StandardSchemaV1 } from '@standard-schema/spec';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { lastValueFrom, take, toArray } from 'rxjs';
import { classSchema, CorruptEntryError, instanceOf, JsonEntrySerializer, type EntrySerializer } from 'rx-scrivener';
import {
  EntryValidationError,
  openJetStreamScrivener,
  SchemaMismatchError,
  type JetStreamScrivener,
  type JetStreamScrivenerConfig,
} from 'rx-scrivener/nats';
import { z } from 'zod';
import { describeWithNats, NatsServer, whenReady } from './support/nats-server';

let server: NatsServer;
let connection: NatsConnection;
let stream: string;
let count = 0;
const opened: { close(): Promise<void> }[] = [];

async function open<T>(config: Partial<JetStreamScrivenerConfig<T>> = {}): Promise<JetStreamScrivener<T>> {
  const scrivener = await openJetStreamScrivener<T>({ connection, stream, ...config });
  opened.push(scrivener);
  return scrivener;
}

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

async function stored(): Promise<string[]> {
  const manager = await jetstreamManager(connection);
  const { last_seq } = (await manager.streams.info(stream)).state;
  const texts: string[] = [];
  for (let seq = 1; seq <= last_seq; seq++)
    texts.push((await manager.streams.getMessage(stream, { seq }))?.string() ?? '');
  return texts;
}

/** A serializer whose lines differ for equal entries. */
class SaltingSerializer implements EntrySerializer<string> {
  readonly #own = new JsonEntrySerializer<string>();
  #salt = 0;
  serialize(record: { position: number; entry: string }) {
    return this.#own.serialize({ ...record, entry: `${this.#salt++}:${record.entry}` });
  }
  deserialize(line: string) {
    const { position, entry } = this.#own.deserialize(line);
    return { position, entry: entry.slice(entry.indexOf(':') + 1) };
  }
}

describeWithNats('A schema of a journal in a stream', () => {
  beforeAll(async () => {
    server = await NatsServer.start();
    connection = await server.connect();
    await whenReady(connection);
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    stream = `schema-${++count}`;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((scrivener) => scrivener.close()));
  });

  test('of classes: instances are read back as instances, and what is none of them is refused', async () => {
    class Said {
      readonly type = 'Said';
      constructor(readonly text: string) {}
    }
    const schema = classSchema({ Said });
    await (await open({ schema })).write(new Said('hello'));
    const scrivener = await open({ schema });
    const { entry } = await scrivener.waitFor(0, instanceOf(Said));
    expect(entry.text).toBe('hello');
    for (const wrong of [{ type: 'Gone' }, { text: 'x' }, { type: '__proto__' }])
      expect(await rejection(scrivener.write(wrong as never))).toBeInstanceOf(EntryValidationError);
  });

  const Joined = z.object({ type: z.literal('Joined'), who: z.string().trim().toLowerCase() });
  type Joined = z.infer<typeof Joined>;

  test('its output is what is published, emitted and read, also by readers without a schema', async () => {
    const scrivener = await open<Joined>({ schema: Joined });
    const ann = { type: 'Joined', who: '  ANN ', secret: 1 } as Joined;
    await scrivener.write(ann);
    await scrivener.write(ann, { expect: 1 });
    expect(ann.who).toBe('  ANN ');
    expect(await stored()).toEqual(Array(2).fill('{"schemaVersion":"1","entry":{"type":"Joined","who":"ann"}}'));
    for (const reader of [scrivener, await open<Joined>()]) {
      const told = await lastValueFrom(reader.tail().pipe(take(2), toArray()));
      expect(told).toStrictEqual([1, 2].map((position) => ({ position, entry: { type: 'Joined', who: 'ann' } })));
      const backward = await lastValueFrom(reader.readBackward().pipe(toArray()));
      expect(backward.reverse()).toStrictEqual(told);
    }
  });

  test('what it refuses is not published', async () => {
    const scrivener = await open<Joined>({ schema: Joined });
    const error = await rejection(scrivener.write({ type: 'Left' } as never));
    expect(error).toBeInstanceOf(EntryValidationError);
    expect(await stored()).toEqual([]);
  });

  test('dates are dates when they are read', async () => {
    const scrivener = await open<{ at: Date }>({ schema: z.object({ at: z.coerce.date() }) });
    const at = new Date(1_790_000_000_000);
    await scrivener.write({ at });
    expect((await scrivener.waitFor(0, () => true)).entry).toStrictEqual({ at });
  });

  test.each<[string, StandardSchemaV1<unknown, unknown>, unknown]>([
    ['another type', z.string().transform(Number), '5'],
    ['a date that it does not read from a text', z.object({ at: z.date() }), { at: new Date(0) }],
    ['a key that it does not allow', z.strictObject({ a: z.number() }).transform(({ a }) => ({ b: a })), { a: 1 }],
    ['what it lengthens each time', z.string().transform((text) => text + '!'), 'a'],
    ['what JSON does not keep', z.object({ a: z.instanceof(Map) }), { a: new Map() }],
  ])('one that would not read its own output as it is (%s) refuses the write', async (_, schema, entry) => {
    const scrivener = await open<unknown>({ schema });
    const error = await rejection(scrivener.write(entry));
    expect(error).toBeInstanceOf(EntryValidationError);
    expect((error as Error).message).toMatch(/what it gave/);
    expect(await stored()).toEqual([]);
  });

  test('with a serializer whose lines differ for equal entries is asked for no equal line', async () => {
    const scrivener = await open<string>({ schema: z.string().trim(), serializer: new SaltingSerializer() });
    await scrivener.write(' a ');
    expect(await stored()).toEqual(['{"schemaVersion":"1","position":1,"entry":"0:a"}']);
    expect((await scrivener.waitFor(0, () => true)).entry).toBe('a');
  });

  test('with a serializer that cannot read its own line rejects with SerializationError', async () => {
    const serializer: EntrySerializer<string> = {
      serialize: ({ entry }) => entry,
      deserialize() {
        throw new CorruptEntryError('it is none');
      },
    };
    const scrivener = await open<string>({ schema: z.string(), serializer });
    expect(await rejection(scrivener.write('a'))).toMatchObject({ code: 'ERR_SERIALIZATION' });
    expect(await stored()).toEqual([]);
  });

  test('an entry of the stream that it refuses is a SchemaMismatchError, no damage, after the entries before it', async () => {
    const any = await open<unknown>();
    await any.write({ type: 'Joined', who: 'ann' });
    await any.write({ type: 'Left' });
    const scrivener = await open<Joined>({ schema: Joined });
    const seen: unknown[] = [];
    const error = await new Promise((resolve) => {
      scrivener.tail().subscribe({ next: ({ position }) => seen.push(position), error: resolve });
    });
    expect(seen).toEqual([1]);
    expect(error).toBeInstanceOf(SchemaMismatchError);
    expect(error).toMatchObject({ source: `the stream "${stream}"`, position: 2, code: 'ERR_SCHEMA_MISMATCH' });
    expect(await rejection(lastValueFrom(scrivener.readBackward()))).toMatchObject({ code: 'ERR_SCHEMA_MISMATCH' });
  });

  test('that answers with a promise is a TypeError for writers and readers', async () => {
    const schema = z.string().refine(async () => true);
    const scrivener = await open<string>({ schema });
    expect(await rejection(scrivener.write('a'))).toBeInstanceOf(TypeError);
    await (await open<string>()).write('a');
    expect(await rejection(scrivener.waitFor(0, () => true))).toBeInstanceOf(TypeError);
  });
});
