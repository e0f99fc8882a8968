import type { Observable } from 'rxjs';
import type { Position } from '../journal/position';
import { deepEqual, equal } from './assertions';
import type { ConformanceCase } from './conformance-case';
import type { ConformanceFeature } from './conformance-supports';
import type { Trial } from './trial';

/** Where a journal begins and ends, as a scrivener knows it. */
interface Ends {
  readonly first: Position;
  readonly head: Position;
  readonly head$: Observable<Position>;
}

const needs: readonly ConformanceFeature[] = ['ends'];

const endsOf = (trial: Trial) => trial.scrivener as unknown as Ends;

/** `first`, `head` and `head$`. */
export const journalEnds: readonly ConformanceCase[] = [
  {
    name: 'of an empty journal: `head` is START, `first` is the next position',
    needs,
    async run(trial) {
      const { head, first } = endsOf(trial);
      deepEqual({ head, first }, { head: 0, first: 1 }, 'The ends');
    },
  },
  {
    name: '`head` follows what is written, and `head$` emits each position in order',
    needs,
    given: 2,
    async run(trial) {
      const ends = endsOf(trial);
      equal(ends.head, 2, '`head`');
      equal(ends.first, 1, '`first`');
      const heads: Position[] = [];
      const subscription = ends.head$.subscribe((head) => heads.push(head));
      trial.afterwards(() => subscription.unsubscribe());
      await trial.add(3, 5);
      equal(ends.head, 5, '`head`');
      await trial.until('`head$` to give the last position', () => heads.at(-1) === 5);
      deepEqual(heads, [2, 3, 4, 5], '`head$`');
      subscription.unsubscribe();
    },
  },
  {
    name: '`first` is the oldest entry kept',
    needs: ['ends', 'retain'],
    retain: 3,
    given: 5,
    async run(trial) {
      equal(endsOf(trial).first, 3, '`first`');
      await trial.add(6);
      equal(endsOf(trial).first, 4, '`first`');
    },
  },
];
