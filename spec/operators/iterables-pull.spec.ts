import { toAsyncIterable } from 'rx-scrivener';
import { settle } from '../journal/settle';

test.each([
  ['without a bound', {}],
  ['with one', { highWaterMark: 2 }],
])('an async generator is pulled, %s: it is asked for one value at a time, and released', async (_, options) => {
  let asked = 0;
  let released = false;
  async function* endless() {
    try {
      for (;;) yield ++asked;
    } finally {
      released = true;
    }
  }
  for await (const value of toAsyncIterable(endless(), options)) {
    await settle();
    expect(asked).toBe(value);
    if (value === 5) break;
  }
  expect([asked, released]).toEqual([5, true]);
});

test('a generator, an array and a text are pulled as well', async () => {
  let asked = 0;
  function* endless() {
    for (;;) yield ++asked;
  }
  for await (const value of toAsyncIterable(endless(), { highWaterMark: 1 })) if (value === 3) break;
  expect(asked).toBe(3);
  const all: unknown[] = [];
  for await (const value of toAsyncIterable([1, 2, 3], { highWaterMark: 1 })) all.push(value);
  for await (const value of toAsyncIterable('ab')) all.push(value);
  expect(all).toEqual([1, 2, 3, 'a', 'b']);
});

test('what is iterable passes through as it is', () => {
  const iterable: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
  };
  expect(toAsyncIterable(iterable)).toBe(iterable);
});
