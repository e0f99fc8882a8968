import { currentState, InMemoryScrivener, projection, type Projection } from 'rx-scrivener';

type Entry = { type: 'Added'; text: string } | { type: 'Done'; text: string } | { type: 'Noted' };

const journal = (...entries: Entry[]) => {
  const scrivener = new InMemoryScrivener<Entry>();
  for (const entry of entries) scrivener.append(entry);
  return scrivener;
};

test('evolve by type changes the state with the entries that it names, and tells their positions', async () => {
  const todos = projection<Entry, readonly string[]>({
    initial: () => [],
    evolve: {
      Added: (todos, { text }, position) => [...todos, `${position} ${text}`],
      Done: (todos, { text }) => todos.filter((todo) => !todo.endsWith(text)),
    },
  });
  const scrivener = journal(
    { type: 'Added', text: 'a' },
    { type: 'Noted' },
    { type: 'Added', text: 'b' },
    { type: 'Done', text: 'a' },
  );
  expect(await currentState(scrivener, todos)).toEqual({ position: 4, state: ['3 b'] });
});

test('evolve is a function', async () => {
  const count = projection<Entry, number>({ initial: () => 0, evolve: (count, { type }) => count + type.length });
  expect(await currentState(journal({ type: 'Noted' }), count)).toEqual({ position: 1, state: 5 });
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
  'an entry of type %s changes nothing',
  async (type) => {
    const todos = projection<Entry, number>({ initial: () => 7, evolve: { Noted: () => 8 } });
    expect(await currentState(journal({ type } as unknown as Entry), todos)).toEqual({ position: 1, state: 7 });
  },
);

test('an entry that is not an object changes nothing', () => {
  const { evolve } = projection<Entry, number>({ initial: () => 7, evolve: { Noted: () => 8 } });
  for (const entry of [null, undefined, 'Noted', 3]) expect(evolve(7, entry as never, 1)).toBe(7);
});

test.each([
  [undefined, 'Expected `projection` to be an object with `initial`, got undefined'],
  [{ evolve: () => 1 }, 'Expected `projection` to be an object with `initial`, got one without `initial`'],
  [{ initial: () => 1, evolve: 'Added' }, 'Expected `evolve` to be a function, or an object of functions, got "Added"'],
  [{ initial: () => 1, evolve: null }, 'Expected `evolve` to be a function, or an object of functions, got null'],
  [{ initial: () => 1, evolve: { Added: 3 } }, 'Expected `evolve.Added` to be a function, got 3'],
])('%j is refused', (definition, message) => {
  expect(() => projection(definition as unknown as Projection<Entry, number>)).toThrow(new TypeError(message));
});
