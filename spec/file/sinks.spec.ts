import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import {
  CorruptJournalError,
  JsonEntrySerializer,
  type DaemonEvent,
  type FlushSink,
  type Positioned,
  type Snapshot,
} from 'rx-scrivener';
import { FileAppendSink, openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { journalText, line, positioned, textOf } from './support/journal-text';
import { onLinux, openDescriptors } from './support/open-descriptors';
import { outcomeOf, rejectionOf, turns, until } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

let scrivener: FileScrivener<number>;
async function open(config: Partial<FileScrivenerConfig<number>> = {}) {
  scrivener = await openFileScrivener<number>({ filePath: filePath(), flushIntervalMs: Infinity, ...config });
  return scrivener;
}
const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const write = (from: number, to: number) => Promise.all(span(from, to).map((n) => scrivener.write(n)));

/** A sink that keeps what it is given. */
function memorySink() {
  const calls: { snapshot: Snapshot<number>; lines: readonly string[] | undefined }[] = [];
  return {
    calls,
    get lines() {
      return calls.flatMap(({ lines }) => lines ?? ['none']);
    },
    append: jest.fn(async (snapshot: Snapshot<number>, lines?: readonly string[]) => {
      calls.push({ snapshot, lines });
    }),
    close: jest.fn(async () => undefined),
  };
}

/** A promise and its ends. */
function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe("a sink of one's own", () => {
  test('gets each snapshot with its lines, and is closed once', async () => {
    const sink = memorySink();
    await open({ sink, flushThreshold: 3 });
    await write(1, 7);
    await scrivener.close();
    await scrivener.close();
    expect(sink.calls.map(({ snapshot }) => snapshot)).toEqual([
      positioned([1, 2, 3]),
      positioned([4, 5, 6], 4),
      positioned([7], 7),
    ]);
    expect(sink.calls.map(({ lines }) => lines?.map((text) => text + '\n').join(''))).toEqual([
      journalText([1, 2, 3]),
      journalText([4, 5, 6], 4),
      journalText([7], 7),
    ]);
    expect(sink.close).toHaveBeenCalledTimes(1);
    expect(textOf(filePath())).toBe('');
  });

  test('gets the lines as they were made at the write, by the serializer', async () => {
    const sink = memorySink();
    const serializer = Object.assign(new JsonEntrySerializer<number>(), {
      serialize: jest.fn(({ position, entry }: Positioned<number>) => `${position}=${entry}`),
    });
    await open({ sink, serializer });
    await write(1, 4);
    await scrivener.close();
    expect(sink.lines).toEqual(['1=1', '2=2', '3=3', '4=4']);
    expect(serializer.serialize).toHaveBeenCalledTimes(4);
  });

  test('the journal is recovered from the file when it has no recover: positions and lines continue', async () => {
    writeFileSync(filePath(), journalText([1, 2]) + line(3, 3).slice(0, 9));
    const sink = memorySink();
    await open({ sink });
    expect(scrivener.recovered).toEqual({ entries: 2, lastPosition: 2, truncatedBytes: 9 });
    await write(3, 4);
    await scrivener.close();
    expect(sink.lines.map((text) => text + '\n').join('')).toBe(journalText([3, 4], 3));
    expect(textOf(filePath())).toBe(journalText([1, 2]));
  });

  test('the journal is recovered from it when it has: the file is not read, but locked', async () => {
    writeFileSync(filePath(), 'no journal');
    const sink = Object.assign(memorySink(), {
      async *recover() {
        yield* positioned([7, 8]);
      },
    });
    await open({ sink });
    expect(scrivener.recovered).toEqual({ entries: 2, lastPosition: 2, truncatedBytes: 0 });
    expect(scrivener.flushed).toBe(2);
    const seen: Positioned<number>[] = [];
    scrivener.tail().subscribe((record) => seen.push(record));
    expect(await rejectionOf(openFileScrivener({ filePath: filePath() }))).toMatchObject({
      code: 'ERR_JOURNAL_LOCKED',
    });
    expect(await scrivener.write(9)).toBe(3);
    await scrivener.close();
    expect(seen).toEqual(positioned([7, 8, 9]));
    expect(sink.lines).toEqual([line(3, 9).trimEnd()]);
    expect(textOf(filePath())).toBe('no journal');
  });

  test.each([
    ['a gap', [1, 3]],
    ['a duplicate', [1, 1]],
    ['another beginning', [0, 1]],
  ])('that recovers %s: CorruptJournalError, and the lock is free', async (_, positions) => {
    const sink = Object.assign(memorySink(), {
      async *recover() {
        for (const position of positions) yield { position, entry: position };
      },
    });
    expect(await rejectionOf(open({ sink }))).toBeInstanceOf(CorruptJournalError);
    await (await open()).close();
  });

  test('whose recover breaks: its error, and the lock is free', async () => {
    const error = new Error('recover');
    const sink = Object.assign(memorySink(), {
      // eslint-disable-next-line require-yield -- it breaks before
      async *recover(): AsyncGenerator<Positioned<number>> {
        throw error;
      },
    });
    expect(await rejectionOf(open({ sink }))).toBe(error);
    await (await open()).close();
  });

  test('its methods are called as methods, with what close? and recover? leave out', async () => {
    class Sink implements FlushSink<number> {
      readonly #lines: string[] = [];
      async append(_: Snapshot<number>, lines: readonly string[] = []) {
        this.#lines.push(...lines);
      }
      get text() {
        return this.#lines.join('\n');
      }
    }
    const sink = new Sink();
    await open({ sink: sink });
    await scrivener.write(1);
    await scrivener.close();
    expect(sink.text).toBe(line(1, 1).trimEnd());
  });

  test('around a FileAppendSink of the same file', async () => {
    writeFileSync(filePath(), journalText([1]) + '{"sche');
    const file = new FileAppendSink<number>({ filePath: filePath(), serializer: new JsonEntrySerializer() });
    const sizes: number[] = [];
    const sink: FlushSink<number> = {
      async append(snapshot, lines) {
        sizes.push(snapshot.length);
        await file.append(snapshot, lines);
      },
      close: () => file.close(),
    };
    await open({ sink, flushThreshold: 2 });
    expect(scrivener.recovered).toEqual({ entries: 1, lastPosition: 1, truncatedBytes: 6 });
    await write(2, 6);
    await scrivener.close();
    expect(sizes).toEqual([2, 2, 1]);
    expect(textOf(filePath())).toBe(journalText(span(1, 6)));
    if (process.platform === 'linux') expect(openDescriptors(path())).toEqual([]);
    await (await open()).close();
  });

  test('that is slow: no more than the capacity is queued, the rest grows and goes as one', async () => {
    const sink = memorySink();
    const gate = deferred();
    sink.append.mockImplementationOnce(async (snapshot, lines) => {
      await gate.promise;
      sink.calls.push({ snapshot, lines });
    });
    await open({ sink, flushThreshold: 1, flushQueueCapacity: 2 });
    await write(1, 9);
    await turns();
    expect(sink.append).toHaveBeenCalledTimes(1);
    gate.resolve();
    await scrivener.close();
    expect(sink.calls.map(({ snapshot }) => snapshot.map(({ position }) => position))).toEqual([
      [1],
      [2],
      [3],
      [4, 5, 6, 7, 8, 9],
    ]);
    expect(sink.lines.map((text) => text + '\n').join('')).toBe(journalText(span(1, 9)));
  });
});

describe('a sink that fails', () => {
  const error = new Error('no disk');

  test('the flusher fails and says so, the journal continues in memory', async () => {
    const sink = memorySink();
    sink.append.mockImplementation(async (snapshot, lines) => {
      if (snapshot[0]!.position > 2) throw error;
      sink.calls.push({ snapshot, lines });
    });
    await open({ sink, flushThreshold: 2 });
    const events: DaemonEvent[] = [];
    scrivener.daemonEvents.tail().subscribe(({ entry }) => events.push(entry));
    const flushed: (number | string)[] = [];
    scrivener.flushed$.subscribe({
      next: (at) => flushed.push(at),
      complete: () => flushed.push('end'),
      error: () => flushed.push('error'),
    });
    await write(1, 2);
    await scrivener.whenFlushed(2);
    const waiting = rejectionOf(scrivener.whenFlushed(3));
    await write(3, 8);
    expect(await scrivener.flusher.waitForFailure()).toBe(error);
    expect(await waiting).toBe(error);
    expect(scrivener.flusher.status).toBe('Failed');
    expect(events).toEqual([
      { type: 'StatusChanged', daemon: 'FlusherDaemon', status: 'Running' },
      { type: 'FailureOccurred', daemon: 'FlusherDaemon', error },
      { type: 'StatusChanged', daemon: 'FlusherDaemon', status: 'Failed' },
    ]);
    expect(flushed).toEqual([0, 2, 'end']);
    expect(await rejectionOf(scrivener.flush())).toBe(error);
    expect(await rejectionOf(scrivener.whenFlushed(8))).toBe(error);
    await scrivener.whenFlushed(2);

    const seen: number[] = [];
    scrivener.tail(6).subscribe(({ entry }) => seen.push(entry));
    expect(await scrivener.write(9)).toBe(9);
    expect(scrivener.append(10)).toBe(10);
    expect(seen).toEqual([7, 8, 9, 10]);
    expect([scrivener.head, scrivener.flushed]).toEqual([10, 2]);
    expect(sink.append).toHaveBeenCalledTimes(2);

    expect(await rejectionOf(scrivener.close())).toBe(error);
    expect(await rejectionOf(scrivener.close())).toBe(error);
    expect(sink.close).toHaveBeenCalledTimes(1);
    await (await open()).close(); // the lock is free
  });

  test('and nobody asks: no rejection is left unhandled', async () => {
    // Jest fails the test in which one is.
    await open({
      sink: { append: () => Promise.reject(error), close: () => Promise.reject(new Error('close')) },
      flushThreshold: 1,
    });
    scrivener.append(1);
    await scrivener.flusher.waitFor('Failed');
    scrivener.append(2);
    await turns();
    expect(await rejectionOf(scrivener.close())).toBe(error);
    await turns();
  });

  test('synchronously', async () => {
    await open({
      sink: {
        append() {
          throw error;
        },
      },
      flushThreshold: 1,
    });
    expect(await scrivener.write(1)).toBe(1);
    expect(await scrivener.flusher.waitForFailure()).toBe(error);
    expect(await rejectionOf(scrivener.close())).toBe(error);
    await (await open()).close();
  });

  test('at the last batch, in close: it rejects, and the lock is free', async () => {
    await open({ sink: { append: () => Promise.reject(error) } });
    await scrivener.write(1);
    expect(await rejectionOf(scrivener.close())).toBe(error);
    expect(scrivener.flusher.status).toBe('Failed');
    await (await open()).close();
  });

  test('to close: close rejects, and the lock is free', async () => {
    const sink = { ...memorySink(), close: jest.fn(() => Promise.reject(error)) };
    await open({ sink });
    await scrivener.write(1);
    expect(await rejectionOf(scrivener.close())).toBe(error);
    expect(sink.close).toHaveBeenCalledTimes(1);
    await (await open()).close();
  });

  test('and to close, too: the first is reported', async () => {
    await open({ sink: { append: () => Promise.reject(error), close: () => Promise.reject(new Error('close')) } });
    await scrivener.write(1);
    expect(await rejectionOf(scrivener.close())).toBe(error);
    await (await open()).close();
  });

  test.each([true, false])('the lock is held until it is closed (failed before: %p)', async (failed) => {
    const gate = deferred();
    const sink = {
      append: () => (failed ? Promise.reject(error) : Promise.resolve()),
      close: jest.fn(() => gate.promise),
    };
    await open({ sink, flushThreshold: 1 });
    await scrivener.write(1);
    if (failed) await scrivener.flusher.waitFor('Failed');
    const closing = scrivener.close().catch(() => undefined);
    await until(() => sink.close.mock.calls.length === 1);
    await turns();
    const second = await openFileScrivener({ filePath: filePath() }).then(
      (other) => other.close().then(() => 'opened'),
      (refusal: unknown) => (refusal as { code: string }).code,
    );
    gate.resolve();
    await closing;
    expect(second).toBe('ERR_JOURNAL_LOCKED');
    await (await open()).close();
  });

  test('when everything was flushed before, close has nothing to complain about', async () => {
    const sink = memorySink();
    await open({ sink, flushThreshold: 1 });
    await scrivener.write(1);
    await scrivener.whenFlushed(1);
    sink.append.mockRejectedValue(error);
    await scrivener.close();
    expect(sink.lines.length).toBe(1);
  });
});

test('a flusher that was shut down by hand: close reports the entries that came after, and releases the lock', async () => {
  await open();
  await scrivener.write(1);
  await scrivener.flusher.shutdown();
  expect(textOf(filePath())).toBe(journalText([1]));
  expect(await scrivener.write(2)).toBe(2);
  expect(await rejectionOf(scrivener.close())).toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
  expect(textOf(filePath())).toBe(journalText([1]));
  await (await open()).close();
});

onLinux('the file is not held open by a scrivener that does not write it', async () => {
  await open({ sink: memorySink() });
  const files = openDescriptors(path());
  await scrivener.close();
  // The lock's two.
  expect(files.sort()).toEqual([filePath(), `${filePath()}.lock`]);
  expect(openDescriptors(path())).toEqual([]);
  expect(existsSync(filePath())).toBe(true);
});

describe('a sink without a file', () => {
  const sinkOf = (held: readonly Positioned<string>[] = []) => {
    const kept = [...held];
    return {
      kept,
      append: jest.fn(async (snapshot: readonly Positioned<string>[]) => void kept.push(...snapshot)),
      close: jest.fn(async () => undefined),
    };
  };

  test('keeps the journal alone: no file is made, none is locked, and it has a name', async () => {
    const before = readdirSync('.');
    const sink = sinkOf();
    const scrivener = await openFileScrivener<string>({ sink });
    const second = await openFileScrivener<string>({ sink: sinkOf(), name: 'other' });
    await scrivener.write('a');
    await scrivener.writeAll(['b', 'c']);
    await scrivener.flush();
    expect([scrivener.head, scrivener.flushed, scrivener.first]).toEqual([3, 3, 1]);
    expect((await outcomeOf(scrivener.readBackward())).values.length).toBe(3);
    await scrivener.close();
    await second.close();
    expect(sink.kept.map(({ entry }) => entry)).toEqual(['a', 'b', 'c']);
    expect(sink.close).toHaveBeenCalledTimes(1);
    expect(readdirSync('.')).toEqual(before);
    expect(readdirSync(path())).toEqual([]);
  });

  test('recovers from it', async () => {
    const held = [{ position: 1, entry: 'a' }];
    const sink = { ...sinkOf(), recover: () => from(held) };
    const scrivener = await openFileScrivener<string>({ sink });
    expect(scrivener.recovered).toEqual({ entries: 1, lastPosition: 1, truncatedBytes: 0 });
    expect(await scrivener.write('b')).toBe(2);
    await scrivener.close();
    const gap = { ...sinkOf(), recover: () => from([{ position: 2, entry: 'a' }]) };
    const error = await rejectionOf(openFileScrivener<string>({ sink: gap, name: 'ann' }));
    expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', filePath: 'ann' });
    expect(gap.close).toHaveBeenCalledTimes(1);
  });

  test('that appends to a file is that journal: locked, and continued', async () => {
    const filePath = path('journal.ndjson');
    for (const entry of ['a', 'b']) {
      const sink = new FileAppendSink<string>({ filePath, serializer: new JsonEntrySerializer() });
      const scrivener = await openFileScrivener<string>({ sink });
      expect(await rejectionOf(openFileScrivener({ filePath }))).toMatchObject({ code: 'ERR_JOURNAL_LOCKED' });
      await scrivener.write(entry);
      await scrivener.close();
    }
    expect(textOf(filePath)).toBe(journalText(['a', 'b']));
  });

  async function* from(records: readonly Positioned<string>[]) {
    yield* records;
  }
});

describe('a sink whose opening fails is closed once', () => {
  const filePath = () => path('journal.ndjson');
  const failed = new Error('no connection');
  const cases: [string, (sink: { close: jest.Mock }) => Promise<unknown>, () => void][] = [
    [
      'a recovery that throws',
      (sink) =>
        openFileScrivener({
          filePath: filePath(),
          sink: {
            ...sink,
            append: async () => undefined,
            // eslint-disable-next-line require-yield -- it fails before the first
            async *recover(): AsyncGenerator<never> {
              throw failed;
            },
          },
        }),
      () => undefined,
    ],
    [
      'a damaged file',
      (sink) => openFileScrivener({ filePath: filePath(), sink: { ...sink, append: async () => undefined } }),
      () => writeFileSync(filePath(), 'no journal'),
    ],
    [
      'an abort',
      (sink) =>
        openFileScrivener({
          filePath: filePath(),
          signal: AbortSignal.abort(failed),
          sink: { ...sink, append: async () => undefined },
        }),
      () => undefined,
    ],
  ];

  test.each(cases)('%s', async (_, opening, prepare) => {
    prepare();
    const sink = { close: jest.fn(async () => Promise.reject(new Error('nor closed'))) };
    const error = await rejectionOf(opening(sink));
    expect(error === failed || (error as { code: string }).code === 'ERR_CORRUPT_JOURNAL').toBe(true);
    expect(sink.close).toHaveBeenCalledTimes(1);
  });

  test('a locked file', async () => {
    const holder = await openFileScrivener({ filePath: filePath() });
    const sink = { append: async () => undefined, close: jest.fn(async () => undefined) };
    expect(await rejectionOf(openFileScrivener({ filePath: filePath(), sink }))).toMatchObject({
      code: 'ERR_JOURNAL_LOCKED',
    });
    expect(sink.close).toHaveBeenCalledTimes(1);
    await holder.close();
  });
});
