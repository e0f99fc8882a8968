import { InMemoryScrivener } from 'rx-scrivener';
import { JournalView } from 'rx-scrivener/view';

test('where there are no frames, as in Node, a view tells its listeners all the same', async () => {
  expect(typeof globalThis.requestAnimationFrame).toBe('undefined');
  const journal = new InMemoryScrivener<string>();
  const view = new JournalView(journal);
  let leave = () => {};
  const told = new Promise<void>((resolve) => {
    leave = view.subscribe(() => {
      if (view.getSnapshot().head === 1) resolve();
    });
  });
  journal.append('a');
  await told;
  leave();
  expect(view.at(1)).toEqual({ position: 1, entry: 'a' });
  expect(journal.observed).toBe(false);
});
