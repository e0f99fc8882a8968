import { config, map } from 'rxjs';
import { deepEqual, equal } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import type { Trial } from './trial';
import { adds, type Watch } from './watch';

/** Subscribers that write, subscribe, unsubscribe or throw while they are given a record. */
export const reentering: readonly ConformanceCase[] = [
  {
    name: 'a write keeps every subscriber in order, live',
    async run(trial) {
      const chain = (upTo: number) => (record: { position: number }) => {
        if (record.position < upTo) void trial.hold(trial.scrivener.write(added(record.position + 1)));
      };
      const before = trial.watch(trial.scrivener.tail());
      const writer = trial.watch(trial.scrivener.tail(), chain(20));
      const behind = trial.watch(trial.scrivener.tail());
      await trial.add(1);
      for (const watch of [before, writer, behind]) await watch.gets(1, 20);
      await trial.holds(20);
    },
  },
  {
    name: 'several writes keep every subscriber in order, live',
    async run(trial) {
      const before = trial.watch(trial.scrivener.tail());
      const writer = trial.watch(trial.scrivener.tail(), ({ position }) => {
        if (position === 1) for (let n = 2; n <= 6; n++) void trial.hold(trial.scrivener.write(added(n)));
      });
      const behind = trial.watch(trial.scrivener.tail());
      await trial.add(1);
      for (const watch of [before, writer, behind]) await watch.gets(1, 6);
    },
  },
  {
    name: 'a write keeps every subscriber in order, in the replay',
    given: 4,
    async run(trial) {
      const waiting = trial.watch(trial.scrivener.tail(4));
      const writer = trial.watch(trial.scrivener.tail(), ({ position }) => {
        if (position <= 4) void trial.hold(trial.scrivener.write(added(position + 4)));
      });
      await writer.gets(1, 8);
      await waiting.gets(5, 8);
      await trial.watch(trial.scrivener.tail()).gets(1, 8);
    },
  },
  {
    name: 'a subscription sees everything, in the replay and live',
    given: 2,
    async run(trial) {
      const inner: { after: number; watch: Watch }[] = [];
      const outer = trial.watch(trial.scrivener.tail(), ({ position }) => {
        if (position === 6) return;
        for (const after of [0, position - 1, position])
          inner.push({ after, watch: trial.watch(trial.scrivener.tail(after)) });
      });
      await trial.add(3, 5);
      await outer.gets(1, 5);
      await trial.add(6);
      for (const { after, watch } of inner) await watch.gets(after + 1, 6);
    },
  },
  {
    name: 'unsubscribing stops immediately, in the replay and live',
    given: 4,
    async run(trial) {
      const leaveAt = (position: number) =>
        trial.watch(trial.scrivener.tail(), (record, watch) => record.position === position && watch.unsubscribe());
      const [replayed, live] = [leaveAt(2), leaveAt(5)];
      const staying = trial.watch(trial.scrivener.tail());
      await trial.add(5, 7);
      await staying.gets(1, 7);
      await Promise.all([replayed.reaches(2), live.reaches(5)]);
      replayed.hasOnly(adds(1, 2));
      live.hasOnly(adds(1, 5));
    },
  },
  {
    name: 'unsubscribing another leaves the rest unchanged',
    async run(trial) {
      const leaving: Watch[] = [];
      // Where each reader has a pace of its own, those that leave may be ahead by then.
      let given: readonly number[] = [];
      const first = trial.watch(trial.scrivener.tail(), ({ position }) => {
        if (position !== 2) return;
        for (const watch of leaving) watch.unsubscribe();
        given = leaving.map(({ records }) => records.length);
      });
      leaving.push(trial.watch(trial.scrivener.tail()), trial.watch(trial.scrivener.tail()));
      const last = trial.watch(trial.scrivener.tail());
      await trial.add(1);
      await Promise.all([first, last, ...leaving].map((watch) => watch.reaches(1)));
      await trial.add(2, 4);
      await first.gets(1, 4);
      await last.gets(1, 4);
      deepEqual(
        leaving.map(({ records }) => records.length),
        given,
        'How many records those who were unsubscribed got',
      );
    },
  },
  {
    name: 'a subscriber that throws harms neither the writer nor the others, and RxJS reports it',
    given: 1,
    async run(trial) {
      const reported = reportedErrors(trial);
      const thrown = new Error('Thrown by a subscriber of the conformance suite');
      const before = trial.watch(trial.scrivener.tail());
      const throwing = trial.scrivener.tail().subscribe(() => {
        throw thrown;
      });
      trial.afterwards(() => throwing.unsubscribe());
      const behind = trial.watch(trial.scrivener.tail());
      for (let n = 2; n <= 4; n++) equal(await trial.scrivener.write(added(n)), n, 'The position of a write');
      await before.gets(1, 4);
      await behind.gets(1, 4);
      await trial.until('RxJS to report what the subscriber threw', () => reported.includes(thrown));
    },
  },
  {
    name: 'an operator that throws errors only its own subscriber',
    given: 1,
    async run(trial) {
      const thrown = new Error('Thrown by an operator of the conformance suite');
      const failing = trial.watch(
        trial.scrivener.tail().pipe(
          map((record) => {
            if (record.position === 2) throw thrown;
            return record;
          }),
        ),
      );
      const behind = trial.watch(trial.scrivener.tail());
      await trial.add(2, 3);
      await failing.errorsWith(thrown);
      failing.hasOnly(adds(1, 1));
      await behind.gets(1, 3);
    },
  },
];

/** Collects what RxJS reports as unhandled until the case is over, and RxJS, which reports later, has nothing more to report. */
function reportedErrors(trial: Trial): unknown[] {
  const reported: unknown[] = [];
  const { onUnhandledError } = config;
  config.onUnhandledError = (error) => reported.push(error);
  trial.afterwards(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    config.onUnhandledError = onUnhandledError;
  });
  return reported;
}
