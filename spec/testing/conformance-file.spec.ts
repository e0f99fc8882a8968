import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileScrivener, type FileScrivener } from 'rx-scrivener/file';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';

// A file's journal ends by closing it alone, keeps everything, and is always read by its own flusher.
const supports = { writeAll: true, ends: true, retain: false, fail: false, observed: false };

async function onFile(reopened: boolean): Promise<ConformanceSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'scrivener-conformance-'));
  const open = () => openFileScrivener<ConformanceEntry>({ filePath: join(folder, 'journal.ndjson') });
  let scrivener: FileScrivener<ConformanceEntry> = await open();
  const subject: ConformanceSubject = {
    scrivener,
    complete: () => scrivener.close(),
    dispose: async () => {
      await scrivener.close();
      await rm(folder, { recursive: true });
    },
  };
  const reopen = async () => {
    await scrivener.close();
    scrivener = await open();
    return scrivener;
  };
  return reopened ? { ...subject, reopen } : subject;
}

describe('FileScrivener, as it was opened', () => {
  scrivenerConformance({ test, create: () => onFile(false), supports, timeoutMs: 20_000 });
});

describe('FileScrivener, closed and reopened after what is in the journal', () => {
  scrivenerConformance({ test, create: () => onFile(true), supports, timeoutMs: 20_000 });
});
