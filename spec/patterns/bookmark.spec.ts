import { BehaviorSubject, retry, Subject, switchMap, tap } from 'rxjs';
import { consume, countThreshold, FlusherDaemon, InMemoryScrivener, TappedScrivener } from 'rx-scrivener';
import type { BookmarkStore, Position, Positioned, Scrivener } from 'rx-scrivener';
import { HandSink } from '../flush/hand-sink';
import { Gate } from '../hosts/chat';
import { settle } from '../journal/settle';

const boom = new Error('boom');

class Store implements BookmarkStore {
  readonly saved: Position[] = [];
  loads = 0;
  constructor(public position: Position = 0) {}
  async load(): Promise<Position> {
    this.loads++;
    return this.position;
  }
  async save(position: Position): Promise<void> {
    this.saved.push(position);
    this.position = position;
  }
}

/** A journal whose flusher does what the spec says. */
async function flushedByHand(entries = '') {
  const journal = new InMemoryScrivener<string>();
  for (const entry of entries) journal.append(entry);
  const sink = new HandSink<string>();
  sink.hanging = true;
  const flusher = new FlusherDaemon({ scrivener: journal, sink, predicate: countThreshold(1) });
  await flusher.start();
  const accept = async (times = 1) => {
    for (let n = 0; n < times; n++) {
      sink.accept();
      await settle();
    }
  };
  return { journal, sink, flusher, accept };
}

function run(scrivener: Scrivener<string>, store: BookmarkStore) {
  const handled: string[] = [];
  const log: unknown[] = [];
  const subscription = consume(scrivener, store, ({ entry }) => void handled.push(entry)).subscribe({
    next: (position) => log.push(position),
    error: (error: unknown) => log.push(error),
    complete: () => log.push('|'),
  });
  return { handled, log, subscription };
}

describe('a bookmark is never ahead of what is flushed', () => {
  test.each([
    ['the journal', (journal: Scrivener<string>) => journal],
    ['a wrapper of it', (journal: Scrivener<string>) => new TappedScrivener(journal, (entry, to) => to.write(entry))],
  ])('of %s; handling does not wait for it', async (_, as) => {
    const { journal, accept } = await flushedByHand('abc');
    const store = new Store();
    const { handled, log, subscription } = run(as(journal), store);
    await settle();
    expect([handled, store.saved, log]).toEqual([['a', 'b', 'c'], [], []]);
    await accept();
    expect([store.saved, log]).toEqual([[1], [1]]);
    await accept(2);
    journal.append('d');
    await settle();
    expect([handled.at(-1), store.saved, log]).toEqual(['d', [1, 2, 3], [1, 2, 3]]);
    await accept();
    expect([store.saved, log]).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    subscription.unsubscribe();
  });

  test('nor of what was handled, however much is flushed', async () => {
    const { journal, sink } = await flushedByHand('abc');
    sink.release();
    const store = new Store();
    const gate = new Gate();
    const subscription = consume(journal, store, ({ entry }) => (entry === 'b' ? gate.passed : undefined)).subscribe();
    await settle();
    expect(store.saved).toEqual([1]);
    gate.open();
    await settle();
    expect(store.position).toBe(3);
    subscription.unsubscribe();
  });

  test('also of a flusher that starts later than the consumer', async () => {
    const journal = new InMemoryScrivener<string>();
    const store = new Store();
    const { log, subscription } = run(journal, store);
    journal.append('a');
    await settle();
    expect(log).toEqual([1]);
    const sink = new HandSink<string>();
    sink.hanging = true;
    await new FlusherDaemon({ scrivener: journal, sink, predicate: countThreshold(1), after: 1 }).start();
    journal.append('b');
    await settle();
    expect(store.saved).toEqual([1]);
    sink.release();
    await settle();
    expect(store.saved).toEqual([1, 2]);
    subscription.unsubscribe();
  });

  test('a flusher that fails: handling continues, the bookmark stays, the end is its error', async () => {
    const { journal, sink, flusher, accept } = await flushedByHand('abc');
    const store = new Store();
    const { handled, log } = run(journal, store);
    await settle();
    await accept();
    sink.refuse(boom);
    await flusher.waitForFailure();
    journal.append('d');
    await settle();
    expect([handled, store.saved, log]).toEqual([['a', 'b', 'c', 'd'], [1], [1]]);
    journal.complete();
    await settle();
    expect(log).toEqual([1, boom]);
  });

  test('a flusher that takes the place of a failed one is followed', async () => {
    const { journal, sink, flusher } = await flushedByHand('ab');
    const store = new Store();
    const { subscription } = run(journal, store);
    await settle();
    sink.refuse(boom);
    await flusher.waitForFailure();
    await settle();
    await new FlusherDaemon({ scrivener: journal, sink: new HandSink(), predicate: countThreshold(1) }).start();
    journal.append('c');
    await settle();
    expect(store.position).toBe(3);
    subscription.unsubscribe();
  });

  test('the journal’s end waits for the last of it', async () => {
    const { journal, accept } = await flushedByHand('ab');
    const store = new Store();
    const { log } = run(journal, store);
    journal.complete();
    await settle();
    expect(log).toEqual([]);
    await accept(2);
    expect([log, store.position]).toEqual([[1, 2, '|'], 2]);
  });

  test('so does unsubscribing, and the next consumer of the store waits with it', async () => {
    const { journal, accept } = await flushedByHand('ab');
    const store = new Store();
    run(journal, store).subscription.unsubscribe();
    const first = run(journal, store);
    await settle();
    first.subscription.unsubscribe();
    const second = run(journal, store);
    await settle();
    expect([first.handled, second.handled]).toEqual([['a', 'b'], []]);
    await accept(2);
    journal.append('c');
    await settle();
    expect([store.saved, second.handled]).toEqual([[1, 2], ['c']]);
    second.subscription.unsubscribe();
  });
});

