import { END } from '../journal/position';
import { rejects, throws } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';

const NO_POSITIONS = [-1, 1.5, NaN, Infinity, -Infinity, 2 ** 53, '1', null] as readonly number[];
const NO_TIMEOUTS = [-1, NaN, -Infinity, 2 ** 31];

function called(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** An argument that is not a position, or not a time, causes a `RangeError`. */
export const checkingArguments: readonly ConformanceCase[] = [
  {
    name: 'tail throws a RangeError for an `after` that is not a position',
    given: 1,
    async run({ scrivener }) {
      for (const after of NO_POSITIONS) throws(() => scrivener.tail(after), RangeError, `tail(${called(after)})`);
    },
  },
  {
    name: 'readBackward throws a RangeError for a `before` that is not a position',
    given: 1,
    async run({ scrivener }) {
      for (const before of NO_POSITIONS)
        throws(() => scrivener.readBackward(before), RangeError, `readBackward(${called(before)})`);
    },
  },
  {
    name: 'waitFor rejects with a RangeError for an `after` that is not a position',
    given: 1,
    async run({ scrivener }) {
      for (const after of NO_POSITIONS)
        await rejects(() => scrivener.waitFor(after, () => true), RangeError, `waitFor(${called(after)})`);
    },
  },
  {
    name: 'waitFor rejects with a RangeError for END, after which nothing comes',
    given: 1,
    async run({ scrivener }) {
      await rejects(() => scrivener.waitFor(END, () => true), RangeError, 'waitFor(END)');
    },
  },
  {
    name: 'waitFor rejects with a RangeError for a `timeout` that timers cannot count',
    given: 1,
    async run({ scrivener }) {
      for (const timeout of NO_TIMEOUTS) {
        await rejects(
          () => scrivener.waitFor(0, () => true, { timeout }),
          RangeError,
          `waitFor with a timeout of ${timeout}`,
        );
      }
    },
  },
  {
    name: 'write rejects with a RangeError for an `expect` that is not a position, and appends nothing',
    needs: ['expect'],
    given: 1,
    async run(trial) {
      for (const expect of NO_POSITIONS) {
        await rejects(
          () => trial.scrivener.write(added(99), { expect }),
          RangeError,
          `write with expect ${called(expect)}`,
        );
      }
      await trial.holds(1);
    },
  },
];
