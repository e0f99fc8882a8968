import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';

// What it does not keep in memory is read from the file: nothing is ever trimmed, and a page takes its time. Who reads is not counted; it ends by closing alone.
const supports = { writeAll: true, ends: true, retain: false, fail: false, observed: false, immediate: false };

type Options = Omit<FileScrivenerConfig<ConformanceEntry>, 'filePath'>;

const stored: Record<string, Options> = {
  'that keeps one entry in memory': { retain: 1 },
  'that keeps ten entries in memory': { retain: 10 },
  'in checksummed segments, one entry in memory': { retain: 1, checksum: 'crc32', rotation: { maxBytes: 100 } },
  'in compressed segments, one entry in memory': {
    retain: 1,
    checksum: 'crc32',
    rotation: { maxBytes: 100, compress: 'gzip' },
  },
};

/** What a case finds in the journal is flushed before it begins, so that all but the newest is on the disk alone. */
async function onDisk(options: Options, reopened: boolean): Promise<ConformanceSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'scrivener-conformance-'));
  const open = () =>
    openFileScrivener<ConformanceEntry>({
      filePath: join(folder, 'journal.ndjson'),
      flushThreshold: 1,
      flushIntervalMs: 0,
      ...options,
    });
  let scrivener: FileScrivener<ConformanceEntry> = await open();
  return {
    scrivener,
    complete: () => scrivener.close(),
    dispose: async () => {
      await scrivener.close();
      await rm(folder, { recursive: true });
    },
    reopen: async () => {
      if (reopened) {
        await scrivener.close();
        scrivener = await open();
      } else {
        await scrivener.flush();
      }
      return scrivener;
    },
  };
}

describe.each(Object.entries(stored))('FileScrivener %s', (_, options) => {
  describe('as it was opened', () => {
    scrivenerConformance({ test, create: () => onDisk(options, false), supports, timeoutMs: 20_000 });
  });

  describe('closed and reopened after what is in the journal', () => {
    scrivenerConformance({ test, create: () => onDisk(options, true), supports, timeoutMs: 20_000 });
  });
});
