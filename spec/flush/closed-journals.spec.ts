/** A journal that was closed, and refuses to be read, has given its flusher all that there is. */
import { NEVER } from 'rxjs';
import {
  countThreshold,
  FlusherDaemon,
  InMemoryScrivener,
  JournalClosedError,
  JournalStream,
  type FlushPredicate,
} from 'rx-scrivener';
import { settle, track } from '../journal/settle';
import { HandSink } from './hand-sink';

/** Refuses to be read once it is closed; with `held`, what is asked before then is answered only afterwards. */
class Refusing extends InMemoryScrivener<number> {
  held = false;
  #closed = false;
  #refuse: (() => void)[] = [];

  override complete(): void {
    this.#closed = true;
    super.complete();
    for (const refuse of this.#refuse) refuse();
  }

  override readBackward(before?: number): JournalStream<number> {
    if (!this.#closed && !this.held) return super.readBackward(before);
    return new JournalStream(
      (subscriber) => {
        const refuse = () => subscriber.error(new JournalClosedError());
        if (this.#closed) refuse();
        else this.#refuse.push(refuse);
      },
      () => super.readBackward(before)[Symbol.asyncIterator](),
    );
  }
}

async function started(predicate: FlushPredicate<number> = countThreshold(1)) {
  const scrivener = new Refusing();
  const sink = new HandSink<number>();
  const flusher = new FlusherDaemon<number>({ scrivener, sink, predicate });
  await flusher.start();
  return { scrivener, sink, flusher };
}

test('everything flushed: it completes', async () => {
  const { scrivener, sink, flusher } = await started();
  scrivener.append(1);
  await flusher.whenFlushed(1);
  scrivener.complete();
  await flusher.waitFor('Completed');
  await flusher.shutdown();
  expect([flusher.flushed, sink.closed]).toEqual([1, 1]);
});

test('not everything flushed: the rest is flushed, then it completes', async () => {
  const { scrivener, sink, flusher } = await started(() => NEVER);
  sink.hanging = true;
  for (let n = 1; n <= 3; n++) scrivener.append(n);
  scrivener.complete();
  const down = track(flusher.shutdown());
  const flushing = track(flusher.flush());
  await settle();
  expect([down.state, flushing.state]).toEqual(['pending', 'pending']);
  sink.release();
  await settle();
  expect([down.state, flushing.state, flusher.status]).toEqual(['resolved', 'resolved', 'Completed']);
  expect(sink.accepted).toEqual([[1, 2, 3]]);
});

test('closed while it shuts down', async () => {
  const { scrivener, sink, flusher } = await started(() => NEVER);
  scrivener.append(1);
  scrivener.held = true;
  const down = flusher.shutdown();
  await settle();
  scrivener.complete();
  await down;
  expect([flusher.status, flusher.flushed]).toEqual(['Completed', 1]);
  expect(sink.accepted).toEqual([[1]]);
});

test('closed before it starts', async () => {
  const scrivener = new Refusing();
  scrivener.append(1);
  scrivener.complete();
  const sink = new HandSink<number>();
  const flusher = new FlusherDaemon<number>({ scrivener, sink });
  await flusher.start();
  await flusher.waitFor('Completed');
  expect(sink.accepted).toEqual([[1]]);
});

test('a sink that fails over a closed journal fails it still, and shutdown says so', async () => {
  const boom = new Error('boom');
  const { scrivener, sink, flusher } = await started(() => NEVER);
  sink.append = () => Promise.reject(boom);
  scrivener.append(1);
  scrivener.complete();
  expect(await flusher.waitForFailure()).toBe(boom);
  await expect(flusher.shutdown()).rejects.toBe(boom);
});
