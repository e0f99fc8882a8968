import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Scrivener } from 'rx-scrivener';
import { openFileReader, openFileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';

// The writing is the writer's, and tested there; a reader's head is not up to a write that others expect nothing before.
const supports = { expect: false, retain: false, fail: false, observed: false, immediate: false, ends: true };

type Options = Omit<FileScrivenerConfig<ConformanceEntry>, 'filePath'>;

const files: Record<string, Options & { retain: number }> = {
  'in one file, a thousand entries in memory': { retain: 1000 },
  'in compressed segments, one entry in memory': { retain: 1, rotation: { maxBytes: 100, compress: 'gzip' } },
};

/** A reader, and a writer beside it that writes for it. */
async function besideWriter({ retain, ...options }: Options): Promise<ConformanceSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'scrivener-reader-'));
  const filePath = join(folder, 'journal.ndjson');
  const config = { filePath, flushThreshold: 1, flushIntervalMs: 0, ...options };
  const writer = await openFileScrivener<ConformanceEntry>(config);
  const reader = await openFileReader<ConformanceEntry>({ filePath, retain });
  const scrivener: Scrivener<ConformanceEntry> = Object.assign(Object.create(reader) as typeof reader, {
    tail: reader.tail.bind(reader),
    readBackward: reader.readBackward.bind(reader),
    waitFor: reader.waitFor.bind(reader),
    write: async (...args: Parameters<typeof writer.write>) => {
      const position = await writer.write(...args);
      await writer.whenFlushed(position);
      if (reader.head < position) await reader.waitFor(position - 1, () => true);
      return position;
    },
  });
  for (const name of ['head', 'head$', 'first'] as const)
    Object.defineProperty(scrivener, name, { get: () => reader[name] });
  return {
    scrivener,
    complete: async () => {
      await reader.close();
      await writer.close();
    },
    dispose: async () => {
      await reader.close();
      await writer.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe.each(Object.entries(files))('FileReader %s', (_, options) => {
  scrivenerConformance({ test, create: () => besideWriter(options), supports, timeoutMs: 20_000 });
});
