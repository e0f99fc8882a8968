import { TimeoutError } from 'rxjs';
import { deepEqual, equal, rejection, rejects } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added, type ConformanceEntry } from './conformance-entry';
import { CountedAbort } from './counted-abort';
import { adds } from './watch';

const is =
  (...numbers: readonly number[]) =>
  (entry: ConformanceEntry): boolean =>
    entry.type === 'Added' && numbers.includes(entry.n);

/** Waiting for one entry. */
export const waiting: readonly ConformanceCase[] = [
  {
    name: 'resolves with an existing entry',
    given: 3,
    async run({ scrivener }) {
      deepEqual(await scrivener.waitFor(0, is(2)), { position: 2, entry: added(2) }, 'What it resolved with');
    },
  },
  {
    name: 'resolves with a new entry, and skips others',
    given: 1,
    async run(trial) {
      const waiting = trial.hold(trial.scrivener.waitFor(0, is(4)));
      await trial.add(2, 5);
      deepEqual(await trial.awaits('a waitFor', waiting), { position: 4, entry: added(4) }, 'What it resolved with');
    },
  },
  {
    name: 'resolves with the first entry that matches',
    given: 4,
    async run({ scrivener }) {
      deepEqual(await scrivener.waitFor(0, is(2, 3, 4)), { position: 2, entry: added(2) }, 'What it resolved with');
    },
  },
  {
    name: 'looks only after `after`',
    given: 3,
    async run(trial) {
      const seen: number[] = [];
      const waiting = trial.hold(
        trial.scrivener.waitFor(2, (entry) => {
          if (entry.type === 'Added') seen.push(entry.n);
          return is(1, 2, 5)(entry);
        }),
      );
      await trial.add(4, 5);
      deepEqual(await trial.awaits('a waitFor', waiting), { position: 5, entry: added(5) }, 'What it resolved with');
      deepEqual(seen, [3, 4, 5], 'What `match` was called with');
    },
  },
  {
    name: 'loses no wake-up: called around each write',
    async run(trial) {
      for (let n = 1; n <= 60; n++) {
        const writtenBefore = n % 2 === 0 ? trial.hold(trial.scrivener.write(added(n))) : undefined;
        for (let turn = 0; turn < n % 5; turn++) await Promise.resolve();
        const waiting = trial.hold(trial.scrivener.waitFor(n - 1, is(n)));
        for (let turn = 0; turn < n % 7; turn++) await Promise.resolve();
        await (writtenBefore ?? trial.scrivener.write(added(n)));
        deepEqual(
          await trial.awaits(`a waitFor for entry ${n}`, waiting),
          { position: n, entry: added(n) },
          'What it resolved with',
        );
      }
    },
  },
  {
    name: 'lets two sides take turns',
    async run(trial) {
      const play = async (first: number) => {
        for (let n = first; n <= 40; n += 2) {
          if (n > 1) await trial.scrivener.waitFor(n - 2, is(n - 1));
          await trial.scrivener.write(added(n));
        }
      };
      await trial.awaits('two sides that wait for each other', Promise.all([play(1), play(2)]));
      await trial.holds(40);
    },
  },
  {
    name: 'wakes all that wait',
    async run(trial) {
      const waits = adds(1, 30).map((expected) => ({
        expected,
        waiting: trial.hold(trial.scrivener.waitFor(0, is(expected.position))),
      }));
      await trial.add(1, 30);
      for (const { expected, waiting } of waits)
        deepEqual(await trial.awaits('a waitFor', waiting), expected, 'What it resolved with');
    },
  },
  {
    name: 'rejects with a TimeoutError if nothing comes in time',
    given: 1,
    async run(trial) {
      await rejects(() => trial.scrivener.waitFor(0, is(9), { timeout: 20 }), TimeoutError, 'A wait of 20 ms');
    },
  },
  {
    name: 'rejects with a TimeoutError even if entries come that do not match',
    async run(trial) {
      const waiting = trial.hold(trial.scrivener.waitFor(0, is(0), { timeout: 25 }));
      const over = new AbortController();
      void waiting.catch(() => over.abort());
      for (let n = 1; !over.signal.aborted && n <= 5_000; n++) {
        await trial.add(n);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await rejects(() => trial.awaits('a waitFor to time out', waiting), TimeoutError, 'A wait of 25 ms');
    },
  },
  {
    name: 'with a timeout of 0 rejects when there is no match',
    given: 2,
    async run(trial) {
      await rejects(() => trial.scrivener.waitFor(0, is(9), { timeout: 0 }), TimeoutError, 'A wait of 0 ms');
    },
  },
  {
    name: 'with a timeout of 0 resolves with an existing match',
    needs: ['immediate'],
    given: 2,
    async run({ scrivener }) {
      deepEqual(
        await scrivener.waitFor(0, is(2), { timeout: 0 }),
        { position: 2, entry: added(2) },
        'What it resolved with',
      );
    },
  },
  {
    name: 'accepts the longest timeout of timers, and Infinity',
    async run(trial) {
      const waits = [2 ** 31 - 1, Infinity].map((timeout) =>
        trial.hold(trial.scrivener.waitFor(0, is(1), { timeout })),
      );
      await trial.add(1);
      for (const waiting of waits) equal((await trial.awaits('a waitFor', waiting)).position, 1, 'The position');
    },
  },
  {
    name: 'with a signal aborted before rejects with its reason, even if a match exists',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      abort.abort();
      for (const n of [1, 9]) {
        const reason = await rejection(
          () => trial.scrivener.waitFor(0, is(n), { signal: abort.signal }),
          'A wait with an aborted signal',
        );
        equal(reason, abort.reason, 'What it rejected with');
      }
      await trial.unheard(abort);
    },
  },
  {
    name: 'rejects with the reason of a signal aborted meanwhile',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const waiting = trial.hold(trial.scrivener.waitFor(0, is(3), { signal: abort.signal, timeout: 2 ** 31 - 1 }));
      await trial.add(2);
      abort.abort();
      equal(
        await rejection(() => trial.awaits('a waitFor to be aborted', waiting), 'The wait'),
        abort.reason,
        'What it rejected with',
      );
      await trial.unheard(abort);
    },
  },
  {
    name: 'ignores a signal aborted afterwards, and no longer listens',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const { signal } = abort;
      equal((await trial.scrivener.waitFor(0, is(1), { signal })).position, 1, 'The position');
      await trial.unheard(abort);
      await rejects(() => trial.scrivener.waitFor(0, is(9), { signal, timeout: 5 }), TimeoutError, 'A wait of 5 ms');
      await trial.unheard(abort);
      await rejection(
        () => trial.scrivener.waitFor(0, throwing(1, new Error('no')), { signal }),
        'A wait with a `match` that throws',
      );
      await trial.unheard(abort);
      abort.abort();
    },
  },
  {
    name: 'rejects with what `match` throws, on what is there and on what comes',
    given: 1,
    async run(trial) {
      const thrown = new Error('Thrown by `match` in the conformance suite');
      equal(
        await rejection(() => trial.scrivener.waitFor(0, throwing(1, thrown)), 'The wait'),
        thrown,
        'What it rejected with',
      );
      const waiting = trial.hold(trial.scrivener.waitFor(0, throwing(3, thrown)));
      const other = trial.hold(trial.scrivener.waitFor(0, is(4)));
      await trial.add(2, 4);
      equal(
        await rejection(() => trial.awaits('a waitFor to reject', waiting), 'The wait'),
        thrown,
        'What it rejected with',
      );
      equal((await trial.awaits('another waitFor', other)).position, 4, 'The position that another wait resolved with');
    },
  },
  {
    name: 'calls `match` no more once it has settled, in any way',
    given: 2,
    async run(trial) {
      const calls: Record<string, number> = {};
      const counting = (name: string, match: (entry: ConformanceEntry) => boolean) => (entry: ConformanceEntry) => {
        calls[name] = (calls[name] ?? 0) + 1;
        return match(entry);
      };
      const wait = (
        name: string,
        match: (entry: ConformanceEntry) => boolean,
        options?: { timeout?: number; signal?: AbortSignal },
      ) => trial.hold(trial.scrivener.waitFor(0, counting(name, match), options));
      const abort = new CountedAbort();
      const waits = [
        wait('there', is(1)),
        wait('to come', is(3)),
        wait('timed out', is(9), { timeout: 5 }),
        wait('aborted', is(9), { signal: abort.signal }),
        wait('threw', throwing(2, new Error('Thrown by `match`'))),
      ];
      await trial.add(3);
      await waits[0];
      await waits[1];
      abort.abort();
      await trial.awaits('every wait to settle', Promise.allSettled(waits));
      const before = { ...calls };
      const watch = trial.watch(trial.scrivener.tail());
      await trial.add(4, 6);
      await watch.gets(1, 6);
      deepEqual(calls, before, 'How often each `match` was called');
      deepEqual(
        [calls.there, calls['to come'], calls.threw],
        [1, 3, 2],
        'How often those that settled by an entry were called',
      );
    },
  },
];

function throwing(n: number, error: Error): (entry: ConformanceEntry) => boolean {
  return (entry) => {
    if (is(n)(entry)) throw error;
    return false;
  };
}
