/**
 * Maps the values of an iterator; a value mapped to `undefined` is left out. Calls of `next` are answered in their order.
 *
 * Unlike an async generator's, its `return` reaches the iterator immediately, even while a `next` waits.
 *
 * @param reopen - gives the iterator to continue with after an error, or throws
 */
export function derivedIterator<V, R>(
  values: AsyncIterator<V>,
  project: (value: V) => R | undefined,
  reopen?: (error: unknown) => AsyncIterator<V>,
): AsyncIterableIterator<R, undefined> {
  let turn: Promise<unknown> = Promise.resolve();
  let isOver = false;

  const leave = async (): Promise<IteratorResult<R, undefined>> => {
    isOver = true;
    await values.return?.();
    return { done: true, value: undefined };
  };
  const step = async (): Promise<IteratorResult<V>> => {
    for (;;) {
      try {
        return await values.next();
      } catch (error) {
        if (isOver || !reopen) throw error;
        values = reopen(error);
      }
    }
  };
  const advance = async (): Promise<IteratorResult<R, undefined>> => {
    try {
      for (;;) {
        const result = isOver ? { done: true as const } : await step();
        if (result.done) return await leave();
        const value = project(result.value);
        if (value !== undefined) return { done: false, value };
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
    throw: async (error: unknown) => {
      await leave();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
