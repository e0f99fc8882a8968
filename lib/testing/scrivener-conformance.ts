import { aborting } from './aborting';
import { appendingOnCondition } from './appending-on-condition';
import { bounded } from './bounded';
import { checkingArguments } from './checking-arguments';
import type { ConformanceCase } from './conformance-case';
import type { ConformanceCreateOptions, ConformanceSubject } from './conformance-subject';
import { DEFAULT_SUPPORTS, type ConformanceFeature, type ConformanceSupports } from './conformance-supports';
import { ending } from './ending';
import { iterating } from './iterating';
import { journalEnds } from './journal-ends';
import { keepingEntries } from './keeping-entries';
import { readingBackward } from './reading-backward';
import { reentering } from './reentering';
import { releasing } from './releasing';
import { retaining } from './retaining';
import { tailOptions } from './tail-options';
import { tailing } from './tailing';
import { Trial } from './trial';
import { waiting } from './waiting';
import { writing } from './writing';
import { writingGroups } from './writing-groups';

/** Registers a test, as `test` of jest, vitest and `node:test` do; without `skip`, skipped cases appear only in {@link ConformanceReport}. */
export interface ConformanceTest {
  (name: string, run: () => Promise<void>): unknown;
  skip?(name: string, run: () => Promise<void>): unknown;
}

/** What to test, and how. */
export interface ConformanceOptions {
  /** Registers each case with the runner. */
  readonly test: ConformanceTest;
  /** Makes a scrivener on an empty journal of its own; called once for each case. */
  readonly create: (options: ConformanceCreateOptions) => ConformanceSubject | Promise<ConformanceSubject>;
  /** What the backend cannot do. @default everything is supported */
  readonly supports?: ConformanceSupports;
  /**
   * How long a case may take, in milliseconds, at least 1; a case that hangs fails with its name and what it waited for. The default is
   * below the 5 s after which runners give up without naming either: raise both for slow backends. @default 4000
   */
  readonly timeoutMs?: number;
}

/** What was registered. */
export interface ConformanceReport {
  /** The names of the cases that run. */
  readonly cases: readonly string[];
  /** The cases that do not run, and why. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

const GROUPS: Readonly<Record<string, readonly ConformanceCase[]>> = {
  write: writing,
  'write with expect': appendingOnCondition,
  writeAll: writingGroups,
  arguments: checkingArguments,
  entries: keepingEntries,
  tail: tailing,
  'inside next': reentering,
  iteration: iterating,
  readBackward: readingBackward,
  waitFor: waiting,
  end: ending,
  retain: retaining,
  'tail options': tailOptions,
  ends: journalEnds,
  signal: aborting,
  release: releasing,
};

/**
 * Registers the cases that every {@link Scrivener} must pass with any test runner: the journal's whole contract, with its aborts,
 * leaks and races. Runs in browsers too; never assumes that a backend delivers synchronously.
 *
 * Cases that `supports` rules out are registered with the runner's `test.skip`, with the reason in the title, and listed in the returned report.
 *
 * @throws RangeError if `timeoutMs` is less than 1
 * @example
 * ```ts
 * scrivenerConformance({
 *   test, // of jest, vitest, node:test
 *   create: async () => {
 *     const scrivener = await openMyScrivener<ConformanceEntry>();
 *     return { scrivener, dispose: () => scrivener.close() };
 *   },
 *   supports: { retain: false, complete: false, fail: false, observed: false },
 * });
 * ```
 */
export function scrivenerConformance({
  test,
  create,
  supports = {},
  timeoutMs = 4_000,
}: ConformanceOptions): ConformanceReport {
  if (!(timeoutMs >= 1)) throw new RangeError(`Expected \`timeoutMs\` to be a number >= 1, got ${String(timeoutMs)}`);
  const cases: string[] = [];
  const skipped: { name: string; reason: string }[] = [];

  for (const [group, members] of Object.entries(GROUPS)) {
    for (const member of members) {
      const name = `${group}: ${member.name}`;
      const run = () => runCase(name, member, create, timeoutMs);
      const unsupported = (member.needs ?? []).filter(
        (feature: ConformanceFeature) => !(supports[feature] ?? DEFAULT_SUPPORTS[feature]),
      );
      if (unsupported.length === 0) {
        cases.push(name);
        test(name, run);
      } else {
        const reason = `the backend does not support ${unsupported.map((feature) => `\`${feature}\``).join(', ')}`;
        skipped.push({ name, reason });
        test.skip?.(`${name} (${reason})`, run);
      }
    }
  }
  return { cases, skipped };
}

async function runCase(
  name: string,
  member: ConformanceCase,
  create: ConformanceOptions['create'],
  timeoutMs: number,
): Promise<void> {
  const trial = new Trial();
  const tookTooLong = () => `"${name}" took longer than ${timeoutMs} ms, waiting for ${trial.awaited}`;
  const run = async () => {
    await trial.open(create, member);
    await member.run(trial);
  };
  const dispose = () =>
    bounded(trial.dispose(), timeoutMs, () => `"${name}" could not dispose of its subject within ${timeoutMs} ms`);
  try {
    await bounded(run(), timeoutMs, tookTooLong);
  } catch (error) {
    await dispose().catch(() => {}); // what failed first says more
    throw error;
  }
  await dispose();
}
