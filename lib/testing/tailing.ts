import { Observable, take } from 'rxjs';
import { JournalStream } from '../journal/journal-stream';
import { END } from '../journal/position';
import { deepEqual, equal } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import { adds } from './watch';

/** What a tail emits. */
export const tailing: readonly ConformanceCase[] = [
  {
    name: 'is a JournalStream, and so an Observable',
    async run({ scrivener }) {
      for (const stream of [scrivener.tail(), scrivener.readBackward()]) {
        equal(stream instanceof JournalStream, true, 'The stream instanceof JournalStream');
        equal(stream instanceof Observable, true, 'The stream instanceof Observable');
      }
    },
  },
  {
    name: 'replays everything from START, which is the default',
    given: 5,
    async run(trial) {
      await trial.watch(trial.scrivener.tail(0)).gets(1, 5);
      await trial.watch(trial.scrivener.tail()).gets(1, 5);
      await trial.watch(trial.scrivener.tail(undefined)).gets(1, 5);
    },
  },
  {
    name: 'starts after `after`',
    given: 5,
    async run(trial) {
      const watches = [1, 2, 3, 4].map((after) => trial.watch(trial.scrivener.tail(after)));
      for (const [index, watch] of watches.entries()) await watch.gets(index + 2, 5);
    },
  },
  {
    name: 'continues live after the replay',
    given: 3,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail(1));
      await watch.gets(2, 3);
      await trial.add(4, 6);
      await watch.gets(2, 6);
    },
  },
  {
    name: 'from the head emits only new entries',
    given: 3,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail(3));
      await trial.add(4, 5);
      await watch.gets(4, 5);
    },
  },
  {
    name: 'from past the head waits for those positions',
    given: 2,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail(5));
      await trial.add(3, 8);
      await watch.gets(6, 8);
    },
  },
  {
    name: 'of an empty journal waits for the first entry',
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      await trial.add(1, 3);
      await watch.gets(1, 3);
    },
  },
  {
    name: 'from END completes immediately, with nothing',
    given: 2,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail(END));
      await watch.completes();
      watch.hasOnly([]);
      await trial.iterate(trial.scrivener.tail(END)).isDone();
    },
  },
  {
    name: 'is cold: every subscription is its own reader',
    given: 2,
    async run(trial) {
      const stream = trial.scrivener.tail(1);
      await trial.add(3);
      const first = trial.watch(stream);
      await first.gets(2, 3);
      await trial.add(4);
      const second = trial.watch(stream);
      await second.gets(2, 4);
      await first.gets(2, 4);
    },
  },
  {
    name: 'has no gap, duplicate or disorder between replay and live, while others write',
    given: 10,
    async run(trial) {
      const watches = [];
      for (let n = 11; n <= 60; n++) {
        const after = n % 10;
        watches.push({ after, watch: trial.watch(trial.scrivener.tail(after)) });
        const written = trial.hold(trial.scrivener.write(added(n)));
        if (n % 2 === 0) watches.push({ after: n - 1, watch: trial.watch(trial.scrivener.tail(n - 1)) });
        if (n % 3 === 0) await written;
      }
      await trial.add(61);
      for (const { after, watch } of watches) await watch.gets(after + 1, 61);
    },
  },
  {
    name: 'crosses from a long replay to live, while others write',
    async run(trial) {
      const write = (from: number, to: number) =>
        Promise.all(adds(from, to).map(({ entry }) => trial.scrivener.write(entry)));
      await write(1, 1_500);
      const writing = trial.hold(write(1_501, 3_000));
      const watches = [0, 1_000, 1_499, 1_500, 2_999].map((after) => ({
        after,
        watch: trial.watch(trial.scrivener.tail(after)),
      }));
      await writing;
      for (const { after, watch } of watches) await watch.gets(after + 1, 3_000);
    },
  },
  {
    name: 'delivers the same to many subscribers',
    given: 5,
    async run(trial) {
      const watches = Array.from({ length: 50 }, (_, index) => trial.watch(trial.scrivener.tail(index % 8)));
      await trial.add(6, 20);
      for (const [index, watch] of watches.entries()) await watch.gets((index % 8) + 1, 20);
    },
  },
  {
    name: 'completes a `take` in the replay, and live',
    given: 3,
    async run(trial) {
      const replayed = trial.watch(trial.scrivener.tail().pipe(take(2)));
      const live = trial.watch(trial.scrivener.tail().pipe(take(5)));
      await replayed.completes();
      replayed.hasOnly(adds(1, 2));
      await trial.add(4, 7);
      await live.completes();
      live.hasOnly(adds(1, 5));
    },
  },
  {
    name: 'stops for the subscriber that unsubscribes, and for no other',
    given: 1,
    async run(trial) {
      const leaving = trial.watch(trial.scrivener.tail());
      const staying = trial.watch(trial.scrivener.tail());
      await leaving.gets(1, 1);
      leaving.unsubscribe();
      await trial.add(2, 4);
      await staying.gets(1, 4);
      leaving.hasOnly(adds(1, 1));
      await trial.watch(trial.scrivener.tail()).gets(1, 4);
    },
  },
  {
    name: 'gives concurrent writers one order that all readers agree on',
    async run(trial) {
      const early = trial.watch(trial.scrivener.tail());
      const entries = Array.from({ length: 60 }, (_, index) => added(index % 3));
      await Promise.all(entries.map((entry) => trial.scrivener.write(entry)));
      const late = trial.watch(trial.scrivener.tail());
      await early.reaches(60);
      await late.reaches(60);
      deepEqual(early.records, late.records, 'What two readers got');
      deepEqual(
        (await trial.collect(trial.scrivener.readBackward())).reverse(),
        late.records,
        'What was read backward',
      );
    },
  },
];
