import { linkSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lastValueFrom, take, toArray } from 'rxjs';
import {
  CorruptJournalError,
  openFileScrivener,
  type FileScrivener,
  type FileScrivenerConfig,
} from 'rx-scrivener/file';
import { PositionTrimmedError, type Positioned } from 'rx-scrivener';
import { JournalStore } from '../../../lib/file/store/journal-store';
import { CountedAbort } from '../../../lib/testing/counted-abort';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, line, positioned, textOf } from '../support/journal-text';
import { onLinux, openDescriptors } from '../support/open-descriptors';
import { outcomeOf, rejectionOf, turns, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

let opened: FileScrivener<unknown>[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(opened.map((scrivener) => scrivener.close().catch(() => undefined)));
  opened = [];
});

async function open<T>(options: Partial<FileScrivenerConfig<T>> = {}): Promise<FileScrivener<T>> {
  const scrivener = await openFileScrivener<T>({
    filePath: filePath(),
    retain: 1,
    flushThreshold: 100_000,
    flushIntervalMs: Infinity,
    ...options,
  });
  opened.push(scrivener as FileScrivener<unknown>);
  return scrivener;
}

/** Writes numbers up to one, and has all but what is retained on the disk alone. */
async function fill(scrivener: FileScrivener<number>, upTo: number): Promise<void> {
  for (let n = scrivener.head + 1; n <= upTo; n++) scrivener.append(n);
  await scrivener.flush();
}

const left = () => {
  throw new Error('It was left, and is given more');
};

interface Wide {
  readonly n: number;
  readonly pad: string;
}

const wide = (n: number): Wide => ({ n, pad: 'ü'.repeat(5_000) });

