import { deepEqual, equal, rejection } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import { CountedAbort } from './counted-abort';
import { adds } from './watch';

/** How entries get their positions. */
export const writing: readonly ConformanceCase[] = [
  {
    name: 'resolves with the positions 1, 2, 3, without gaps',
    async run({ scrivener }) {
      for (let n = 1; n <= 10; n++) equal(await scrivener.write(added(n)), n, `The position of entry ${n}`);
    },
  },
  {
    name: 'continues after what the journal holds',
    given: 3,
    async run(trial) {
      equal(await trial.scrivener.write(added(4)), 4, 'The position after three entries');
      await trial.holds(4);
    },
  },
  {
    name: 'gives concurrent writes distinct positions, in the order of the calls',
    async run(trial) {
      const records = adds(1, 100);
      const positions = await Promise.all(records.map(({ entry }) => trial.scrivener.write(entry)));
      deepEqual(
        positions,
        records.map(({ position }) => position),
        'The positions of concurrent writes',
      );
      await trial.holds(100);
    },
  },
  {
    name: 'has appended the entry when it resolves',
    given: 1,
    async run(trial) {
      for (let n = 2; n <= 6; n++) {
        await trial.add(n);
        await trial.holds(n);
      }
    },
  },
  {
    name: 'with a signal aborted before rejects with its reason and appends nothing',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      abort.abort();
      const reason = await rejection(
        () => trial.scrivener.write(added(99), { signal: abort.signal }),
        'A write with an aborted signal',
      );
      equal(reason, abort.reason, 'What it rejected with');
      await trial.holds(1);
      await trial.add(2);
      await trial.holds(2);
    },
  },
  {
    name: 'with a signal aborted without a reason rejects with the AbortError of the platform',
    async run(trial) {
      const controller = new AbortController();
      controller.abort();
      const { signal } = controller;
      equal(
        await rejection(() => trial.scrivener.write(added(99), { signal }), 'The write'),
        signal.reason,
        'What it rejected with',
      );
      await trial.holds(0);
    },
  },
  {
    name: 'with a signal aborted meanwhile either appends or rejects with its reason, never both',
    async run(trial) {
      const abort = new CountedAbort();
      const writing = trial.scrivener.write(added(1), { signal: abort.signal });
      abort.abort();
      const [outcome] = await Promise.allSettled([writing]);
      if (outcome.status === 'rejected') equal(outcome.reason, abort.reason, 'What it rejected with');
      else equal(outcome.value, 1, 'The position it resolved with');
      await trial.holds(outcome.status === 'rejected' ? 0 : 1);
    },
  },
  {
    name: 'with a signal aborted afterwards has appended the entry, and listens no more',
    async run(trial) {
      const abort = new CountedAbort();
      equal(await trial.scrivener.write(added(1), { signal: abort.signal }), 1, 'The position');
      await trial.unheard(abort);
      abort.abort();
      await trial.holds(1);
    },
  },
];