describe('saving', () => {
  test('does not hold handling up: one save at a time, the newest position next', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const entry of 'abcde') journal.append(entry);
    const gates: Gate[] = [];
    const asked: Position[] = [];
    const store: BookmarkStore = {
      load: async () => 0,
      save: (position) => {
        asked.push(position);
        const gate = new Gate();
        gates.push(gate);
        return gate.passed;
      },
    };
    const { handled, log, subscription } = run(journal, store);
    await settle();
    expect([handled.length, asked, log]).toEqual([5, [1], []]);
    gates[0]!.open();
    await settle();
    expect([asked, log]).toEqual([[1, 5], [1]]);
    gates[1]!.open();
    await settle();
    expect(log).toEqual([1, 2, 3, 4, 5]);
    subscription.unsubscribe();
  });

  test('that fails ends it: nothing more is handled', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const entry of 'abc') journal.append(entry);
    const gates = [new Gate(), new Gate(), new Gate()];
    const handled: string[] = [];
    const log: unknown[] = [];
    consume(journal, { load: async () => 0, save: () => Promise.reject(boom) }, async ({ position, entry }) => {
      await gates[position - 1]!.passed;
      handled.push(entry);
    }).subscribe({ error: (error: unknown) => log.push(error) });
    await settle();
    gates[0]!.open();
    await settle();
    for (const gate of gates) gate.open();
    await settle();
    expect([log, handled]).toEqual([[boom], ['a']]);
  });

  test('a failing handler is reported when everything before its record is saved', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const entry of 'abc') journal.append(entry);
    const gate = new Gate();
    const saved: Position[] = [];
    const log: unknown[] = [];
    const save = async (position: Position) => {
      await gate.passed;
      saved.push(position);
    };
    consume(journal, { load: async () => 0, save }, ({ entry }) => {
      if (entry === 'c') throw boom;
    }).subscribe({ next: (position) => log.push(position), error: (error: unknown) => log.push(error) });
    await settle();
    expect(log).toEqual([]);
    gate.open();
    await settle();
    expect([saved, log]).toEqual([
      [1, 2],
      [1, 2, boom],
    ]);
  });
});