/** A journal of more than three pages. */
async function openWide(): Promise<{ scrivener: FileScrivener<Wide>; count: number }> {
  const count = 350;
  writeFileSync(filePath(), journalText(Array.from({ length: count }, (_, index) => wide(index + 1))));
  return { scrivener: await open<Wide>(), count };
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
const numbers = (records: readonly Positioned<number>[]) => records.map(({ position, entry }) => [position, entry]);
const pairs = (from: number, to: number) => range(from, to).map((n) => [n, n]);

test('what is older than the entries retained comes from the file', async () => {
  const scrivener = await open<string>();
  for (const entry of ['one', 'two', 'three']) await scrivener.write(entry);
  await scrivener.flush();
  writeFileSync(filePath(), textOf(filePath()).replace('one', 'ONE').replace('three', 'THREE'));
  const { values } = await outcomeOf(scrivener.readBackward());
  expect(values.map(({ entry }) => entry)).toEqual(['three', 'two', 'ONE']);
});

describe('tail', () => {
  test('starts on the disk and catches up with writes that continue', async () => {
    const { scrivener, count } = await openWide();
    const seen: number[] = [];
    const caughtUp: number[] = [];
    let written = count;
    scrivener.tail(0, { caughtUp: (position) => caughtUp.push(position) }).subscribe(({ position, entry }) => {
      expect(entry.n).toBe(position);
      seen.push(position);
    });
    while (caughtUp.length === 0) {
      scrivener.append(wide(++written));
      if (written % 7 === 0) await scrivener.flush();
      await turns(1);
    }
    expect(caughtUp).toEqual([written]);
    for (let i = 0; i < 5; i++) scrivener.append(wide(++written));
    expect(seen).toEqual(range(1, written));
    await scrivener.flush();
    expect(caughtUp).toHaveLength(1);
  });

  test('is caught up after what comes from the disk, once, iterated too', async () => {
    const scrivener = await open<number>();
    await fill(scrivener, 5);
    const calls: [number, number][] = [];
    let seen = 0;
    const iterator = scrivener
      .tail(1, { caughtUp: (position) => calls.push([position, seen]) })
      [Symbol.asyncIterator]();
    for (seen = 0; seen < 4; seen++) await iterator.next();
    expect(calls).toEqual([]);
    const sixth = iterator.next();
    expect(calls).toEqual([[5, 4]]);
    scrivener.append(6);
    expect((await sixth).value).toEqual({ position: 6, entry: 6 });
    await fill(scrivener, 20);
    for (let position = 7; position <= 20; position++) {
      expect((await iterator.next()).value).toEqual({ position, entry: position });
    }
    expect(calls).toHaveLength(1);
    await iterator.return!();
  });

  test('what caughtUp throws errors a stream that comes from the disk', async () => {
    const scrivener = await open<number>();
    await fill(scrivener, 5);
    const reason = new Error('not now');
    const caughtUp = () => {
      throw reason;
    };
    const { values, error } = await outcomeOf(scrivener.tail(0, { caughtUp }));
    expect(numbers(values)).toEqual(pairs(1, 5));
    expect(error).toBe(reason);
  });

  test('an iterator that falls behind again and again goes from memory to disk and back, and gets each entry once', async () => {
    const scrivener = await open<number>({ retain: 3 });
    await fill(scrivener, 10);
    const iterator = scrivener.tail()[Symbol.asyncIterator]();
    const seen: Positioned<number>[] = [];
    const read = async (count: number) => {
      for (let i = 0; i < count; i++) seen.push((await iterator.next()).value as Positioned<number>);
    };
    await read(10); // the disk, then memory
    await fill(scrivener, 12);
    await read(2); // memory
    await fill(scrivener, 30);
    await read(5); // the disk
    await fill(scrivener, 50);
    await read(33); // the disk, memory
    const waiting = iterator.next();
    scrivener.append(51);
    seen.push((await waiting).value as Positioned<number>);
    await fill(scrivener, 60);
    await read(9);
    expect(numbers(seen)).toEqual(pairs(1, 60));
  });

  test('calls of next that do not wait for each other are answered in order, across the seam and live', async () => {
    const scrivener = await open<number>();
    await fill(scrivener, 5);
    const iterator = scrivener.tail(2)[Symbol.asyncIterator]();
    const results = Array.from({ length: 6 }, () => iterator.next());
    await expect(Promise.all(results.slice(0, 3))).resolves.toMatchObject(
      pairs(3, 5).map(([n]) => ({ value: { position: n } })),
    );
    for (const n of [6, 7, 8]) scrivener.append(n);
    await expect(Promise.all(results.slice(3))).resolves.toMatchObject(
      pairs(6, 8).map(([n]) => ({ value: { position: n } })),
    );
    const [last, over] = [iterator.next(), iterator.return!()];
    await expect(last).resolves.toEqual({ done: true, value: undefined });
    await expect(over).resolves.toEqual({ done: true, value: undefined });
  });

  test('close gives a reader in the middle of the disk part everything, then completes it', async () => {
    const { scrivener, count } = await openWide();
    const seen: number[] = [];
    let closing: Promise<void> | undefined;
    const completed = new Promise<void>((complete, error) => {
      scrivener.tail().subscribe({
        next: ({ position }) => {
          seen.push(position);
          if (position === 20) {
            scrivener.append(wide(count + 1));
            closing = scrivener.close();
          }
        },
        error,
        complete,
      });
    });
    const iterated: number[] = [];
    for await (const { position } of scrivener.tail(5)) {
      iterated.push(position);
      if (position === 6) await closing;
    }
    await completed;
    await closing;
    expect(seen).toEqual(range(1, count + 1));
    expect(iterated).toEqual(range(6, count + 1));
  });

  test('a subscriber that writes inside next, on a page, sees it after everything else', async () => {
    const scrivener = await open<number>();
    await fill(scrivener, 5);
    const seen: Positioned<number>[] = [];
    scrivener.tail().subscribe((record) => {
      seen.push(record);
      if (record.position === 2) scrivener.append(6);
      if (record.position === 6) scrivener.append(7);
    });
    await until(() => seen.length >= 7);
    expect(numbers(seen)).toEqual(pairs(1, 7));
  });
});

describe('releasing', () => {
  /** Closed handles are gone a little later. */
  async function expectNothingOpenBut(before: readonly string[]): Promise<void> {
    const more = () => openDescriptors(path()).filter((file) => !before.includes(file));
    await until(() => more().length === 0 && openDescriptors(path()).length <= before.length).catch(() => undefined);
    expect(more()).toEqual([]);
    expect(openDescriptors(path()).length).toBeLessThanOrEqual(before.length);
  }

  onLinux('a tail that has caught up holds no file open', async () => {
    const { scrivener, count } = await openWide();
    const before = openDescriptors(path());
    let head = 0;
    const subscription = scrivener.tail().subscribe(({ position }) => (head = position));
    const iterator = scrivener.tail()[Symbol.asyncIterator]();
    for (let i = 0; i < count; i++) await iterator.next();
    const waiting = iterator.next();
    await until(() => head === count);
    await expectNothingOpenBut(before);
    subscription.unsubscribe();
    await iterator.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  onLinux('an iterator that pauses on the disk holds no file open', async () => {
    const { scrivener } = await openWide();
    const before = openDescriptors(path());
    const iterators = [scrivener.tail(), scrivener.readBackward()].map((stream) => stream[Symbol.asyncIterator]());
    for (const iterator of iterators) await iterator.next();
    await expectNothingOpenBut(before);
    for (const iterator of iterators) await iterator.return!();
  });

  const leaving: Record<string, (scrivener: FileScrivener<Wide>) => Promise<void>> = {
    'a break on the first page': async (scrivener) => {
      for await (const { position } of scrivener.tail()) if (position === 3) break;
    },
    'a break on the second page': async (scrivener) => {
      for await (const { position } of scrivener.tail()) if (position === 150) break;
    },
    'return while a page is being read': async (scrivener) => {
      const iterator = scrivener.tail()[Symbol.asyncIterator]();
      const pending = iterator.next();
      await turns(1);
      await iterator.return!();
      expect(await pending).toEqual({ done: true, value: undefined });
    },
    'unsubscribing while the first page is being read': async (scrivener) => {
      const subscription = scrivener.tail().subscribe(() => left());
      await turns(1);
      subscription.unsubscribe();
      await turns();
    },
    'unsubscribing at once': async (scrivener) => {
      scrivener
        .tail()
        .subscribe(() => left())
        .unsubscribe();
      await turns();
    },
    'unsubscribing inside next, in the middle of a page': async (scrivener) => {
      const seen: number[] = [];
      await new Promise<void>((resolve) => {
        const subscription = scrivener.tail().subscribe(({ position }) => {
          seen.push(position);
          if (position === 150) {
            subscription.unsubscribe();
            resolve();
          }
        });
      });
      await turns();
      expect(seen).toEqual(range(1, 150));
    },
    'a take': async (scrivener) => {
      expect(await lastValueFrom(scrivener.tail().pipe(take(2), toArray()))).toHaveLength(2);
    },
    'a break backward': async (scrivener) => {
      for await (const { position } of scrivener.readBackward()) if (position === 150) break;
    },
    'unsubscribing backward while a page is being read': async (scrivener) => {
      const subscription = scrivener.readBackward(200).subscribe(() => left());
      await turns(1);
      subscription.unsubscribe();
      await turns();
    },
    'waitFor that has found its match': async (scrivener) => {
      expect((await scrivener.waitFor(0, ({ n }) => n === 150)).position).toBe(150);
    },
    'waitFor that times out': async (scrivener) => {
      const error = await rejectionOf(scrivener.waitFor(0, () => false, { timeout: 30 }));
      expect(error).toHaveProperty('name', 'TimeoutError');
    },
  };
  for (const [name, leave] of Object.entries(leaving)) {
    onLinux(`${name} leaves no file open`, async () => {
      const { scrivener } = await openWide();
      const before = openDescriptors(path());
      await leave(scrivener);
      await expectNothingOpenBut(before);
    });
  }

  onLinux(
    'an abort while a page is being read errors with its reason, and leaves no file and no listener',
    async () => {
      const { scrivener } = await openWide();
      const before = openDescriptors(path());
      const abort = new CountedAbort();
      const { signal, reason } = abort;
      const iterators = [scrivener.tail(0, { signal }), scrivener.readBackward(200, { signal })].map((stream) =>
        stream[Symbol.asyncIterator](),
      );
      const results = [
        ...[scrivener.tail(0, { signal }), scrivener.readBackward(200, { signal })].map(
          async (stream) => (await outcomeOf(stream)).error,
        ),
        ...iterators.map((iterator) => rejectionOf(iterator.next())),
      ];
      await turns(1);
      abort.abort();
      expect(await Promise.all(results)).toEqual([reason, reason, reason, reason]);
      expect(abort.listeners).toBe(0);
      for (const iterator of iterators) expect(await iterator.next()).toEqual({ done: true, value: undefined });
      await expectNothingOpenBut(before);
    },
  );
});

describe('readBackward', () => {
  test('goes across the seam, as of the moment of subscription, while entries are trimmed', async () => {
    const scrivener = await open<number>({ retain: 4 });
    await fill(scrivener, 10);
    for (let n = 11; n <= 20; n++) scrivener.append(n); // in memory: 7 to 20
    const iterator = scrivener.readBackward()[Symbol.asyncIterator]();
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) seen.push(((await iterator.next()).value as Positioned<number>).position);
    await fill(scrivener, 40); // in memory: 37 to 40
    for (let step = await iterator.next(); !step.done; step = await iterator.next()) seen.push(step.value.position);
    expect(seen).toEqual(range(1, 20).reverse());
    const { values } = await outcomeOf(scrivener.readBackward(39));
    expect(numbers(values)).toEqual(pairs(1, 38).reverse());
  });

  test.each([
    ['as it was written', false],
    ['reopened', true],
  ])('gives groups that are longer than the places that are noted, %s', async (_, reopened) => {
    let scrivener = await open<Wide>();
    for (const [from, to] of [
      [1, 3],
      [4, 90],
      [91, 91],
      [92, 200],
    ] as const) {
      await scrivener.writeAll(range(from, to).map(wide));
      await scrivener.flush();
    }
    if (reopened) {
      await scrivener.close();
      scrivener = await open<Wide>();
    }
    for (const before of [201, 200, 150, 92, 91, 90, 50, 10, 2]) {
      const { values, error } = await outcomeOf(scrivener.readBackward(before));
      expect(error).toBeUndefined();
      expect(values.map(({ entry }) => entry.n)).toEqual(range(1, before - 1).reverse());
    }
    for (const after of [0, 1, 3, 50, 90, 150, 199]) {
      const { values } = await outcomeOf(scrivener.tail(after).pipe(take(200 - after)));
      expect(values.map(({ position }) => position)).toEqual(range(after + 1, 200));
    }
  });
});

test('waitFor finds a match on the disk, in memory, and to come', async () => {
  const scrivener = await open<number>();
  await fill(scrivener, 9);
  expect(await scrivener.waitFor(0, (n) => n % 4 === 0)).toEqual({ position: 4, entry: 4 });
  expect(await scrivener.waitFor(0, (n) => n === 9)).toEqual({ position: 9, entry: 9 });
  const tenth = scrivener.waitFor(0, (n) => n === 10);
  await turns();
  scrivener.append(10);
  expect(await tenth).toEqual({ position: 10, entry: 10 });
  const thrown = new Error('match');
  expect(
    await rejectionOf(
      scrivener.waitFor(0, () => {
        throw thrown;
      }),
    ),
  ).toBe(thrown);
  const never = rejectionOf(scrivener.waitFor(0, () => false));
  await scrivener.close();
  expect(await never).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
});

describe('damage after what opening looks at', () => {
  const before = Buffer.byteLength(journalText(['ein', 'zwö']));
  const damaged = () =>
    journalText(['ein', 'zwö']) + '{"schemaVersion":"1","position":3,"entry":{"a":}}\n' + journalText([4, 5, 6], 4);

  test('is reported when it is read, and where, and not before', async () => {
    writeFileSync(filePath(), damaged());
    const scrivener = await open<unknown>({ retain: 2 });
    expect(scrivener.recovered).toEqual({ entries: 6, lastPosition: 6, truncatedBytes: 0 });
    const at = { code: 'ERR_CORRUPT_JOURNAL', filePath: filePath(), line: 3, byteOffset: before };
    expect((await outcomeOf(scrivener.tail(3).pipe(take(3)))).values).toEqual(positioned([4, 5, 6], 4));

    const forward = await outcomeOf(scrivener.tail());
    expect(forward.error).toMatchObject(at);
    expect(forward.error).toBeInstanceOf(CorruptJournalError);
    expect((await outcomeOf(scrivener.readBackward())).error).toMatchObject(at);
    expect(await rejectionOf(scrivener.waitFor(0, () => false))).toMatchObject(at);
    const iterator = scrivener.tail(2)[Symbol.asyncIterator]();
    expect(await rejectionOf(iterator.next())).toMatchObject(at);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });

    await scrivener.write(7);
    await scrivener.close();
    expect(textOf(filePath())).toBe(damaged() + line(7, 7));
  });

  test('comes after the entries before it', async () => {
    writeFileSync(filePath(), damaged());
    const scrivener = await open<unknown>({ retain: 2 });
    expect((await outcomeOf(scrivener.tail())).values).toEqual(positioned(['ein', 'zwö']));
    expect(await scrivener.waitFor(0, (entry) => entry === 'zwö')).toEqual({ position: 2, entry: 'zwö' });
  });

  test('of the entries retained is reported at the opening', async () => {
    writeFileSync(filePath(), damaged());
    expect(await rejectionOf(open({ retain: 4 }))).toMatchObject({
      code: 'ERR_CORRUPT_JOURNAL',
      line: 3,
      byteOffset: before,
    });
    expect(textOf(filePath())).toBe(damaged());
  });

  test('a last line whose end was damaged is not cut off as a group that is not whole', async () => {
    const text = journalText(['one', 'two']).replace('two"}', 'two }');
    writeFileSync(filePath(), text);
    const error = await rejectionOf(open({ retain: 1 }));
    expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 2 });
    expect(textOf(filePath())).toBe(text);
  });
});

