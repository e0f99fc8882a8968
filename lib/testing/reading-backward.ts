import { take } from 'rxjs';
import { END } from '../journal/position';
import { deepEqual } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import { adds, type ConformanceRecord } from './watch';

/** From the newest entry to the oldest. */
export const readingBackward: readonly ConformanceCase[] = [
  {
    name: 'emits everything, newest first, and completes',
    given: 5,
    async run(trial) {
      for (const stream of [
        trial.scrivener.readBackward(),
        trial.scrivener.readBackward(END),
        trial.scrivener.readBackward(undefined),
      ]) {
        deepEqual(await trial.collect(stream), adds(5, 1), 'What was read backward');
      }
    },
  },
  {
    name: 'of an empty journal completes with nothing',
    async run(trial) {
      deepEqual(await trial.collect(trial.scrivener.readBackward()), [], 'What was read backward');
      await trial.iterate(trial.scrivener.readBackward()).isDone();
    },
  },
  {
    name: 'starts before `before`, which may lie past the head',
    given: 4,
    async run(trial) {
      for (const before of [2, 3, 4, 5]) {
        deepEqual(
          await trial.collect(trial.scrivener.readBackward(before)),
          adds(before - 1, 1),
          `readBackward(${before})`,
        );
      }
      for (const before of [6, 1_000]) {
        deepEqual(await trial.collect(trial.scrivener.readBackward(before)), adds(4, 1), `readBackward(${before})`);
      }
    },
  },
  {
    name: 'before the first entry there is nothing',
    given: 2,
    async run(trial) {
      for (const before of [0, 1])
        deepEqual(await trial.collect(trial.scrivener.readBackward(before)), [], `readBackward(${before})`);
    },
  },
  {
    name: 'stops at a `take`',
    given: 5,
    async run(trial) {
      deepEqual(await trial.collect(trial.scrivener.readBackward().pipe(take(2))), adds(5, 4), 'The last two');
      deepEqual(
        await trial.collect(trial.scrivener.readBackward(4).pipe(take(1))),
        adds(3, 3),
        'The one before position 4',
      );
    },
  },
  {
    name: 'shows the journal as it is at the moment of subscription',
    given: 3,
    async run(trial) {
      const stream = trial.scrivener.readBackward();
      const watch = trial.watch(stream, ({ position }) => {
        if (position === 3) void trial.hold(trial.scrivener.write(added(4)));
      });
      await watch.completes();
      watch.hasOnly(adds(3, 1));
      await trial.watch(trial.scrivener.tail(3)).gets(4, 4);
      deepEqual(await trial.collect(stream), adds(4, 1), 'What a later subscription to the same stream got');
    },
  },
  {
    name: 'stops immediately when unsubscribed from inside next',
    given: 4,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.readBackward(), (record, reader) => {
        if (record.position === 3) reader.unsubscribe();
      });
      await watch.reaches(2);
      await trial.holds(4);
      watch.hasOnly(adds(4, 3));
    },
  },
  {
    name: 'is pulled when iterated, and does not see what is written meanwhile',
    given: 4,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.readBackward());
      await iteration.reads(4, 3);
      await trial.add(5, 6);
      await iteration.reads(2, 1);
      await iteration.isDone();
      await iteration.isDone();
    },
  },
  {
    name: 'is left by a break',
    given: 4,
    async run(trial) {
      const records: ConformanceRecord[] = [];
      for await (const record of trial.scrivener.readBackward(4)) {
        records.push(record);
        if (record.position === 2) break;
      }
      deepEqual(records, adds(3, 2), 'What a loop read');
    },
  },
  {
    name: 'reads a long journal',
    async run(trial) {
      await Promise.all(adds(1, 2_100).map(({ entry }) => trial.scrivener.write(entry)));
      deepEqual(await trial.collect(trial.scrivener.readBackward()), adds(2_100, 1), 'What was read backward');
    },
  },
];
