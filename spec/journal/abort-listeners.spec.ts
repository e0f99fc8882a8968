import { getEventListeners } from 'node:events';
import { InMemoryScrivener } from 'rx-scrivener';

/** Twenty of everything that listens to a signal. */
function listenAll(scrivener: InMemoryScrivener<number>, signal: AbortSignal) {
  const ended: Promise<unknown>[] = [];
  for (let n = 0; n < 20; n++) {
    ended.push(new Promise((resolve) => scrivener.tail(0, { signal }).subscribe({ error: resolve })));
    ended.push(scrivener.waitFor(0, () => false, { signal }).catch((reason: unknown) => reason));
    const iterator = scrivener.tail(0, { signal })[Symbol.asyncIterator]();
    ended.push(Promise.resolve(iterator.next()).catch((reason: unknown) => reason));
  }
  return ended;
}

test('however many read with one signal, it has one listener, and none when it is aborted', async () => {
  const scrivener = new InMemoryScrivener<number>();
  const controller = new AbortController();
  const warning = jest.fn();
  process.on('warning', warning);
  const ended = listenAll(scrivener, controller.signal);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  controller.abort('over');
  expect(await Promise.all(ended)).toEqual(ended.map(() => 'over'));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  await new Promise(setImmediate);
  process.off('warning', warning);
  expect(warning).not.toHaveBeenCalled();
  expect(scrivener.observed).toBe(false);
});

test('who leaves before is not called, and does not take the others with it', () => {
  const scrivener = new InMemoryScrivener<number>();
  const controller = new AbortController();
  const errors = [jest.fn(), jest.fn()];
  const [first] = errors.map((error) => scrivener.tail(0, { signal: controller.signal }).subscribe({ error }));
  first!.unsubscribe();
  controller.abort('over');
  expect(errors[0]).not.toHaveBeenCalled();
  expect(errors[1]).toHaveBeenCalledWith('over');
});

test('one whose teardown throws does not keep the others from ending', () => {
  jest.useFakeTimers();
  const scrivener = new InMemoryScrivener<number>();
  const controller = new AbortController();
  const error = jest.fn();
  scrivener
    .tail(0, { signal: controller.signal })
    .subscribe({ error: () => undefined })
    .add(() => {
      throw new Error('teardown');
    });
  scrivener.tail(0, { signal: controller.signal }).subscribe({ error });
  expect(() => controller.abort('over')).not.toThrow();
  expect(error).toHaveBeenCalledWith('over');
  expect(() => jest.runAllTimers()).toThrow('teardown');
  jest.useRealTimers();
});
