/** Lets every promise that is due settle, without letting time pass. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** What became of a promise so far. */
export function track<V>(promise: Promise<V>): {
  state: 'pending' | 'resolved' | 'rejected';
  value?: V;
  error?: unknown;
} {
  const outcome: ReturnType<typeof track<V>> = { state: 'pending' };
  promise.then(
    (value) => Object.assign(outcome, { state: 'resolved', value }),
    (error: unknown) => Object.assign(outcome, { state: 'rejected', error }),
  );
  return outcome;
}