test('what is written after a long group that was cut off is found', async () => {
  const groupLine = (n: number) => line(n, wide(n)).replace(/\}\n$/, ' }\n');
  writeFileSync(filePath(), journalText([wide(1)]) + range(2, 20).map(groupLine).join(''));
  const scrivener = await open<Wide | number>({ retain: 1 });
  expect(scrivener.head).toBe(1);
  for (let n = 2; n <= 40; n++) await scrivener.write(n);
  await scrivener.flush();
  for (const after of [0, 1, 9, 20, 38]) {
    const { values, error } = await outcomeOf(scrivener.tail(after).pipe(take(40 - after)));
    expect(error).toBeUndefined();
    expect(values.map(({ position }) => position)).toEqual(range(after + 1, 40));
  }
  expect((await outcomeOf(scrivener.readBackward())).values).toHaveLength(40);
});

describe('onProgress', () => {
  test.each([
    ['one file', {}],
    ['segments', { rotation: { maxBytes: 1_000_000 } }],
    ['compressed segments', { rotation: { maxBytes: 1_000_000, compress: 'gzip' as const } }],
  ])('rises, and ends at the total: %s', async (_, options) => {
    let scrivener = await open<Wide>({ flushThreshold: 10, ...options });
    for (let n = 1; n <= 350; n++) await scrivener.write(wide(n));
    await scrivener.close();
    const total = readdirSync(path())
      .filter((name) => /ndjson$|\d(\.gz)?$/.test(name))
      .reduce((sum, name) => sum + readFileSync(path(name)).length, 0);
    for (const retain of [1, Infinity]) {
      const told: { bytes: number; total: number }[] = [];
      scrivener = await open<Wide>({ ...options, retain, onProgress: (progress) => told.push(progress) });
      expect(told.length).toBeGreaterThan(2);
      expect(new Set(told.map((progress) => progress.total))).toEqual(new Set([total]));
      const bytes = told.map((progress) => progress.bytes);
      expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      expect(bytes.at(-1)).toBe(total);
      await scrivener.close();
    }
  });
});

