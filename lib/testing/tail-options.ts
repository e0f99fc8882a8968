import { deepEqual, equal, throws } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added, type ConformanceEntry } from './conformance-entry';
import { CountedAbort } from './counted-abort';
import { adds, type ConformanceRecord } from './watch';

const isEven = (entry: ConformanceEntry): entry is Extract<ConformanceEntry, { type: 'Added' }> =>
  entry.type === 'Added' && entry.n % 2 === 0;
const evens = (from: number, to: number) => adds(from, to).filter(({ entry }) => isEven(entry));

/** Where a tail starts, what it lets through, and what may be done where replay ends. */
export const tailOptions: readonly ConformanceCase[] = [
  {
    name: "tail('oldest') of a journal that keeps all is tail(START)",
    given: 4,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail('oldest'));
      const iteration = trial.iterate(trial.scrivener.tail('oldest'));
      await watch.gets(1, 4);
      await iteration.reads(1, 4);
      await trial.add(5);
      await watch.gets(1, 5);
      await iteration.reads(5, 5);
    },
  },
  {
    name: "tail('oldest') starts at the oldest entry kept, each time it is read",
    needs: ['retain'],
    retain: 3,
    given: 5,
    async run(trial) {
      const stream = trial.scrivener.tail('oldest');
      await trial.watch(stream).gets(3, 5);
      await trial.add(6);
      await trial.watch(stream).gets(4, 6);
      const iteration = trial.iterate(stream);
      await iteration.reads(4, 6);
      const next = trial.hold(iteration.next());
      await trial.add(7);
      iteration.gave(await next, { position: 7, entry: added(7) });
    },
  },
  {
    name: '`match` lets through what matches, from the history and live',
    given: 5,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail(1, { match: isEven }));
      const iteration = trial.iterate(trial.scrivener.tail(1, { match: isEven }));
      await iteration.reads(2, 2);
      await iteration.reads(4, 4);
      const next = trial.hold(iteration.next());
      await trial.add(6, 8);
      iteration.gave(await next, { position: 6, entry: added(6) });
      await iteration.reads(8, 8);
      await watch.reaches(4);
      watch.hasOnly(evens(2, 8));
    },
  },
  {
    name: '`match` on readBackward lets through what matches, newest first',
    given: 7,
    async run(trial) {
      const stream = trial.scrivener.readBackward(7, { match: isEven });
      deepEqual(await trial.collect(stream), evens(6, 1), 'What was read backward');
      const records: ConformanceRecord[] = [];
      for await (const record of stream) records.push(record);
      deepEqual(records, evens(6, 1), 'What a loop read');
    },
  },
  {
    name: 'a `match` that throws errors the stream with what it threw',
    given: 3,
    async run(trial) {
      const thrown = new Error('Thrown by a match of the conformance suite');
      const match = ({ type }: ConformanceEntry): boolean => {
        throw Object.assign(thrown, { type });
      };
      for (const stream of [trial.scrivener.tail(0, { match }), trial.scrivener.readBackward(4, { match })]) {
        await trial.watch(stream).errorsWith(thrown);
        const iteration = trial.iterate(stream);
        equal(await iteration.rejection(), thrown, 'What an iteration rejected with');
        await iteration.isDone();
      }
    },
  },
  {
    name: 'a `match` that is not a function is a TypeError at the call',
    async run({ scrivener }) {
      const match = 'Added' as unknown as () => boolean;
      throws(() => scrivener.tail(0, { match }), TypeError, 'tail');
      throws(() => scrivener.readBackward(1, { match }), TypeError, 'readBackward');
    },
  },
  {
    name: 'return immediately ends a filtered iteration that waits',
    given: 1,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail(0, { match: isEven }));
      const waiting = [trial.hold(iteration.next()), trial.hold(iteration.next())];
      await iteration.return();
      for (const next of waiting) equal((await next).done, true, '`done` of a next that waited');
      await iteration.isDone();
    },
  },
  {
    name: 'a signal that is aborted from inside `caughtUp` ends an iteration with its reason',
    given: 2,
    async run(trial) {
      const abort = new CountedAbort();
      const stream = trial.scrivener.tail(0, { signal: abort.signal, caughtUp: () => abort.abort() });
      const iteration = trial.iterate(stream);
      await iteration.reads(1, 2);
      equal(await iteration.rejection(), abort.reason, 'What an iteration rejected with');
      await iteration.isDone();
      await trial.unheard(abort);
    },
  },
  {
    name: 'an iteration that is left from inside `caughtUp` has ended',
    given: 2,
    async run(trial) {
      const leave = () => trial.hold(iteration.return());
      const iteration = trial.iterate(trial.scrivener.tail(0, { caughtUp: () => void leave() }));
      await iteration.reads(1, 2);
      const waiting = [trial.hold(iteration.next()), trial.hold(iteration.next())];
      for (const next of waiting) equal((await next).done, true, '`done` of a next that waited');
    },
  },
  {
    name: 'what is thrown inside `caughtUp` ends an iteration',
    given: 2,
    async run(trial) {
      const thrown = new Error('Thrown by a caughtUp of the conformance suite');
      const caughtUp = () => {
        throw thrown;
      };
      const iteration = trial.iterate(trial.scrivener.tail(0, { caughtUp }));
      await iteration.reads(1, 2);
      equal(await iteration.rejection(), thrown, 'What an iteration rejected with');
      await iteration.isDone();
    },
  },
  {
    name: 'what is written and requested inside `caughtUp` arrives in order',
    given: 2,
    async run(trial) {
      let inside: Promise<IteratorResult<ConformanceRecord>> | undefined;
      const caughtUp = () => {
        inside = trial.hold(iteration.next());
        for (const n of [3, 4]) void trial.hold(trial.scrivener.write(added(n)));
      };
      const iteration = trial.iterate(trial.scrivener.tail(0, { caughtUp }));
      await iteration.reads(1, 2);
      iteration.gave(await iteration.next(), { position: 3, entry: added(3) });
      iteration.gave(await trial.awaits('a `next` inside `caughtUp`', inside!), { position: 4, entry: added(4) });
    },
  },
];
