import { lastValueFrom, map, take, takeWhile, toArray } from 'rxjs';
import { END, START, type Position } from '../journal/position';
import type { GroupWriter, WriteOptions } from '../journal/scrivener';
import { deepEqual, equal, rejection, rejects } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { added } from './conformance-entry';
import type { ConformanceEntry } from './conformance-entry';
import type { ConformanceFeature } from './conformance-supports';
import { CountedAbort } from './counted-abort';
import type { Trial } from './trial';
import { adds } from './watch';

const needs: readonly ConformanceFeature[] = ['writeAll'];

/** Writes the `added` entries from one position to another at once. */
function addAll({ scrivener }: Trial, from: Position, to: Position, options?: WriteOptions): Promise<Position[]> {
  const group = adds(from, to).map(({ entry }) => entry);
  return (scrivener as unknown as GroupWriter<ConformanceEntry>).writeAll(group, options);
}

/** Groups of entries, all or nothing. */
export const writingGroups: readonly ConformanceCase[] = [
  {
    name: 'resolves with the consecutive positions of all',
    needs,
    given: 2,
    async run(trial) {
      deepEqual(await addAll(trial, 3, 7), [3, 4, 5, 6, 7], 'The positions');
      await trial.holds(7);
      equal(await trial.scrivener.write(added(8)), 8, 'The position of the entry after them');
    },
  },
  {
    name: 'with one entry is a write, and with none appends nothing',
    needs,
    async run(trial) {
      deepEqual(await addAll(trial, 1, 1), [1], 'The position of a single entry');
      const writer = trial.scrivener as unknown as GroupWriter<ConformanceEntry>;
      deepEqual(await writer.writeAll([]), [], 'The positions of no entries');
      await trial.holds(1);
    },
  },
  {
    name: 'gives a tail all of them, in order, and what is written after them',
    needs,
    given: 1,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      await watch.gets(1, 1);
      await addAll(trial, 2, 4);
      await trial.add(5);
      await watch.gets(1, 5);
    },
  },
  {
    name: 'leaves no reader between them: who sees one finds all in the journal',
    needs,
    given: 1,
    async run(trial) {
      const heads: Promise<Position>[] = [];
      const newest = () =>
        lastValueFrom(
          trial.scrivener.readBackward().pipe(
            take(1),
            map(({ position }) => position),
          ),
        );
      const watch = trial.watch(trial.scrivener.tail(1), () => heads.push(newest()));
      await addAll(trial, 2, 5);
      await watch.gets(2, 5);
      deepEqual(await Promise.all(heads), [5, 5, 5, 5], 'The newest position, as seen from each of them');
    },
  },
  {
    name: 'keeps them together among concurrent writers',
    needs,
    async run(trial) {
      const groups = await Promise.all(
        [1, 2, 3, 4].flatMap((n) => [addAll(trial, 1, n), trial.scrivener.write(added(0)).then(() => [])]),
      );
      for (const positions of groups) {
        deepEqual(
          positions,
          positions.map((_, index) => positions[0]! + index),
          'The positions of a group',
        );
      }
      const all = trial.scrivener.tail().pipe(takeWhile(({ position }) => position < 14, true));
      for (const { position, entry } of await trial.awaits('a tail', lastValueFrom(all.pipe(toArray())))) {
        const group = groups.find((positions) => positions.includes(position));
        deepEqual(entry, added(group ? position - group[0]! + 1 : 0), `The entry at position ${position}`);
      }
    },
  },
  {
    name: 'and writes of the same turn take positions in the order of the calls',
    needs,
    async run(trial) {
      const write = () => trial.scrivener.write(added(3)).then((position) => [position]);
      const positions = await Promise.all([addAll(trial, 1, 2), write(), addAll(trial, 4, 5)]);
      deepEqual(positions, [[1, 2], [3], [4, 5]], 'The positions of a group, a write and a group');
      await trial.holds(5);
    },
  },
  {
    name: 'with expect appends all, or rejects with PositionConflictError and appends none',
    needs: ['writeAll', 'expect'],
    given: 2,
    async run(trial) {
      for (const expect of [START, 1, 3, END]) {
        await rejects(
          () => addAll(trial, 90, 92, { expect }),
          { code: 'ERR_POSITION_CONFLICT', expected: expect, actual: 2 },
          `A group that expects ${expect}`,
        );
      }
      await trial.holds(2);
      deepEqual(await addAll(trial, 3, 4, { expect: 2 }), [3, 4], 'The positions of one that expects the right one');
      await trial.holds(4);
    },
  },
  {
    name: 'with a signal aborted before rejects with its reason and appends none',
    needs,
    given: 1,
    async run(trial) {
      const abort = new CountedAbort();
      abort.abort();
      const reason = await rejection(() => addAll(trial, 90, 92, { signal: abort.signal }), 'A group');
      equal(reason, abort.reason, 'What it rejected with');
      await trial.holds(1);
    },
  },
  {
    name: 'called inside next, comes after the current record, for every reader',
    needs,
    async run(trial) {
      let writing: Promise<Position[]> | undefined;
      const first = trial.watch(trial.scrivener.tail(), ({ position }) => {
        if (position === 1) writing = trial.hold(addAll(trial, 2, 4));
      });
      const second = trial.watch(trial.scrivener.tail());
      await trial.add(1);
      await first.gets(1, 4);
      await second.gets(1, 4);
      deepEqual(await writing, [2, 3, 4], 'The positions');
    },
  },
  {
    name: 'to a journal that has ended rejects with JournalClosedError and appends none',
    needs: ['writeAll', 'complete'],
    given: 1,
    async run(trial) {
      await trial.complete();
      for (const n of [1, 3]) await rejects(() => addAll(trial, 2, 1 + n), { code: 'ERR_JOURNAL_CLOSED' }, 'A group');
      await trial.holds(1);
    },
  },
];
