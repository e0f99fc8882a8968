import { decide, InMemoryScrivener, TappedScrivener, type Projection } from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { backends } from '../patterns/backends';

const path = useTempDir();
const boom = new Error('boom');
const texts: Projection<string, string> = { initial: () => '', evolve: (state, entry) => state + entry };

// The journal behind a delay of the specs has no `caughtUp`.
const journals = backends<string>().filter(([name]) => name !== 'behind a delay');

describe.each(journals)('on a journal %s', (_, open) => {
  test('an entry or none is appended, by the state', async () => {
    const { scrivener, close } = await open(path('journal'));
    await scrivener.write('a');
    const add = (state: string, position: number) => (position < 2 ? `[${state}${position}]` : undefined);
    expect(await decide(scrivener, texts, add)).toEqual({ position: 2, state: 'a[a1]', written: [2] });
    expect(await decide(scrivener, texts, add)).toEqual({ position: 2, state: 'a[a1]', written: [] });
    expect(await decide(scrivener, texts, () => [])).toMatchObject({ written: [] });
    await close();
  });

  test('what came between is seen, and it decides again', async () => {
    const { scrivener, close } = await open(path('journal'));
    const asked: string[] = [];
    const decided = decide(scrivener, texts, async (state) => {
      asked.push(state);
      if (asked.length < 3) await scrivener.write('x');
      return 'y';
    });
    expect(await decided).toEqual({ position: 3, state: 'xxy', written: [3] });
    expect(asked).toEqual(['', 'x', 'xx']);
    const never = decide(scrivener, texts, async () => (await scrivener.write('x'), 'y'), { retries: 1 });
    await expect(never).rejects.toMatchObject({ code: 'ERR_POSITION_CONFLICT' });
    expect(await decide(scrivener, texts, () => undefined)).toMatchObject({ state: 'xxyxx' });
    await close();
  });
});

test('a thousand callers need a thousand writes', async () => {
  const inner = new InMemoryScrivener<string>();
  let writes = 0;
  const scrivener = new TappedScrivener<string>(inner, (entry, to, options) => (writes++, to.write(entry, options)));
  await Promise.all(Array.from({ length: 1_000 }, () => decide(scrivener, texts, (state) => `${state.length % 10}`)));
  expect([inner.head, writes]).toEqual([1_000, 1_000]);
});

test('several are a group, where the journal has groups', async () => {
  const inner = new InMemoryScrivener<string>();
  expect(await decide(inner, texts, () => ['a', 'b'])).toEqual({ position: 2, state: 'ab', written: [1, 2] });
  const tapped = new TappedScrivener<string>(inner, (entry, to, options) => to.write(entry, options));
  await expect(decide(tapped, texts, () => ['c', 'd'])).rejects.toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
  expect(inner.head).toBe(2);
});

test('the state is of what the journal has made of the entry', async () => {
  const inner = new InMemoryScrivener<string>();
  const tapped = new TappedScrivener<string>(inner, (entry, to, options) => to.write(entry.toUpperCase(), options));
  expect(await decide(tapped, texts, () => 'a')).toMatchObject({ state: 'A' });
});

test('an error of the decision, a wrong argument and a signal append nothing, and leave the next its turn', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const failing = decide(scrivener, texts, () => Promise.reject(boom));
  const wrong = decide(scrivener, texts, () => 'x', { retries: -1 });
  const controller = new AbortController();
  const aborted = decide(scrivener, texts, () => (controller.abort(boom), 'x'), { signal: controller.signal });
  const next = decide(scrivener, texts, () => 'a');
  await expect(failing).rejects.toBe(boom);
  await expect(wrong).rejects.toThrow(new RangeError('Expected `retries` to be a safe integer >= 0, got -1'));
  await expect(aborted).rejects.toBe(boom);
  expect(await next).toEqual({ position: 1, state: 'a', written: [1] });
});
