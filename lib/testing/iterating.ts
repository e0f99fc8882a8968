import { from, lastValueFrom, take, toArray } from 'rxjs';
import { toAsyncIterable } from '../operators/to-async-iterable';
import { deepEqual, equal, rejection } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import { adds, type ConformanceRecord } from './watch';

const pause = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Pulling a stream. */
export const iterating: readonly ConformanceCase[] = [
  {
    name: 'reads what the journal holds, from where the tail starts, until the loop is left',
    given: 6,
    async run(trial) {
      const records: ConformanceRecord[] = [];
      for await (const record of trial.scrivener.tail(1)) {
        records.push(record);
        if (record.position === 4) break;
      }
      deepEqual(records, adds(2, 4), 'What a loop read');
    },
  },
  {
    name: 'waits for new entries',
    given: 1,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      await iteration.reads(1, 1);
      for (let n = 2; n <= 4; n++) {
        const next = trial.hold(iteration.next());
        await trial.add(n);
        iteration.gave(await next, { position: n, entry: added(n) });
      }
    },
  },
  {
    name: 'answers several calls of next in the order of the calls',
    given: 2,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      const calls = adds(1, 5).map((expected) => ({ expected, next: trial.hold(iteration.next()) }));
      await trial.add(3, 6);
      for (const { expected, next } of calls) iteration.gave(await next, expected);
      await iteration.reads(6, 6);
    },
  },
  {
    name: 'loses no wake-up: next is called around each write',
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      for (let n = 1; n <= 40; n++) {
        const writtenBefore = n % 2 === 0 ? trial.hold(trial.scrivener.write(added(n))) : undefined;
        for (let turn = 0; turn < n % 5; turn++) await Promise.resolve();
        const next = trial.hold(iteration.next());
        for (let turn = 0; turn < n % 7; turn++) await Promise.resolve();
        await (writtenBefore ?? trial.scrivener.write(added(n)));
        iteration.gave(await next, { position: n, entry: added(n) });
      }
    },
  },
  {
    name: 'delivers everything to a slow reader',
    given: 3,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      await iteration.reads(1, 1);
      const writing = trial.hold(trial.add(4, 120));
      for (let n = 2; n <= 120; n++) {
        if (n % 10 === 0) await pause();
        await iteration.reads(n, n);
      }
      await writing;
    },
  },
  {
    name: 'delivers everything to a reader that returns after a burst',
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      const next = trial.hold(iteration.next());
      await Promise.all(adds(1, 300).map(({ entry }) => trial.scrivener.write(entry)));
      iteration.gave(await next, { position: 1, entry: added(1) });
      await iteration.reads(2, 300);
    },
  },
  {
    name: 'is a new cursor each time',
    given: 3,
    async run(trial) {
      const stream = trial.scrivener.tail();
      const [first, second] = [trial.iterate(stream), trial.iterate(stream)];
      await first.reads(1, 2);
      await second.reads(1, 3);
      const next = trial.hold(second.next());
      await first.reads(3, 3);
      await trial.add(4);
      second.gave(await next, { position: 4, entry: added(4) });
      await first.reads(4, 4);
    },
  },
  {
    name: 'has ended for good after return',
    given: 3,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      await iteration.reads(1, 1);
      await iteration.return();
      await iteration.isDone();
      await iteration.return();
      await iteration.isDone();
    },
  },
  {
    name: 'has ended before it began after return',
    given: 1,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      await iteration.return();
      await iteration.isDone();
    },
  },
  {
    name: 'return immediately ends every next that waits',
    given: 1,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      await iteration.reads(1, 1);
      const waiting = [trial.hold(iteration.next()), trial.hold(iteration.next())];
      await iteration.return();
      for (const next of waiting) equal((await next).done, true, '`done` of a next that waited');
      await trial.add(2);
      await iteration.isDone();
    },
  },
  {
    name: 'an error thrown inside the loop comes out of it',
    given: 2,
    async run(trial) {
      const thrown = new Error('Thrown inside a loop of the conformance suite');
      const loop = async () => {
        for await (const record of trial.scrivener.tail()) if (record.position === 2) throw thrown;
      };
      equal(await rejection(loop, 'The loop'), thrown, 'What came out of the loop');
    },
  },
  {
    name: 'and a subscription to the same stream do not disturb each other',
    given: 2,
    async run(trial) {
      const stream = trial.scrivener.tail();
      const iteration = trial.iterate(stream);
      const watch = trial.watch(stream);
      await iteration.reads(1, 2);
      await trial.add(3, 4);
      await watch.gets(1, 4);
      watch.unsubscribe();
      await iteration.reads(3, 4);
    },
  },
  {
    name: 'passes unchanged through `toAsyncIterable`, and the subscription through `from`',
    given: 3,
    async run(trial) {
      const stream = trial.scrivener.tail();
      equal(toAsyncIterable(stream) as unknown, stream, 'toAsyncIterable(stream)');
      equal(from(stream), stream, 'from(stream)');
      deepEqual(
        await trial.awaits('a stream to complete', lastValueFrom(from(stream).pipe(take(3), toArray()))),
        adds(1, 3),
        'What from(stream) emitted',
      );
    },
  },
];
