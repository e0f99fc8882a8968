import { test as nodeTest } from 'node:test';
import { InMemoryScrivener, type Position, type Scrivener } from 'rx-scrivener';
import * as testing from 'rx-scrivener/testing';
import { scrivenerConformance, type ConformanceEntry, type ConformanceTest } from 'rx-scrivener/testing';
import { failuresOf } from './collect-cases';

const create = () => ({ scrivener: new InMemoryScrivener<ConformanceEntry>() });
const FIRST = 'write: resolves with the positions 1, 2, 3, without gaps';

/** A scrivener that only writes, and an own `complete` hidden. */
function plain(write: Scrivener<ConformanceEntry>['write']): Scrivener<ConformanceEntry> {
  const inner = new InMemoryScrivener<ConformanceEntry>();
  return {
    write,
    tail: (after?: Position | 'oldest') => inner.tail(after),
    readBackward: (before?: Position) => inner.readBackward(before),
    waitFor: (after: Position, match: (entry: ConformanceEntry) => boolean) =>
      inner.waitFor(after, match) as Promise<never>,
  };
}

describe('scrivenerConformance', () => {
  test('is all that the entry exports', () => {
    expect(Object.keys(testing)).toEqual(['scrivenerConformance']);
  });

  test('takes `test` of jest and of node:test', () => {
    const runners: ConformanceTest[] = [test, nodeTest];
    expect(runners).toHaveLength(2);
  });

  test('registers each case under a name of its own, and reports them', () => {
    const names: string[] = [];
    const report = scrivenerConformance({
      test: (name) => names.push(name),
      create,
      supports: { writeAll: true, ends: true },
    });

    expect(report.cases).toEqual(names);
    expect(report.skipped).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain(FIRST);
  });

  test('reports what it skips, to the runner too, with the reason', () => {
    const skipped: string[] = [];
    const runner = Object.assign(() => {}, { skip: (name: string) => skipped.push(name) });

    const report = scrivenerConformance({ test: runner, create, supports: { expect: false, retain: false } });

    expect(report.skipped).toHaveLength(skipped.length);
    expect(report.skipped).toContainEqual({
      name: 'write with expect: lets exactly one of two concurrent writes win',
      reason: 'the backend does not support `expect`',
    });
    expect(skipped).toContain(
      'write with expect: lets exactly one of two concurrent writes win (the backend does not support `expect`)',
    );
    expect(report.cases.some((name) => name.startsWith('retain: '))).toBe(false);
  });

  test('takes what Scrivener has for granted, and nothing else', () => {
    const { skipped } = scrivenerConformance({ test: () => {}, create });

    expect(skipped.length).toBeGreaterThan(0);
    expect(new Set(skipped.map(({ reason }) => reason))).toEqual(
      new Set(['the backend does not support `writeAll`', 'the backend does not support `ends`']),
    );
  });

  test('skips nothing silently where the runner cannot skip', () => {
    const names: string[] = [];
    const report = scrivenerConformance({ test: (name) => names.push(name), create, supports: { observed: false } });

    expect(report.skipped.length).toBeGreaterThan(0);
    expect(names).toEqual(report.cases);
  });

  test('fails a case that hangs with its name and what it waited for, and disposes of its subject', async () => {
    const dispose = jest.fn();
    const scrivener = plain(() => new Promise(() => {}));

    const failures = await failuresOf(
      { create: () => ({ scrivener, dispose }), timeoutMs: 20 },
      (name) => name === 'tail: of an empty journal waits for the first entry',
    );

    expect(Object.values(failures)).toEqual([
      '"tail: of an empty journal waits for the first entry" took longer than 20 ms, waiting for a write',
    ]);
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  test('fails a case whose hook is missing, and says how to continue', async () => {
    const scrivener = plain(() => Promise.resolve(1));

    const failures = await failuresOf(
      { create: () => ({ scrivener }) },
      (name) => name === 'end: completion of an empty journal completes its tails',
    );

    expect(Object.values(failures)).toEqual([
      '`create` gave no `complete`: add it, or say `supports: { complete: false }` to skip the cases that need it',
    ]);
  });

  test('fails a case that cannot dispose of its subject', async () => {
    const subject = { ...create(), dispose: () => Promise.reject(new Error('still locked')) };

    expect(await failuresOf({ create: () => subject }, (name) => name === FIRST)).toEqual({ [FIRST]: 'still locked' });
  });

  test.each([0, -1, NaN])('refuses a timeout of %p', (timeoutMs) => {
    expect(() => scrivenerConformance({ test: () => {}, create, timeoutMs })).toThrow(
      new RangeError(`Expected \`timeoutMs\` to be a number >= 1, got ${timeoutMs}`),
    );
  });
});
