import { map, take } from 'rxjs';
import { END } from '../journal/position';
import { equal, rejection } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import type { ConformanceFeature } from './conformance-supports';
import { CountedAbort } from './counted-abort';
import type { Trial } from './trial';

const needs: readonly ConformanceFeature[] = ['observed'];
const isObserved = (trial: Trial) => trial.until('the journal to be observed', () => trial.observed());

/** Nothing stays subscribed to the journal. */
export const releasing: readonly ConformanceCase[] = [
  {
    name: 'a journal that nobody reads is not observed',
    needs,
    given: 2,
    async run(trial) {
      equal(await trial.observed(), false, '`observed`');
      await trial.add(3);
      await trial.released();
    },
  },
  {
    name: 'unsubscribing releases a live tail',
    needs,
    given: 2,
    async run(trial) {
      const watches = [trial.watch(trial.scrivener.tail()), trial.watch(trial.scrivener.tail(9))];
      await isObserved(trial);
      for (const watch of watches) watch.unsubscribe();
      await trial.released();
    },
  },
  {
    name: 'a `take` releases a tail, in the replay and live',
    needs,
    given: 2,
    async run(trial) {
      await trial.collect(trial.scrivener.tail().pipe(take(1)));
      await trial.released();
      const live = trial.watch(trial.scrivener.tail().pipe(take(3)));
      await isObserved(trial);
      await trial.add(3);
      await live.completes();
      await trial.released();
    },
  },
  {
    name: 'unsubscribing from inside next releases a tail, in the replay and live',
    needs,
    given: 2,
    async run(trial) {
      for (const last of [1, 2, 3]) {
        const watch = trial.watch(
          trial.scrivener.tail(),
          ({ position }, reader) => position === last && reader.unsubscribe(),
        );
        if (last === 3) await trial.add(3);
        await watch.reaches(last);
        await trial.released();
      }
    },
  },
  {
    name: 'an error downstream releases a tail',
    needs,
    given: 1,
    async run(trial) {
      const watch = trial.watch(
        trial.scrivener.tail().pipe(
          map((record) => {
            if (record.position === 2) throw new Error('Thrown by an operator of the conformance suite');
            return record;
          }),
        ),
      );
      await watch.gets(1, 1);
      await trial.add(2);
      await watch.errors(Error);
      await trial.released();
    },
  },
  {
    name: 'an abort releases a tail and an iteration',
    needs,
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const stream = trial.scrivener.tail(0, { signal: abort.signal });
      const watch = trial.watch(stream);
      const iteration = trial.iterate(stream);
      await iteration.reads(1, 1);
      const next = trial.hold(iteration.next());
      await isObserved(trial);
      abort.abort();
      await watch.errorsWith(abort.reason);
      equal(await rejection(() => next, 'A next that waited'), abort.reason, 'What it rejected with');
      await trial.released();
    },
  },
  {
    name: 'break and a throw inside the loop release an iteration',
    needs,
    given: 3,
    async run(trial) {
      for await (const { position } of trial.scrivener.tail()) if (position === 2) break;
      await trial.released();
      const loop = async () => {
        for await (const { position } of trial.scrivener.tail())
          if (position === 3) throw new Error('Thrown inside a loop');
      };
      await rejection(loop, 'The loop');
      await trial.released();
    },
  },
  {
    name: 'break releases an iteration that waited before',
    needs,
    given: 1,
    async run(trial) {
      const writing = trial.hold(isObserved(trial).then(() => trial.add(2)));
      for await (const { position } of trial.scrivener.tail()) if (position === 2) break;
      await writing;
      await trial.released();
    },
  },
  {
    name: 'return releases an iteration whose next waits',
    needs,
    given: 1,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail(1));
      const next = trial.hold(iteration.next());
      await isObserved(trial);
      await iteration.return();
      equal((await next).done, true, '`done` of a next that waited');
      await trial.released();
    },
  },
  {
    name: 'readBackward leaves nothing behind',
    needs,
    given: 3,
    async run(trial) {
      await trial.collect(trial.scrivener.readBackward());
      await trial.released();
      await trial.collect(trial.scrivener.readBackward().pipe(take(1)));
      for await (const { position } of trial.scrivener.readBackward()) if (position === 2) break;
      await trial.released();
    },
  },
  {
    name: 'waitFor leaves nothing behind when it resolves',
    needs,
    given: 2,
    async run(trial) {
      await trial.scrivener.waitFor(0, () => true);
      await trial.released();
      const waiting = trial.hold(trial.scrivener.waitFor(2, () => true));
      await isObserved(trial);
      await trial.add(3);
      await trial.awaits('a waitFor', waiting);
      await trial.released();
    },
  },
  {
    name: 'waitFor leaves nothing behind when it times out',
    needs,
    given: 1,
    async run(trial) {
      for (const timeout of [0, 5]) {
        await rejection(() => trial.scrivener.waitFor(0, () => false, { timeout }), `A wait of ${timeout} ms`);
        await trial.released();
      }
    },
  },
  {
    name: 'waitFor leaves nothing behind when it is aborted, before or meanwhile',
    needs,
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      const wait = () => trial.hold(trial.scrivener.waitFor(0, () => false, { signal: abort.signal }));
      const waiting = wait();
      await isObserved(trial);
      abort.abort();
      await rejection(() => waiting, 'The wait that was aborted');
      await trial.released();
      await rejection(wait, 'The wait with an aborted signal');
      await trial.released();
    },
  },
  {
    name: 'waitFor leaves nothing behind when `match` throws',
    needs,
    given: 1,
    async run(trial) {
      const failing = () => {
        throw new Error('Thrown by `match` in the conformance suite');
      };
      await rejection(() => trial.scrivener.waitFor(0, failing), 'The wait');
      await trial.released();
      const waiting = trial.hold(trial.scrivener.waitFor(1, failing));
      await isObserved(trial);
      await trial.add(2);
      await rejection(() => trial.awaits('a waitFor to reject', waiting), 'The wait');
      await trial.released();
    },
  },
  {
    name: 'waitFor leaves nothing behind when its arguments are refused',
    needs,
    given: 1,
    async run(trial) {
      await rejection(() => trial.scrivener.waitFor(END, () => true), 'waitFor(END)');
      await rejection(() => trial.scrivener.waitFor(-1, () => true), 'waitFor(-1)');
      await rejection(() => trial.scrivener.waitFor(0, () => false, { timeout: -1 }), 'waitFor with a timeout of -1');
      await trial.released();
    },
  },
  {
    name: 'completion releases every reader',
    needs: ['observed', 'complete'],
    given: 1,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      const iteration = trial.iterate(trial.scrivener.tail(1));
      const next = trial.hold(iteration.next());
      const waiting = trial.hold(trial.scrivener.waitFor(1, (entry) => entry === added(9)));
      await isObserved(trial);
      await trial.complete();
      await watch.completes();
      await next;
      await rejection(() => waiting, 'A wait when the journal completes');
      await trial.released();
    },
  },
];
