import { take } from 'rxjs';
import { equal, rejection } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { CountedAbort } from './counted-abort';
import { adds } from './watch';

/** Reading with a signal. */
export const aborting: readonly ConformanceCase[] = [
  {
    name: 'aborted before, a stream errors with its reason and emits nothing',
    given: 3,
    async run(trial) {
      const abort = new CountedAbort();
      abort.abort();
      const { signal } = abort;
      for (const stream of [
        trial.scrivener.tail(0, { signal }),
        trial.scrivener.tail(3, { signal }),
        trial.scrivener.readBackward(4, { signal }),
      ]) {
        const watch = trial.watch(stream);
        await watch.errorsWith(abort.reason);
        watch.hasOnly([]);
        const iteration = trial.iterate(stream);
        equal(await iteration.rejection(), abort.reason, 'What an iteration rejected with');
        await iteration.isDone();
      }
      await trial.unheard(abort);
    },
  },
  {
    name: 'aborted without a reason, a stream errors with the AbortError of the platform',
    given: 1,
    async run(trial) {
      const controller = new AbortController();
      const { signal } = controller;
      const watch = trial.watch(trial.scrivener.tail(0, { signal }));
      await watch.gets(1, 1);
      controller.abort();
      await watch.errorsWith(signal.reason);
    },
  },
  {
    name: 'aborted between subscriptions, a stream errors the later ones',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const stream = trial.scrivener.tail(0, { signal: abort.signal });
      await trial.watch(stream).gets(1, 1);
      abort.abort();
      const watch = trial.watch(stream);
      await watch.errorsWith(abort.reason);
      watch.hasOnly([]);
    },
  },
  {
    name: 'aborted while live, a tail errors with its reason, and no other does',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const aborted = trial.watch(trial.scrivener.tail(0, { signal: abort.signal }));
      const other = trial.watch(trial.scrivener.tail());
      await trial.add(2);
      await aborted.gets(1, 2);
      abort.abort();
      await aborted.errorsWith(abort.reason);
      await trial.add(3);
      await other.gets(1, 3);
      aborted.hasOnly(adds(1, 2));
      await trial.unheard(abort);
    },
  },
  {
    name: 'aborted from inside next, a stream stops there, in the replay and live',
    given: 4,
    async run(trial) {
      for (const last of [2, 6]) {
        const abort = new CountedAbort();
        const watch = trial.watch(trial.scrivener.tail(0, { signal: abort.signal }), ({ position }) => {
          if (position === last) abort.abort();
        });
        if (last === 6) await trial.add(5, 8);
        await watch.errorsWith(abort.reason);
        watch.hasOnly(adds(1, last));
        await trial.unheard(abort);
      }
    },
  },
  {
    name: 'aborted from inside next, readBackward stops there',
    given: 4,
    async run(trial) {
      const abort = new CountedAbort();
      const watch = trial.watch(trial.scrivener.readBackward(5, { signal: abort.signal }), ({ position }) => {
        if (position === 3) abort.abort();
      });
      await watch.errorsWith(abort.reason);
      watch.hasOnly(adds(4, 3));
      await trial.unheard(abort);
    },
  },
  {
    name: 'aborted while next waits, an iteration rejects with its reason and is over',
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const iteration = trial.iterate(trial.scrivener.tail(0, { signal: abort.signal }));
      await iteration.reads(1, 1);
      const next = trial.hold(iteration.next());
      abort.abort();
      equal(await rejection(() => next, 'A next that waited'), abort.reason, 'What it rejected with');
      await iteration.isDone();
      await trial.add(2);
      await iteration.isDone();
      await trial.unheard(abort);
    },
  },
  {
    name: 'aborted between two calls of next, an iteration rejects the second',
    given: 4,
    async run(trial) {
      const abort = new CountedAbort();
      const { signal } = abort;
      const [forward, backward] = [
        trial.iterate(trial.scrivener.tail(0, { signal })),
        trial.iterate(trial.scrivener.readBackward(5, { signal })),
      ];
      await forward.reads(1, 2);
      await backward.reads(4, 3);
      abort.abort();
      for (const iteration of [forward, backward]) {
        equal(await iteration.rejection(), abort.reason, 'What it rejected with');
        await iteration.isDone();
      }
      await trial.unheard(abort);
    },
  },
  {
    name: 'aborted after a stream ended, nothing changes and nobody listens',
    given: 3,
    async run(trial) {
      const abort = new CountedAbort();
      const { signal } = abort;
      const watches = [
        trial.watch(trial.scrivener.tail(0, { signal }).pipe(take(2))),
        trial.watch(trial.scrivener.readBackward(3, { signal })),
      ];
      for (const watch of watches) await watch.completes();
      await trial.unheard(abort);
      abort.abort();
      for (const watch of watches) await watch.completes();
      watches[0]!.hasOnly(adds(1, 2));
      watches[1]!.hasOnly(adds(2, 1));
    },
  },
  {
    name: 'is not listened to after unsubscribing, live or in the replay',
    given: 3,
    async run(trial) {
      const abort = new CountedAbort();
      const stream = trial.scrivener.tail(0, { signal: abort.signal });
      const live = Array.from({ length: 5 }, () => trial.watch(stream));
      for (const watch of live) await watch.gets(1, 3);
      for (const watch of live) watch.unsubscribe();
      const replayed = trial.watch(stream, (_, watch) => watch.unsubscribe());
      await replayed.reaches(1);
      await trial.unheard(abort);
    },
  },
  {
    name: 'is not listened to after leaving an iteration',
    given: 3,
    async run(trial) {
      const abort = new CountedAbort();
      const { signal } = abort;
      for await (const { position } of trial.scrivener.tail(0, { signal })) if (position === 2) break;
      await trial.unheard(abort);
      for await (const { position } of trial.scrivener.readBackward(4, { signal })) if (position === 2) break;
      await trial.unheard(abort);
      const iteration = trial.iterate(trial.scrivener.tail(3, { signal }));
      const next = trial.hold(iteration.next());
      await iteration.return();
      equal((await next).done, true, '`done` of a next that waited');
      await trial.unheard(abort);
    },
  },
  {
    name: 'is not listened to after the journal completes',
    needs: ['complete'],
    given: 2,
    async run(trial) {
      const abort = new CountedAbort();
      const { signal } = abort;
      const watch = trial.watch(trial.scrivener.tail(0, { signal }));
      const iteration = trial.iterate(trial.scrivener.tail(2, { signal }));
      const next = trial.hold(iteration.next());
      await trial.complete();
      await watch.completes();
      equal((await next).done, true, '`done` of a next that waited');
      await trial.unheard(abort);
    },
  },
];
