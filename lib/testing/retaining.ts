import { take } from 'rxjs';
import { deepEqual, equal, errorIs, rejects } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import type { ConformanceFeature } from './conformance-supports';
import { adds } from './watch';

const needs: readonly ConformanceFeature[] = ['retain'];

function trimmed(requested: number, first: number) {
  return { name: 'PositionTrimmedError', code: 'ERR_POSITION_TRIMMED', requested, first };
}

/** Journals that keep only their newest entries. */
export const retaining: readonly ConformanceCase[] = [
  {
    name: 'keeps the newest entries, and positions continue',
    needs,
    retain: 3,
    given: 5,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail(2));
      await watch.gets(3, 5);
      equal(await trial.scrivener.write(added(6)), 6, 'The position of the next entry');
      await watch.gets(3, 6);
      await trial.watch(trial.scrivener.tail(3)).gets(4, 6);
    },
  },
  {
    name: 'tail errors with PositionTrimmedError when its next position was dropped',
    needs,
    retain: 3,
    given: 5,
    async run(trial) {
      for (const after of [0, 1]) {
        const watch = trial.watch(trial.scrivener.tail(after));
        await watch.errors(trimmed(after + 1, 3));
        watch.hasOnly([]);
        const iteration = trial.iterate(trial.scrivener.tail(after));
        errorIs(await iteration.rejection(), trimmed(after + 1, 3), 'What an iteration rejected with');
        await iteration.isDone();
      }
    },
  },
  {
    name: 'keeps everything up to its limit',
    needs,
    retain: 3,
    given: 3,
    async run(trial) {
      await trial.watch(trial.scrivener.tail()).gets(1, 3);
      await trial.holds(3);
    },
  },
  {
    name: 'a subscriber that keeps up misses nothing',
    needs,
    retain: 2,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      for (let n = 1; n <= 10; n++) {
        await trial.add(n);
        await watch.gets(1, n);
      }
    },
  },
  {
    name: 'an iteration that falls behind rejects with PositionTrimmedError, once',
    needs,
    retain: 3,
    given: 5,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail(2));
      await iteration.reads(3, 3);
      await trial.add(6, 8);
      errorIs(await iteration.rejection(), trimmed(4, 6), 'What it rejected with');
      await iteration.isDone();
    },
  },
  {
    name: 'an iteration that lags, but not too far, continues',
    needs,
    retain: 3,
    given: 3,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      await iteration.reads(1, 1);
      await trial.add(4);
      await iteration.reads(2, 4);
    },
  },
  {
    name: 'readBackward emits what is kept, and errors only when it is read past that',
    needs,
    retain: 3,
    given: 5,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.readBackward());
      await watch.errors(trimmed(2, 3));
      watch.hasOnly(adds(5, 3));
      deepEqual(await trial.collect(trial.scrivener.readBackward().pipe(take(3))), adds(5, 3), 'The last three');
      const iteration = trial.iterate(trial.scrivener.readBackward());
      await iteration.reads(5, 3);
      errorIs(await iteration.rejection(), trimmed(2, 3), 'What an iteration rejected with');
      await iteration.isDone();
    },
  },
  {
    name: 'readBackward from among dropped entries errors immediately, but never past position 1',
    needs,
    retain: 3,
    given: 5,
    async run(trial) {
      for (const before of [3, 2]) {
        const watch = trial.watch(trial.scrivener.readBackward(before));
        await watch.errors(trimmed(before - 1, 3));
        watch.hasOnly([]);
      }
      for (const before of [1, 0])
        deepEqual(await trial.collect(trial.scrivener.readBackward(before)), [], `readBackward(${before})`);
    },
  },
  {
    name: 'waitFor rejects with PositionTrimmedError when the next position was dropped',
    needs,
    retain: 3,
    given: 5,
    async run(trial) {
      await rejects(() => trial.scrivener.waitFor(0, () => true), trimmed(1, 3), 'A wait before what is kept');
      equal((await trial.scrivener.waitFor(2, () => true)).position, 3, 'The position of the first match kept');
    },
  },
];
