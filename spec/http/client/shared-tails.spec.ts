import { InMemoryScrivener, type Positioned } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener, type RemoteScrivener } from 'rx-scrivener/http';
import { takeUntil } from 'rxjs';

interface Said {
  readonly n: number;
  readonly text?: string;
}

let journal: InMemoryScrivener<Said>;
let remote: RemoteScrivener<Said>;
let handle: (request: Request) => Promise<Response>;
/** The tails that the server has open. */
let open: Set<Request>;
let opened: string[];
/** What the network does with each piece of an answer. */
let passOn: (piece: Uint8Array, after: string) => Promise<Uint8Array>;

const settle = async () => {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
const positions = (records: readonly Positioned<Said>[]) => records.map(({ position }) => position);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
const append = (last: number, text?: string) => {
  for (let n = journal.head + 1; n <= last; n++) journal.append(text === undefined ? { n } : { n, text });
};

beforeEach(async () => {
  journal = new InMemoryScrivener<Said>();
  open = new Set();
  opened = [];
  passOn = async (piece) => piece;
  handle = journalHandler(journal, { authorize: 'public' });
  remote = await openRemoteScrivener<Said>({
    url: 'http://localhost/journal',
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const response = await handle(request);
      if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) return response;
      const after = new URL(request.url).searchParams.get('after')!;
      opened.push(after);
      open.add(request);
      request.signal.addEventListener('abort', () => open.delete(request));
      const through = new TransformStream<Uint8Array, Uint8Array>({
        transform: async (piece, controller) => controller.enqueue(await passOn(piece, after)),
      });
      return new Response(response.body!.pipeThrough(through, { signal: request.signal }), response);
    },
  });
});
afterEach(() => remote.close());

function listen(after: number, caughtUp?: (position: number) => void) {
  const heard: Positioned<Said>[] = [];
  const subscription = remote.tail(after, { caughtUp }).subscribe((record) => heard.push(record));
  return { heard, subscription };
}

test('six readers of one place have one connection, which the last of them ends', async () => {
  append(3);
  const told: number[] = [];
  const all = [1, 2, 3, 4, 5, 6].map(() => listen(0, (position) => told.push(position)));
  await until(() => told.length === 6);
  append(5);
  await until(() => all.every(({ heard }) => heard.length === 5));
  for (const { heard } of all) expect(positions(heard)).toEqual(upTo(5));
  expect(told).toEqual([3, 3, 3, 3, 3, 3]);
  expect(opened).toEqual(['0']);
  expect(open.size).toBe(1);
  for (const { subscription } of all.slice(1)) subscription.unsubscribe();
  append(6);
  await until(() => all[0]!.heard.length === 6);
  expect(open.size).toBe(1);
  all[0]!.subscription.unsubscribe();
  await until(() => open.size === 0);
  expect(all[1]!.heard).toHaveLength(5);
});

test('who comes later, or starts later, shares what is live, and learns where replay ends', async () => {
  append(10);
  const first = listen(0);
  await until(() => first.heard.length === 10);
  const marks: unknown[] = [];
  const later = [8, 10, 12].map((after) => {
    const at = listen(after, (position) => marks.push([after, position, at.heard.length]));
    return at;
  });
  await until(() => marks.length === 3);
  expect(marks).toEqual(expect.arrayContaining([[8, 10, 2], [10, 10, 0], [12, 10, 0]])); // prettier-ignore
  append(14);
  await until(() => later.every(({ heard }) => heard.at(-1)?.position === 14));
  expect(later.map(({ heard }) => positions(heard))).toEqual([upTo(14, 9), upTo(14, 11), upTo(14, 13)]);
  expect(opened).toEqual(['0']);
});

test('who starts far before has a connection of its own, and shares once it is there', async () => {
  append(5_000);
  const live = listen(5_000);
  await settle();
  const all = listen(0, () => append(5_001));
  await until(() => all.heard.length === 5_001);
  expect(positions(all.heard)).toEqual(upTo(5_001));
  append(5_002);
  await until(() => live.heard.length === 2 && all.heard.length === 5_002);
  expect(opened).toEqual(['5000', '0']);
  await until(() => open.size === 1);
});

test('a reader that does not read on holds up nobody, and misses nothing', async () => {
  const slow = remote.tail(0)[Symbol.asyncIterator]();
  append(1);
  expect(await slow.next()).toMatchObject({ value: { position: 1 } });
  const quick = listen(0);
  for (let last = 100; last <= 6_000; last += 100) {
    append(last);
    await until(() => quick.heard.length === last);
  }
  expect(positions(quick.heard)).toEqual(upTo(6_000));
  const rest: number[] = [];
  while (rest.length < 5_999) {
    const { value } = (await slow.next()) as { value: Positioned<Said> };
    rest.push(value.position);
  }
  expect(rest).toEqual(upTo(6_000, 2));
  await slow.return!();
});

