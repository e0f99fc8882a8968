import { deepEqual, equal, rejection, rejects } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import type { ConformanceFeature } from './conformance-supports';
import { adds } from './watch';

const completes: readonly ConformanceFeature[] = ['complete'];
const fails: readonly ConformanceFeature[] = ['fail'];
const CLOSED = { name: 'JournalClosedError', code: 'ERR_JOURNAL_CLOSED' };
const failure = () => new Error('The journal failed, says the conformance suite');

/** Journals that complete or fail. */
export const ending: readonly ConformanceCase[] = [
  {
    name: 'completion completes tails after the last entry, even those that wait for more',
    needs: completes,
    given: 2,
    async run(trial) {
      const watches = [0, 1, 3, 7].map((after) => ({ after, watch: trial.watch(trial.scrivener.tail(after)) }));
      await trial.add(3);
      await trial.complete();
      for (const { after, watch } of watches) {
        await watch.completes();
        watch.hasOnly(after < 3 ? adds(after + 1, 3) : []);
      }
    },
  },
  {
    name: 'completion is replayed to later tails',
    needs: completes,
    given: 3,
    async run(trial) {
      await trial.complete();
      const watches = [0, 2, 3, 7].map((after) => ({ after, watch: trial.watch(trial.scrivener.tail(after)) }));
      for (const { after, watch } of watches) {
        await watch.completes();
        watch.hasOnly(after < 3 ? adds(after + 1, 3) : []);
      }
    },
  },
  {
    name: 'completion of an empty journal completes its tails',
    needs: completes,
    async run(trial) {
      const before = trial.watch(trial.scrivener.tail());
      await trial.complete();
      await before.completes();
      await trial.watch(trial.scrivener.tail()).completes();
    },
  },
  {
    name: 'completion ends iterations after the last entry',
    needs: completes,
    given: 2,
    async run(trial) {
      const [waiting, reading] = [trial.iterate(trial.scrivener.tail()), trial.iterate(trial.scrivener.tail())];
      await waiting.reads(1, 2);
      const calls = [trial.hold(waiting.next()), trial.hold(waiting.next())];
      await reading.reads(1, 1);
      await trial.complete();
      for (const next of calls) equal((await next).done, true, '`done` of a next that waited');
      await reading.reads(2, 2);
      await reading.isDone();
      await waiting.isDone();
      const late = trial.iterate(trial.scrivener.tail(1));
      await late.reads(2, 2);
      await late.isDone();
    },
  },
  {
    name: 'completion rejects further writes with JournalClosedError',
    needs: completes,
    given: 1,
    async run(trial) {
      await trial.complete();
      await rejects(() => trial.scrivener.write(added(2)), CLOSED, 'A write to a completed journal');
      const watch = trial.watch(trial.scrivener.tail());
      await watch.completes();
      watch.hasOnly(adds(1, 1));
    },
  },
  {
    name: 'completion keeps every write that was called before',
    needs: completes,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      const outcomes = Promise.allSettled(adds(1, 20).map(({ entry }) => trial.scrivener.write(entry)));
      await trial.complete();
      const kept = (await outcomes).filter(({ status }) => status === 'fulfilled').length;
      await watch.completes();
      watch.hasOnly(adds(1, kept).slice(0, kept));
    },
  },
  {
    name: 'completion leaves what was written readable backward',
    needs: completes,
    given: 3,
    async run(trial) {
      await trial.complete();
      deepEqual(await trial.collect(trial.scrivener.readBackward()), adds(3, 1), 'What was read backward');
      deepEqual(await trial.collect(trial.scrivener.readBackward(2)), adds(1, 1), 'What was read backward');
    },
  },
  {
    name: 'completion rejects waits with JournalClosedError, now and later',
    needs: completes,
    given: 2,
    async run(trial) {
      const waiting = trial.hold(trial.scrivener.waitFor(0, () => false));
      await trial.complete();
      await rejects(() => trial.awaits('a waitFor to reject', waiting), CLOSED, 'A wait when the journal completes');
      await rejects(() => trial.scrivener.waitFor(0, () => false), CLOSED, 'A wait after the completion');
      await rejects(() => trial.scrivener.waitFor(7, () => true), CLOSED, 'A wait for what cannot come any more');
      equal((await trial.scrivener.waitFor(1, () => true)).position, 2, 'The position of a match that is there');
    },
  },
  {
    name: 'an error errors tails after the last entry',
    needs: fails,
    given: 2,
    async run(trial) {
      const reason = failure();
      const watches = [0, 1, 2, 7].map((after) => ({ after, watch: trial.watch(trial.scrivener.tail(after)) }));
      await trial.add(3);
      await trial.fail(reason);
      for (const { after, watch } of watches) {
        await watch.errorsWith(reason);
        watch.hasOnly(after < 3 ? adds(after + 1, 3) : []);
      }
    },
  },
  {
    name: 'an error is replayed to later tails',
    needs: fails,
    given: 3,
    async run(trial) {
      const reason = failure();
      await trial.fail(reason);
      const watches = [0, 2, 3].map((after) => ({ after, watch: trial.watch(trial.scrivener.tail(after)) }));
      for (const { after, watch } of watches) {
        await watch.errorsWith(reason);
        watch.hasOnly(after < 3 ? adds(after + 1, 3) : []);
      }
    },
  },
  {
    name: 'an error rejects iterations once, after the last entry, and they have then ended',
    needs: fails,
    given: 2,
    async run(trial) {
      const reason = failure();
      const waiting = trial.iterate(trial.scrivener.tail(2));
      const reading = trial.iterate(trial.scrivener.tail());
      const next = trial.hold(waiting.next());
      await reading.reads(1, 1);
      await trial.fail(reason);
      equal(await rejection(() => next, 'A next that waited'), reason, 'What it rejected with');
      await waiting.isDone();
      await reading.reads(2, 2);
      equal(await reading.rejection(), reason, 'What it rejected with');
      await reading.isDone();
    },
  },
  {
    name: 'an error rejects writes and waits, and leaves what was written readable backward',
    needs: fails,
    given: 2,
    async run(trial) {
      const waiting = trial.hold(trial.scrivener.waitFor(0, () => false));
      await trial.fail(failure());
      await rejection(() => trial.awaits('a waitFor to reject', waiting), 'A wait when the journal fails');
      await rejects(() => trial.scrivener.write(added(3)), CLOSED, 'A write to a journal that failed');
      await trial.holds(2);
    },
  },
];
