import { getEventListeners } from 'node:events';
import { TimeoutError } from 'rxjs';
import { ask, InMemoryScrivener, isType, TappedScrivener, type OfType, type WaitOptions } from 'rx-scrivener';
import { useTempDir } from '../file/support/temp-dir';
import { settle, track } from '../journal/settle';
import { backends } from './backends';

type Entry = { type: 'Asked'; text: string } | { type: 'Answered'; text: string } | { type: 'Noted' };
const asked = (text: string) => ({ type: 'Asked', text }) as const;
const answered = (text: string) => ({ type: 'Answered', text }) as const;
const isAnswer =
  (text: string) =>
  (entry: Entry): entry is OfType<Entry, 'Answered'> =>
    entry.type === 'Answered' && entry.text === text;
const boom = new Error('boom');
const path = useTempDir();

describe.each(backends<Entry>())('on a journal %s', (_, open) => {
  test('writes the question and resolves with the first answer after it', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    await scrivener.write(answered('to another question'));
    const answer = ask(scrivener, asked('ready?'), isType('Answered'), { timeout: 5_000 });
    const question = await scrivener.waitFor(0, isType('Asked'));
    await scrivener.write({ type: 'Noted' });
    await scrivener.write(answered('yes'));
    await scrivener.write(answered('no'));
    expect(question).toEqual({ position: 2, entry: asked('ready?') });
    expect(await answer).toEqual({ position: 4, entry: answered('yes') });
    await close();
  });

  test('many at once get each its own answer', async () => {
    const { scrivener, close } = await open(path('journal.ndjson'));
    const subscription = scrivener.tail().subscribe(({ entry }) => {
      if (entry.type === 'Asked') void scrivener.write(answered(entry.text));
    });
    const asks = Array.from({ length: 20 }, (_, n) => ask(scrivener, asked(String(n)), isAnswer(String(n))));
    expect((await Promise.all(asks)).map(({ entry }) => entry)).toEqual(
      Array.from({ length: 20 }, (_, n) => answered(String(n))),
    );
    subscription.unsubscribe();
    await close();
  });
});

describe('in memory', () => {
  let journal: InMemoryScrivener<Entry>;
  beforeEach(() => {
    journal = new InMemoryScrivener();
  });
  afterEach(() => {
    expect(journal.observed).toBe(false);
    jest.useRealTimers();
  });

  test('an answer that comes before the write has resolved counts', async () => {
    const subscription = journal.tail().subscribe(({ entry }) => {
      if (entry.type === 'Asked') journal.append(answered('at once'));
    });
    expect(await ask(journal, asked('ready?'), isType('Answered'))).toEqual({
      position: 2,
      entry: answered('at once'),
    });
    subscription.unsubscribe();
  });

  test('the question itself is no answer, whatever isAnswer says', async () => {
    const everything = (_: Entry): _ is Entry => true;
    const asking = track(ask(journal, asked('ready?'), everything));
    await settle();
    expect(asking.state).toBe('pending');
    journal.append({ type: 'Noted' });
    await settle();
    expect(asking.value).toEqual({ position: 2, entry: { type: 'Noted' } });
  });

  test('timeout counts from the moment the question is written, which stays written', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    const slow = new TappedScrivener<Entry>(journal, async (entry, inner, options) => {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return inner.write(entry, options);
    });
    const asking = track(ask(slow, asked('ready?'), isType('Answered'), { timeout: 50 }));
    await jest.advanceTimersByTimeAsync(1_049);
    expect(asking.state).toBe('pending');
    await jest.advanceTimersByTimeAsync(1);
    expect(asking.error).toBeInstanceOf(TimeoutError);
    expect([journal.head, jest.getTimerCount()]).toEqual([1, 0]);
  });

  test('an answer in time leaves no timer and no listener', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    const controller = new AbortController();
    const asking = ask(journal, asked('ready?'), isType('Answered'), { timeout: 50, signal: controller.signal });
    await settle();
    journal.append(answered('yes'));
    await asking;
    expect([jest.getTimerCount(), getEventListeners(controller.signal, 'abort')]).toEqual([0, []]);
  });

  test.each<[string, WaitOptions, unknown]>([
    ['a signal that is aborted', { signal: AbortSignal.abort(boom) }, boom],
    ['timeout: -1', { timeout: -1 }, expect.any(RangeError)],
    ['timeout: NaN', { timeout: NaN }, expect.any(RangeError)],
    ['timeout: 2^31', { timeout: 2 ** 31 }, expect.any(RangeError)],
  ])('%s: rejects, and nothing is asked', async (_, options, error) => {
    const asking = track(ask(journal, asked('ready?'), isType('Answered'), options));
    await settle();
    expect([asking, journal.head]).toEqual([{ state: 'rejected', error }, 0]);
  });

  test.each<[string, (controller: AbortController) => void, unknown]>([
    ['an abort', (controller) => controller.abort(boom), boom],
    ['the end of the journal', () => journal.complete(), expect.objectContaining({ code: 'ERR_JOURNAL_CLOSED' })],
    ['its error', () => journal.error(boom), expect.anything()],
  ])('%s while it waits', async (_, end, error) => {
    const controller = new AbortController();
    const asking = track(ask(journal, asked('ready?'), isType('Answered'), { signal: controller.signal }));
    await settle();
    end(controller);
    await settle();
    expect(asking).toEqual({ state: 'rejected', error });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('what isAnswer throws', async () => {
    const asking = track(
      ask(journal, asked('ready?'), (_: Entry): _ is Entry => {
        throw boom;
      }),
    );
    await settle();
    journal.append({ type: 'Noted' });
    await settle();
    expect(asking).toEqual({ state: 'rejected', error: boom });
  });

  test('a write that is refused', async () => {
    journal.complete();
    await expect(ask(journal, asked('ready?'), isType('Answered'))).rejects.toMatchObject({
      code: 'ERR_JOURNAL_CLOSED',
    });
  });
});

test('the matcher gets the position of the question, so that a reply can name it', async () => {
  const entries = new InMemoryScrivener<{ type: string; inReplyTo?: number }>();
  entries.append({ type: 'Noted' });
  const asking = ask(entries, { type: 'Asked' }, (entry, position) => entry.inReplyTo === position);
  await settle();
  for (const inReplyTo of [1, 3, 2, 2]) entries.append({ type: 'Answered', inReplyTo });
  expect(await asking).toEqual({ position: 5, entry: { type: 'Answered', inReplyTo: 2 } });
});
