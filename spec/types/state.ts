import {
  currentState,
  decide,
  project,
  projection,
  type Checkpoint,
  type CheckpointStore,
  type Position,
  type Scrivener,
} from 'rx-scrivener';
import type { Observable } from 'rxjs';
import type { Equal } from './equal';

type Entry = { type: 'Added'; text: string } | { type: 'Done'; at: number };
declare const scrivener: Scrivener<Entry>;
declare const checkpoints: CheckpointStore<readonly string[]>;

export const todos = projection<Entry, readonly string[]>({
  initial: () => [],
  evolve: {
    Added: (todos, { text }) => [...todos, text],
    Done: (todos, entry, position) => {
      // @ts-expect-error -- narrowed by type
      String(entry.text);
      const positions: Equal<typeof position, Position> = true;
      String(positions);
      return todos.slice(entry.at);
    },
  },
});

projection<Entry, number>({ initial: () => 0, evolve: (count, entry) => count + entry.type.length });
// @ts-expect-error -- no entry has this type
projection<Entry, number>({ initial: () => 0, evolve: { Removed: () => 1 } });
// @ts-expect-error -- not the state
projection<Entry, number>({ initial: () => 0, evolve: { Added: () => 'one' } });
// @ts-expect-error -- entries without a type have no evolve by type
projection<string, number>({ initial: () => 0, evolve: { Added: (count: number) => count } });

const states = project(scrivener, todos, { checkpoints, every: 10 });
export const observable: Observable<Checkpoint<readonly string[]>> = states;
export const iterable: AsyncIterable<Checkpoint<readonly string[]>> = states;
// @ts-expect-error -- the checkpoints of another state
project(scrivener, projection<Entry, number>({ initial: () => 0, evolve: {} }), { checkpoints });

export const state: Promise<Checkpoint<readonly string[]>> = currentState(scrivener, todos);
void decide(scrivener, todos, (todos) => (todos.length < 10 ? { type: 'Added', text: 'x' } : undefined));
void decide(scrivener, todos, (todos) => (todos.length < 10 ? { type: 'Added', text: 'x' } : []));
void decide(scrivener, todos, async (todos) => {
  await Promise.resolve();
  return todos.length < 10 ? { type: 'Added', text: 'x' } : undefined;
});
void decide(scrivener, todos, () => [
  { type: 'Added', text: 'x' },
  { type: 'Done', at: 1 },
]);
// @ts-expect-error -- no entry of the journal
void decide(scrivener, todos, () => ({ type: 'Removed' }));