describe('segments', () => {
  const rotation = { maxBytes: 1 };
  const eachInItsOwn = { rotation, flushThreshold: 1, flushIntervalMs: 0 };

  test.each([
    ['plain', {}, 1],
    ['plain, all in memory', {}, Infinity],
    ['compressed', { compress: 'gzip' as const }, 1],
  ])('that were retired give PositionTrimmedError, %s', async (_, more, retain) => {
    const options = { ...eachInItsOwn, retain, rotation: { ...rotation, ...more, keep: { segments: 3 } } };
    let scrivener = await open<number>(options);
    for (let n = 1; n <= 10; n++) {
      await scrivener.write(n);
      await scrivener.flush();
    }
    for (const reopened of [false, true]) {
      if (reopened) {
        await scrivener.close();
        scrivener = await open<number>(options);
        expect(scrivener.recovered).toEqual({ entries: 4, lastPosition: 10, truncatedBytes: 0 });
      }
      for (const after of [0, 1, 5]) {
        const { values, error } = await outcomeOf(scrivener.tail(after));
        expect(values).toEqual([]);
        expect(error).toBeInstanceOf(PositionTrimmedError);
        expect(error).toMatchObject({ requested: after + 1, first: 7 });
        const iterator = scrivener.tail(after)[Symbol.asyncIterator]();
        expect(await rejectionOf(iterator.next())).toMatchObject({ requested: after + 1, first: 7 });
      }
      expect(numbers((await outcomeOf(scrivener.tail(6).pipe(take(4)))).values)).toEqual(pairs(7, 10));
      const backward = await outcomeOf(scrivener.readBackward());
      expect(numbers(backward.values)).toEqual(pairs(7, 10).reverse());
      expect(backward.error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 6, first: 7 });
      expect((await outcomeOf(scrivener.readBackward().pipe(take(4)))).error).toBeUndefined();
      expect((await outcomeOf(scrivener.readBackward(7))).error).toMatchObject({ requested: 6, first: 7 });
      expect(await outcomeOf(scrivener.readBackward(1))).toEqual({ values: [] });
    }
  });

  test('that are retired under a reader give PositionTrimmedError, never a system error', async () => {
    const options = { ...eachInItsOwn, rotation: { ...rotation, keep: { segments: 3 } } };
    const scrivener = await open<number>(options);
    const errors: unknown[] = [];
    for (let n = 1; n <= 40; n++) {
      await scrivener.write(n);
      scrivener.tail(Math.max(0, n - 4)).subscribe({ error: (error: unknown) => errors.push(error) });
      if (n % 3 === 0) await scrivener.flush();
    }
    await scrivener.flush();
    await turns(50);
    await scrivener.close();
    for (const error of errors) expect(error).toBeInstanceOf(PositionTrimmedError);
  });

  test.each([1, 2, 3])('of which the %ith is missing are damage', async (missing) => {
    let scrivener = await open<number>(eachInItsOwn);
    for (let n = 1; n <= 4; n++) {
      await scrivener.write(n);
      await scrivener.flush();
    }
    await scrivener.close();
    const name = readdirSync(path()).find((file) => file.endsWith(`000${missing}`))!;
    rmSync(path(name));
    for (const retain of [1, Infinity]) {
      const error = await rejectionOf(open<number>({ ...eachInItsOwn, retain }));
      expect(error).toBeInstanceOf(CorruptJournalError);
      expect(String(error)).toContain(`position ${missing} is missing`);
    }
    scrivener = await openFileScrivener<number>({ filePath: path('other.ndjson') }); // nothing is left locked
    await scrivener.close();
  });

  test('a journal of which nothing is kept continues', async () => {
    writeFileSync(`${filePath()}.segments`, '{"schemaVersion":"1","first":6,"segments":[]}\n');
    const scrivener = await open<number>({ rotation: { ...rotation, keep: { segments: 0 } } });
    expect(scrivener.head).toBe(5);
    await scrivener.flush();
    expect((await outcomeOf(scrivener.tail(0))).error).toMatchObject({ requested: 1, first: 6 });
    expect(await scrivener.write(6)).toBe(6);
    await scrivener.close();
    expect(scrivener.flusher.status).toBe('Completed');
    expect(textOf(filePath())).toBe(line(6, 6));
  });

  test('a system error while a compressed segment is opened is no damage', async () => {
    const compressed = { ...eachInItsOwn, rotation: { ...rotation, compress: 'gzip' as const } };
    let scrivener = await open<number>(compressed);
    for (let n = 1; n <= 3; n++) {
      await scrivener.write(n);
      await scrivener.flush();
    }
    await scrivener.close();
    scrivener = await open<number>(compressed);
    const prototype = await fileHandlePrototype(path('probe'));
    const busy = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    jest.spyOn(prototype, 'stat').mockRejectedValue(busy);
    const { error } = await outcomeOf(scrivener.tail());
    expect(error).toBe(busy);
  });
});

