import { InMemoryScrivener } from 'rx-scrivener';
import type { ConformanceEntry } from 'rx-scrivener/testing';
import { BROKEN } from './broken-scriveners';
import { failuresOf } from './collect-cases';
import { LateScrivener } from './late-scrivener';

describe('A scrivener that', () => {
  test.each(Object.entries(BROKEN))('%s fails the suite', async (_, [Broken, foundBy]) => {
    const create = (options: object) => ({ scrivener: new Broken(options) });

    const failures = await failuresOf({ create, timeoutMs: 150 }, (name) => name === foundBy);

    expect(Object.keys(failures)).toEqual([foundBy]);
  });

  test('is right passes it', async () => {
    const create = (options: object) => ({ scrivener: new InMemoryScrivener<ConformanceEntry>(options) });

    expect(await failuresOf({ create })).toEqual({});
  }, 60_000);

  test('is right, but does nothing synchronously, passes it', async () => {
    const create = (options: object) => ({ scrivener: new LateScrivener<ConformanceEntry>(options) });

    expect(await failuresOf({ create, supports: { retain: false } })).toEqual({});
  }, 60_000);
});
