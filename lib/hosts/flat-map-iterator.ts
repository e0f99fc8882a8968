/**
 * What an iterator gives, each value replaced by none or one; calls of `next` are answered in their order.
 *
 * Unlike an async generator's, its `return` reaches the iterator at once, also while a `next` waits.
 */
export function flatMapIterator<V, R>(
  values: AsyncIterator<V>,
  project: (value: V) => readonly R[],
): AsyncIterableIterator<R> {
  let turn: Promise<unknown> = Promise.resolve();

  const leave = async (): Promise<IteratorResult<R>> => {
    await values.return?.();
    return { done: true, value: undefined };
  };
  const advance = async (): Promise<IteratorResult<R>> => {
    try {
      for (;;) {
        const result = await values.next();
        if (result.done) return result;
        for (const value of project(result.value)) return { done: false, value };
      }
    } catch (error) {
      await leave();
      throw error;
    }
  };

  return {
    next: () => {
      const result = turn.then(advance);
      turn = result.catch(() => undefined);
      return result;
    },
    return: leave,
    throw: async (error) => {
      await leave();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
