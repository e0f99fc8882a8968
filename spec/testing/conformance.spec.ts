import { InMemoryScrivener, TappedScrivener } from 'rx-scrivener';
import { scrivenerConformance, type ConformanceEntry } from 'rx-scrivener/testing';

describe('InMemoryScrivener', () => {
  scrivenerConformance({
    test,
    create: (options) => ({ scrivener: new InMemoryScrivener<ConformanceEntry>(options) }),
    supports: { writeAll: true, ends: true },
  });
});

describe('TappedScrivener', () => {
  scrivenerConformance({
    test,
    create: (options) => {
      const inner = new InMemoryScrivener<ConformanceEntry>(options);
      return {
        scrivener: new TappedScrivener(inner, (entry, to, writeOptions) => to.write(entry, writeOptions)),
        complete: () => inner.complete(),
        fail: (reason) => inner.error(reason),
        observed: () => inner.observed,
      };
    },
  });
});
