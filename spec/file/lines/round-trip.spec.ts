import fc, { type JsonValue } from 'fast-check';
import { rmSync } from 'node:fs';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { positioned, textOf } from '../support/journal-text';
import { outcomeOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

/** JSON with sorted keys, as simple as can be. */
function sorted(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sorted((value as Record<string, JsonValue>)[key]!)}`);
  return `{${members.join(',')}}`;
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
);
const entry: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  fc.record({ text, type: fc.constantFrom('Said', 'Heard') }, { requiredKeys: ['type'] }) as fc.Arbitrary<JsonValue>,
  text,
);

const runs = fc.array(
  fc.record({
    entries: fc.array(entry, { maxLength: 12 }),
    flushThreshold: fc.integer({ min: 1, max: 7 }),
    flushQueueCapacity: fc.integer({ min: 1, max: 3 }),
    flushAfter: fc.nat(12),
  }),
  { maxLength: 4 },
);

test('what is written in several runs is there, byte by byte and entry by entry', async () => {
  await fc.assert(
    fc.asyncProperty(runs, async (model) => {
      const filePath = path('journal.ndjson');
      rmSync(filePath, { force: true });
      const all: JsonValue[] = [];
      for (const { entries, flushAfter, ...options } of model) {
        const scrivener = await openFileScrivener<JsonValue>({ filePath, ...options });
        expect(scrivener.recovered).toEqual({ entries: all.length, lastPosition: all.length, truncatedBytes: 0 });
        for (const [index, value] of entries.entries()) {
          all.push(value);
          expect(scrivener.append(value)).toBe(all.length);
          if (index === flushAfter) {
            await scrivener.flush();
            expect(scrivener.flushed).toBe(all.length);
          }
        }
        await scrivener.close();
        expect(scrivener.flushed).toBe(all.length);
      }
      if (model.length === 0) return;
      const lines = all.map((value, i) => `{"schemaVersion":"1","position":${i + 1},"entry":${sorted(value)}}\n`);
      expect(textOf(filePath)).toBe(lines.join(''));
      const parsed = all.map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
      expect(await outcomeOf(readJournal(filePath))).toEqual({ values: positioned(parsed) });
    }),
    { numRuns: 60 },
  );
}, 30_000);

test('a sink alone takes batches of any sizes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(entry, { maxLength: 6 }), { maxLength: 6 }),
      fc.nat(6),
      async (batches, reopen) => {
        const filePath = path('journal.ndjson');
        rmSync(filePath, { force: true });
        const open = () => new FileAppendSink<JsonValue>({ filePath, serializer: new JsonEntrySerializer() });
        let sink = open();
        const all: JsonValue[] = [];
        for (const [index, batch] of batches.entries()) {
          await sink.append(positioned(batch, all.length + 1));
          all.push(...batch);
          if (index !== reopen) continue;
          await sink.close();
          sink = open();
        }
        await sink.append([]);
        await sink.close();
        const lines = all.map((value, i) => `{"schemaVersion":"1","position":${i + 1},"entry":${sorted(value)}}\n`);
        expect(textOf(filePath)).toBe(lines.join(''));
      },
    ),
    { numRuns: 60 },
  );
}, 30_000);