describe('reopen', () => {
  const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

  async function fails(scrivener: FileScrivener<number>): Promise<void> {
    const prototype: FileHandle = await fileHandlePrototype(path('probe'));
    const write = jest.spyOn(prototype, 'write').mockRejectedValue(noSpace);
    scrivener.append(scrivener.head + 1);
    await rejectionOf(scrivener.flush());
    await scrivener.flusher.waitForFailure();
    write.mockRestore();
  }

  test('readers of the disk part continue while it opens the file', async () => {
    const scrivener = await open<number>();
    await fill(scrivener, 20);
    await fails(scrivener);
    // Reading takes long enough for somebody to come by meanwhile.
    const prototype = await fileHandlePrototype(path('probe'));
    const slow = prototype.read as (...args: unknown[]) => Promise<unknown>;
    jest.spyOn(prototype as { read: typeof slow }, 'read').mockImplementation(async function (
      this: unknown,
      ...args: unknown[]
    ) {
      await turns(3);
      return slow.apply(this, args);
    });
    // A reader that asks for the same pages for ever starves everything else.
    const { read, readBefore } = JournalStore.prototype;
    let calls = 0;
    const bounded = () => {
      if (++calls > 5_000) throw new Error('it spins');
    };
    jest.spyOn(JournalStore.prototype, 'read').mockImplementation(function (this: JournalStore<unknown>, after) {
      bounded();
      return read.call(this, after);
    });
    jest.spyOn(JournalStore.prototype, 'readBefore').mockImplementation(function (this: JournalStore<unknown>, before) {
      bounded();
      return readBefore.call(this, before);
    });
    const reopening = scrivener.reopen();
    const readers: Promise<unknown>[] = [];
    for (let turn = 0; turn < 40; turn++) {
      readers.push(outcomeOf(scrivener.tail(0).pipe(take(21))).then(({ values, error }) => error ?? numbers(values)));
      readers.push(outcomeOf(scrivener.readBackward()).then(({ values, error }) => error ?? numbers(values).reverse()));
      await turns(1);
    }
    await reopening;
    for (const outcome of await Promise.all(readers)) expect(outcome).toEqual(pairs(1, 21));
    await scrivener.flush();
    expect(textOf(filePath())).toBe(journalText(range(1, 21)));
  });

  test('the active file of a rotated journal is locked again', async () => {
    const scrivener = await open<number>({ rotation: { maxBytes: 1 }, flushThreshold: 1, flushIntervalMs: 0 });
    await fill(scrivener, 1);
    await fill(scrivener, 2);
    await fails(scrivener);
    await scrivener.reopen();
    await scrivener.flush();
    linkSync(filePath(), path('link.ndjson'));
    expect(await rejectionOf(openFileScrivener({ filePath: path('link.ndjson') }))).toMatchObject({
      code: 'ERR_JOURNAL_LOCKED',
    });
  });
});
