import { decide, InMemoryScrivener, TappedScrivener, writeOnce, type Projection } from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { settle } from '../journal/settle';
import { backends } from '../patterns/backends';

const path = useTempDir();
const boom = new Error('boom');
const texts: Projection<string, string> = { initial: () => '', evolve: (state, entry) => state + entry };

describe.each(backends<string>())('on a journal %s', (_, open) => {
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
  const controller = new AbortController();
  const aborted = decide(scrivener, texts, () => (controller.abort(boom), 'x'), { signal: controller.signal });
  const next = decide(scrivener, texts, () => 'a');
  await expect(failing).rejects.toBe(boom);
  const wrong = decide(scrivener, texts, () => 'x', { retries: -1 });
  await expect(wrong).rejects.toThrow(new RangeError('Expected `retries` to be a safe integer >= 0, got -1'));
  await expect(aborted).rejects.toBe(boom);
  expect(await next).toEqual({ position: 1, state: 'a', written: [1] });
});

test('an abort while a call waits for its turn rejects at once, and lets nobody in before', async () => {
  const scrivener = new InMemoryScrivener<string>();
  let release!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  const first = decide(scrivener, texts, async () => {
    await held;
    return 'a';
  });
  const controller = new AbortController();
  const asked: string[] = [];
  const waiting = decide(scrivener, texts, (state) => void asked.push(state), { signal: controller.signal });
  const next = decide(scrivener, texts, (state) => {
    asked.push(state);
    return 'b';
  });
  const once = writeOnce(scrivener, 'c', (entry) => entry === 'c');
  controller.abort(boom);
  await expect(waiting).rejects.toBe(boom);
  await settle();
  expect([asked, scrivener.head]).toEqual([[], 0]);
  release();
  expect([await first, await next, await once]).toEqual([
    { position: 1, state: 'a', written: [1] },
    { position: 2, state: 'ab', written: [2] },
    { position: 3, written: true },
  ]);
  expect(asked).toEqual(['a']);
});

test('a wrapped journal that does not tell its head is decided on, too', async () => {
  const inner = new InMemoryScrivener<string>();
  const headless = {
    write: inner.write.bind(inner),
    tail: inner.tail.bind(inner),
    readBackward: inner.readBackward.bind(inner),
    waitFor: inner.waitFor.bind(inner),
  };
  const tapped = new TappedScrivener<string>(headless, (entry, to, options) => to.write(entry, options));
  for (const written of [1, 2]) expect(await decide(tapped, texts, () => 'a')).toMatchObject({ written: [written] });
});

test('nothing is decided on an old state, where others have written since', async () => {
  // As a journal behind a network: its head is what this process has heard of.
  class Hearsay extends InMemoryScrivener<string> {
    override get head(): number {
      return 1;
    }
  }
  const scrivener = new Hearsay();
  scrivener.append('a');
  expect(await decide(scrivener, texts, () => undefined)).toMatchObject({ state: 'a' });
  scrivener.append('b');
  expect(await decide(scrivener, texts, () => undefined)).toMatchObject({ state: 'ab' });
  expect(await decide(scrivener, texts, () => undefined, { retries: 0 })).toMatchObject({ state: 'ab' });
});
