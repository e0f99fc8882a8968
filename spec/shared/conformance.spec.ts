import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSharedScrivener, type SharedScrivener } from 'rx-scrivener/shared';
import { scrivenerConformance, type ConformanceEntry, type ConformanceSubject } from 'rx-scrivener/testing';

// A guest's entries come through a socket, and nobody counts who reads.
const supports = { writeAll: true, ends: true, retain: false, fail: false, observed: false, immediate: false };

/** A guest does not end the journal by closing: it leaves. */
const ofGuests = { ...supports, complete: false };

type Which = (
  first: SharedScrivener<ConformanceEntry>,
  second: SharedScrivener<ConformanceEntry>,
) => ConformanceSubject;

/** Two openings of one journal, as in two processes: the first has the file. */
async function shared(which: Which): Promise<ConformanceSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'scrivener-shared-'));
  const filePath = join(folder, 'journal.ndjson');
  const first = await openSharedScrivener<ConformanceEntry>({ filePath });
  const second = await openSharedScrivener<ConformanceEntry>({ filePath });
  return {
    ...which(first, second),
    dispose: async () => {
      await second.close();
      await first.close();
      await rm(folder, { recursive: true });
    },
  };
}

describe('SharedScrivener, the holder', () => {
  const holder: Which = (first) => ({ scrivener: first, complete: () => first.close() });
  scrivenerConformance({ test, create: () => shared(holder), supports, timeoutMs: 20_000 });
});

describe('SharedScrivener, a guest', () => {
  const guest: Which = (_, second) => ({ scrivener: second });
  scrivenerConformance({ test, create: () => shared(guest), supports: ofGuests, timeoutMs: 20_000 });
});

describe('SharedScrivener, a guest whose holder goes', () => {
  const heir: Which = (first, second) => ({
    scrivener: second,
    reopen: async () => {
      await first.close();
      return second;
    },
  });
  scrivenerConformance({ test, create: () => shared(heir), supports: ofGuests, timeoutMs: 20_000 });
});
