/** What a journal of texts adds up to. */
export const characters = { initial: () => 0, evolve: (sum, { text }) => sum + text.length };

/** The same by hand: resolves with the state when `count` entries are in it. */
export function handWritten(scrivener, count) {
  const { initial, evolve } = characters;
  return new Promise((resolve, reject) => {
    let state = initial();
    let subscription;
    subscription = scrivener.tail().subscribe({
      next: ({ position, entry }) => {
        state = evolve(state, entry);
        if (position !== count) return;
        resolve(state);
        subscription?.unsubscribe();
      },
      error: reject,
    });
  });
}