test('readers that leave and come within `next` harm nobody', async () => {
  const heard: number[] = [];
  const inner: number[] = [];
  const subscription = remote.tail(0).subscribe(({ position }) => {
    heard.push(position);
    if (position === 2) remote.tail(1).subscribe((record) => inner.push(record.position));
    if (position === 3) subscription.unsubscribe();
  });
  append(3);
  await until(() => inner.length === 2);
  append(4);
  await until(() => inner.length === 3);
  expect([heard, inner]).toEqual([[1, 2, 3], [2, 3, 4]]); // prettier-ignore
  expect(open.size).toBe(1);
});

test('the end of the journal ends all of them, and an error reaches all of them', async () => {
  append(2);
  const ends: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    remote.tail(0).subscribe({ error: () => ends.push(`${name} failed`), complete: () => ends.push(`${name} ended`) });
  }
  await settle();
  journal.complete();
  await until(() => ends.length === 3);
  expect(ends.sort()).toEqual(['a ended', 'b ended', 'c ended']);
});

test('only the reader that asks for what was dropped gets the error', async () => {
  await remote.close();
  journal = new InMemoryScrivener<Said>({ retain: 5 });
  append(10);
  const handle = journalHandler(journal, { authorize: 'public' });
  remote = await openRemoteScrivener<Said>({
    url: 'http://localhost/journal',
    fetch: (input, init) => handle(new Request(input, init)),
  });
  const errors: unknown[] = [];
  remote.tail(2).subscribe({ error: (error: unknown) => errors.push((error as { code: string }).code) });
  const { heard } = listen(7);
  await until(() => errors.length === 1 && heard.length === 3);
  expect(errors).toEqual(['ERR_POSITION_TRIMMED']);
  expect(positions(heard)).toEqual([8, 9, 10]);
});

test('a reader that is to continue where another history is read finds out', async () => {
  append(5_000);
  const errors: unknown[] = [];
  const heard: number[] = [];
  remote.tail(4_999).subscribe({
    next: ({ position }) => heard.push(position),
    error: (error: unknown) => errors.push((error as { code: string }).code),
  });
  await until(() => heard.length === 1);
  // Another server answers from now on; the connection to the first one lasts.
  const other = new InMemoryScrivener<Said>();
  for (let n = 1; n <= 5_001; n++) other.append({ n, text: 'other' });
  handle = journalHandler(other, { authorize: 'public' });
  const all = listen(0);
  await until(() => all.heard.length === 5_001 && errors.length === 1);
  expect([heard, errors]).toEqual([[5_000], ['ERR_JOURNAL_MISMATCH']]);
});

test('closing ends the connection of an iteration that nobody continues with', async () => {
  append(3);
  const iteration = remote.tail(0)[Symbol.asyncIterator]();
  expect(await iteration.next()).toMatchObject({ value: { position: 1 } });
  expect(open.size).toBe(1);
  await remote.close();
  await settle();
  expect(open.size).toBe(0);
});

test.each([
  ['unsubscribes', (leave: () => void) => leave()],
  ['closes the scrivener', () => void remote.close()],
])('who %s when told that replay has ended leaves no connection', async (_, act) => {
  append(3);
  const other = listen(0);
  await until(() => other.heard.length === 3);
  const heard: number[] = [];
  let leave = () => undefined as void;
  let isTold = false;
  const stopped = new Promise<void>((resolve) => (leave = resolve));
  const subscription = remote
    .tail(3, {
      caughtUp: () => {
        isTold = true;
        act(leave);
      },
    })
    .pipe(takeUntil(stopped))
    .subscribe(({ position }) => heard.push(position));
  await until(() => isTold);
  other.subscription.unsubscribe();
  subscription.unsubscribe();
  await settle();
  append(4);
  await settle();
  expect(open.size).toBe(0);
  expect(heard).toEqual([]);
});

test('an iteration whose signal is aborted when replay has ended leaves no connection', async () => {
  append(3);
  const stop = new AbortController();
  const iteration = remote.tail(0, { signal: stop.signal, caughtUp: () => stop.abort() })[Symbol.asyncIterator]();
  const next = async () => {
    for (;;) if ((await iteration.next()).done === true) return;
  };
  await expect(next()).rejects.toMatchObject({ name: 'AbortError' });
  await settle();
  expect(open.size).toBe(0);
});

test('nothing is fetched for an iteration that nobody continues with', async () => {
  append(1);
  const iteration = remote.tail(0)[Symbol.asyncIterator]();
  await iteration.next();
  let pieces = 0;
  passOn = async (piece) => {
    pieces++;
    return piece;
  };
  append(2_000, 'x'.repeat(1_000));
  await settle();
  const before = pieces;
  append(4_000, 'x'.repeat(1_000));
  await settle();
  expect(pieces - before).toBeLessThan(5);
  for (let position = 2; position <= 4_000; position++)
    expect(await iteration.next()).toMatchObject({ value: { position } });
  await iteration.return!();
  await settle();
  expect(open.size).toBe(0);
});
