import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InMemoryScrivener } from 'rx-scrivener';
import type { FileScrivener } from 'rx-scrivener/file';
import { getScrivenerToken, ScrivenerModule } from 'rx-scrivener/nestjs';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';
import { startNest } from './support/nest-application';

async function inFile(reopened: boolean): Promise<ConformanceSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'scrivener-nest-conformance-'));
  const start = () => {
    const journal = ScrivenerModule.forFile({ name: 'tested', filePath: join(folder, 'journal.ndjson') });
    return startNest({ imports: [journal] });
  };
  let app = await start();
  const scrivener = () => app.get<FileScrivener<ConformanceEntry>>(getScrivenerToken('tested'));
  const subject: ConformanceSubject = {
    scrivener: scrivener(),
    complete: () => app.close(),
    dispose: async () => {
      await app.close();
      await rm(folder, { recursive: true });
    },
  };
  const reopen = async () => {
    await app.close();
    app = await start();
    return scrivener();
  };
  return reopened ? { ...subject, reopen } : subject;
}

// As of a file without a container: it ends by closing alone, keeps everything, and is always read by its own flusher.
const supports = { writeAll: true, ends: true, retain: false, fail: false, observed: false };

describe('forFile', () => {
  scrivenerConformance({ test, create: () => inFile(false), supports, timeoutMs: 20_000 });
});

describe('forFile, the application started again after what is in the journal', () => {
  scrivenerConformance({ test, create: () => inFile(true), supports, timeoutMs: 20_000 });
});

describe('forMemory', () => {
  scrivenerConformance({
    test,
    create: async ({ retain }) => {
      const app = await startNest({ imports: [ScrivenerModule.forMemory({ retain })] });
      return {
        scrivener: app.get<InMemoryScrivener<ConformanceEntry>>(getScrivenerToken()),
        dispose: () => app.close(),
      };
    },
  });
});
