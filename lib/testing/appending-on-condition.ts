import { END, START } from '../journal/position';
import { deepEqual, equal, rejects } from './assertions';
import type { ConformanceCase } from './conformance-case';
import type { ConformanceFeature } from './conformance-supports';
import { added } from './conformance-entry';

const WRITERS = 8;
const needs: readonly ConformanceFeature[] = ['expect'];

function conflict(expected: number, actual: number) {
  return { name: 'PositionConflictError', code: 'ERR_POSITION_CONFLICT', expected, actual };
}

/** Compare-and-append. */
export const appendingOnCondition: readonly ConformanceCase[] = [
  {
    name: 'appends to an empty journal that is expected to be empty',
    needs,
    async run(trial) {
      equal(await trial.scrivener.write(added(1), { expect: START }), 1, 'The position');
      await trial.holds(1);
    },
  },
  {
    name: 'appends while the last position is the expected one',
    needs,
    given: 2,
    async run(trial) {
      for (let n = 3; n <= 5; n++) equal(await trial.scrivener.write(added(n), { expect: n - 1 }), n, 'The position');
      await trial.holds(5);
    },
  },
  {
    name: 'rejects with PositionConflictError and appends nothing when the journal is elsewhere',
    needs,
    given: 3,
    async run(trial) {
      for (const expect of [START, 2, 4, END]) {
        await rejects(
          () => trial.scrivener.write(added(99), { expect }),
          conflict(expect, 3),
          `A write that expects ${expect}`,
        );
      }
      await trial.holds(3);
      equal(
        await trial.scrivener.write(added(4), { expect: 3 }),
        4,
        'The position of the write that expects the right one',
      );
    },
  },
  {
    name: 'lets exactly one of two concurrent writes win',
    needs,
    given: 1,
    async run(trial) {
      const outcomes = await Promise.allSettled([1, 2].map(() => trial.scrivener.write(added(2), { expect: 1 })));
      deepEqual(
        outcomes.map(({ status }) => status).sort(),
        ['fulfilled', 'rejected'],
        'The outcomes of two concurrent writes that expect the same position',
      );
      const lost = outcomes.find((outcome) => outcome.status === 'rejected')!;
      await rejects(() => Promise.reject(lost.reason as Error), conflict(1, 2), 'The write that lost');
      await trial.holds(2);
    },
  },
  {
    name: 'loses nothing when concurrent writers read, append and try again',
    needs,
    async run(trial) {
      const { scrivener } = trial;
      const increment = async () => {
        // Somebody wins each round, so nobody has to try more often than there are writers.
        for (let attempt = 1; ; attempt++) {
          const last = (await trial.collect(scrivener.readBackward()))[0]?.position ?? START;
          try {
            return await scrivener.write(added(last + 1), { expect: last });
          } catch (error) {
            if (attempt > WRITERS || (error as { code?: unknown }).code !== 'ERR_POSITION_CONFLICT') throw error;
          }
        }
      };
      const positions = await Promise.all(Array.from({ length: WRITERS }, increment));
      deepEqual(
        positions.sort((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8],
        'The positions that eight writers got',
      );
      await trial.holds(8);
    },
  },
];