describe('one consumer of a store works at a time', () => {
  /** A handler that says when it begins and ends, and how many were at work at the most. */
  function slow() {
    const gates = new Map<Position, Gate>();
    const steps: string[] = [];
    let working = 0;
    const outcome = { steps, peak: 0, open: (position: Position) => gates.get(position)!.open() };
    const handle = async ({ position }: Positioned<string>) => {
      outcome.peak = Math.max(outcome.peak, ++working);
      const gate = new Gate();
      gates.set(position, gate);
      await gate.passed;
      steps.push(`handled ${position}`);
      working--;
    };
    return Object.assign(outcome, { handle });
  }

  test('unsubscribed and subscribed again: the next waits for the current record, the bookmark never goes back', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const entry of 'abc') journal.append(entry);
    const store = new Store();
    const work = slow();
    const consumed = consume(journal, store, work.handle);
    const first = consumed.subscribe();
    await settle();
    first.unsubscribe();
    const second = consumed.subscribe();
    await settle();
    expect([work.peak, store.loads]).toEqual([1, 1]);
    for (const position of [1, 2, 3]) {
      work.open(position);
      await settle();
    }
    expect([work.steps, work.peak, store.saved]).toEqual([['handled 1', 'handled 2', 'handled 3'], 1, [1, 2, 3]]);
    second.unsubscribe();
  });

  test('switchMap, and many subscriptions at once', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const entry of 'ab') journal.append(entry);
    const store = new Store();
    const work = slow();
    const restarts = new BehaviorSubject(0);
    const subscription = restarts.pipe(switchMap(() => consume(journal, store, work.handle))).subscribe();
    await settle();
    for (let n = 1; n <= 5; n++) restarts.next(n);
    const other = consume(journal, store, work.handle).subscribe();
    await settle();
    for (const position of [1, 2]) {
      work.open(position);
      await settle();
    }
    expect([work.steps, work.peak, store.saved]).toEqual([['handled 1', 'handled 2'], 1, [1, 2]]);
    other.unsubscribe();
    subscription.unsubscribe();
  });

  test('retry, after an error of what comes after it', async () => {
    const journal = new InMemoryScrivener<string>();
    for (const entry of 'abc') journal.append(entry);
    const store = new Store();
    let failures = 0;
    const handled: string[] = [];
    const subscription = consume(journal, store, ({ entry }) => void handled.push(entry))
      .pipe(
        tap((position) => {
          if (position === 2 && failures++ < 1) throw boom;
        }),
        retry(1),
      )
      .subscribe();
    await settle();
    for (const entry of 'de') journal.append(entry);
    await settle();
    expect(handled).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(store.saved).toEqual([...new Set(store.saved)].sort());
    subscription.unsubscribe();
  });

  test('one that left before its turn neither loads nor holds the others up', async () => {
    const journal = new InMemoryScrivener<string>();
    journal.append('a');
    const store = new Store();
    const first = run(journal, store);
    await settle();
    const second = run(journal, store);
    const third = run(journal, store);
    second.subscription.unsubscribe();
    first.subscription.unsubscribe();
    journal.append('b');
    await settle();
    expect([store.loads, second.handled, third.handled]).toEqual([2, [], ['b']]);
    third.subscription.unsubscribe();
  });

  test('other stores are not waited for', async () => {
    const journal = new InMemoryScrivener<string>();
    journal.append('a');
    const gate = new Gate();
    const blocked = consume(journal, new Store(), () => gate.passed).subscribe();
    const { handled, subscription } = run(journal, new Store());
    await settle();
    expect(handled).toEqual(['a']);
    blocked.unsubscribe();
    subscription.unsubscribe();
  });

  test('a load that fails leaves the next its turn', async () => {
    const journal = new InMemoryScrivener<string>();
    journal.append('a');
    const loads = [Promise.reject(boom), Promise.resolve(0)];
    const store: BookmarkStore = { load: () => loads.shift()!, save: async () => undefined };
    const first = run(journal, store);
    const second = run(journal, store);
    await settle();
    expect([first.log, second.handled]).toEqual([[boom], ['a']]);
    second.subscription.unsubscribe();
  });
});

test('a source of restarts that never stops leaves nothing waiting', async () => {
  const journal = new InMemoryScrivener<string>();
  const store = new Store();
  const restarts = new Subject<void>();
  const subscription = restarts.pipe(switchMap(() => consume(journal, store, () => undefined))).subscribe();
  for (let n = 0; n < 1_000; n++) {
    restarts.next();
    if (n % 10 === 0) await settle();
  }
  journal.append('a');
  await settle();
  await settle();
  expect(store.saved).toEqual([1]);
  subscription.unsubscribe();
  expect(journal.observed).toBe(false);
});
