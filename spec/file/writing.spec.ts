import {
  InMemoryScrivener,
  JournalClosedError,
  JsonEntrySerializer,
  PositionConflictError,
  SerializationError,
  type EntrySerializer,
  type Positioned,
} from 'rx-scrivener';
import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { Queue } from '../../lib/journal/queue';
import { journalText, line, textOf } from './support/journal-text';
import { rejectionOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');

let scrivener: FileScrivener<unknown>;
async function open(config: Partial<FileScrivenerConfig<unknown>> = {}) {
  scrivener = await openFileScrivener<unknown>({ filePath: filePath(), ...config });
  return scrivener;
}
afterEach(() => scrivener.close().catch(() => undefined));

const cycle: unknown[] = [];
cycle.push(cycle);

const plain: EntrySerializer<unknown> = {
  serialize: ({ position, entry }) => `${position} ${entry as string}`,
  deserialize: (text) => ({ position: Number(text.split(' ')[0]), entry: text.split(' ')[1] }),
};

describe('an entry that cannot be a line', () => {
  test.each<[name: string, bad: unknown, config?: Partial<FileScrivenerConfig<unknown>>]>([
    ['a bigint', 1n],
    ['a bigint inside', { a: [{ b: 2n }] }],
    ['a cycle', cycle],
    [
      'a cycle of objects',
      Object.assign(
        {},
        {
          get self() {
            return this;
          },
        },
      ),
    ],
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a toJSON that gives undefined', { toJSON: () => undefined }],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new Error('no');
        },
      },
    ],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no');
        },
      },
    ],
    ['a newline in its line', 'a\nb', { serializer: plain }],
    ['a newline at the end of its line', 'a\n', { serializer: plain }],
    [
      'no line at all',
      'x',
      { serializer: { ...plain, serialize: ({ entry }) => (entry === 'x' ? (undefined as never) : String(entry)) } },
    ],
    [
      'a line that is a number',
      'x',
      { serializer: { ...plain, serialize: ({ entry }) => (entry === 'x' ? (7 as never) : String(entry)) } },
    ],
    [
      'a serializer that throws',
      'x',
      {
        serializer: {
          ...plain,
          serialize: ({ entry }) => {
            if (entry === 'x') throw new RangeError('no');
            return String(entry);
          },
        },
      },
    ],
    [
      'an own serializer built on the JSON one',
      1n,
      { serializer: new (class extends JsonEntrySerializer<unknown> {})() },
    ],
  ])('%s: it rejects at the write, and harms nothing else', async (_, bad, config = {}) => {
    await open(config);
    const seen: Positioned<unknown>[] = [];
    scrivener.tail().subscribe((record) => seen.push(record));
    const writes = [scrivener.write('1'), scrivener.write(bad), scrivener.write('2')];
    expect(await writes[0]).toBe(1);
    const error = await rejectionOf(writes[1]!);
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toMatchObject({ code: 'ERR_SERIALIZATION' });
    expect(await writes[2]).toBe(2);
    expect(() => scrivener.append(bad)).toThrow(SerializationError);
    expect(scrivener.append('3')).toBe(3);
    await scrivener.flush();
    expect(scrivener.head).toBe(3);
    expect(seen.map(({ entry }) => entry)).toEqual(['1', '2', '3']);
    const serializer = config.serializer ?? new JsonEntrySerializer();
    expect(textOf(filePath())).toBe(seen.map((record) => serializer.serialize(record) + '\n').join(''));
    expect(scrivener.flusher.status).toBe('Running');
  });

  test('the cause is what the serializer threw; its own SerializationError is passed on', async () => {
    const thrown = new RangeError('no');
    const own = new SerializationError('mine');
    await open({
      serializer: {
        ...plain,
        serialize({ entry }) {
          throw entry === 'own' ? own : thrown;
        },
      },
    });
    expect(await rejectionOf(scrivener.write('x'))).toMatchObject({ name: 'SerializationError', cause: thrown });
    expect(await rejectionOf(scrivener.write('own'))).toBe(own);
    expect(await rejectionOf((await openAnother()).write(1n))).toMatchObject({
      cause: expect.any(TypeError) as unknown,
    });
  });

  async function openAnother() {
    await scrivener.close();
    return open({ filePath: path('another.ndjson') });
  }

  test('the message does not quote the entry', async () => {
    await open();
    const error = await rejectionOf(scrivener.write({ password: 'hunter2', n: 1n }));
    expect(String((error as Error).stack)).not.toContain('hunter2');
    expect(String(((error as Error).cause as Error).stack)).not.toContain('hunter2');
  });
});

describe('entries are serialized when they are written', () => {
  test('what happens to them afterwards does not reach the file', async () => {
    await open();
    const entry: { text: string; list: number[]; more?: bigint } = { list: [1], text: 'as written' };
    const written = scrivener.write(entry);
    entry.text = 'changed';
    entry.list.push(2);
    entry.more = 1n; // could not even be serialized any more
    await written;
    scrivener.append(entry.list);
    entry.list.length = 0;
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText([{ list: [1], text: 'as written' }, [1, 2]]));
  });

  test('in a subscriber neither', async () => {
    await open();
    scrivener.tail().subscribe(({ entry }) => ((entry as { n: number }).n = -1));
    await scrivener.write({ n: 1 });
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText([{ n: 1 }]));
  });

  test.each([
    ['own', () => ({ ...plain, serialize: jest.fn(plain.serialize) })],
    [
      'JSON',
      () => Object.assign(new JsonEntrySerializer(), { serialize: jest.fn(JsonEntrySerializer.prototype.serialize) }),
    ],
  ])('once each (%s)', async (_, make) => {
    const serializer = make();
    await open({ serializer, flushThreshold: 3 });
    for (let n = 1; n <= 10; n++) await scrivener.write(String(n));
    await scrivener.flush();
    await scrivener.close();
    expect(
      serializer.serialize.mock.calls.map(([record]: [Positioned<unknown>]) => [record.position, record.entry]),
    ).toEqual(Array.from({ length: 10 }, (_, n) => [n + 1, String(n + 1)]));
    expect(textOf(filePath()).split('\n').length).toBe(11);
  });

  test('a toJSON is called once', async () => {
    await open();
    const toJSON = jest.fn(() => 'json');
    await scrivener.write({ toJSON });
    await scrivener.close();
    expect(toJSON).toHaveBeenCalledTimes(1);
    expect(textOf(filePath())).toBe(journalText(['json']));
  });

  test('still after the flusher has failed, but their lines are kept no longer where nothing can be reopened', async () => {
    const close = () => Promise.resolve();
    await open({ sink: { append: () => Promise.reject(new Error('no disk')), close }, flushThreshold: 1 });
    await scrivener.write('a');
    await scrivener.flusher.waitFor('Failed');
    const push = jest.spyOn(Queue.prototype, 'push');
    try {
      expect(await scrivener.write('b')).toBe(2);
      expect(await rejectionOf(scrivener.write(1n))).toBeInstanceOf(SerializationError);
      expect(scrivener.head).toBe(2);
      expect(push).not.toHaveBeenCalled();
    } finally {
      push.mockRestore();
    }
  });
});

describe('writing on the way', () => {
  test('a toJSON that writes, too: both are journaled, the inner one first', async () => {
    await open();
    let inner: number | undefined;
    const outer = await scrivener.write({
      toJSON() {
        inner ??= scrivener.append('inner');
        return 'outer';
      },
    });
    expect([inner, outer]).toEqual([1, 2]);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['inner', 'outer']));
  });

  test('a getter that fails when it is read again, a toJSON that writes something bad', async () => {
    await open();
    const entry = {
      toJSON() {
        expect(() => scrivener.append(1n)).toThrow(SerializationError);
        return 'outer';
      },
    };
    expect(await scrivener.write(entry)).toBe(1);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['outer']));
  });

  test('a toJSON that writes whenever it is called does not hang the process', async () => {
    await open();
    let calls = 0;
    const entry = {
      toJSON() {
        if (++calls > 1000) throw new Error('for ever');
        scrivener.append({ calls });
        return 'outer';
      },
    };
    await scrivener.write(entry).catch(() => undefined);
    expect(calls).toBeLessThanOrEqual(100);
    await scrivener.close();
    const lines = textOf(filePath()).trimEnd().split('\n');
    expect(lines.map((text) => (JSON.parse(text) as { position: number }).position)).toEqual(
      lines.map((_, i) => i + 1),
    );
  });

  test('a toJSON that writes, with expect: the journal has moved on', async () => {
    await open();
    let done = false;
    const entry = {
      toJSON() {
        if (!done) {
          done = true;
          scrivener.append('inner');
        }
        return 'outer';
      },
    };
    expect(await rejectionOf(scrivener.write(entry, { expect: 0 }))).toMatchObject({ expected: 0, actual: 1 });
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['inner']));
  });

  test('a toJSON that closes the journal', async () => {
    await open();
    scrivener.append('before');
    let closing: Promise<void> | undefined;
    const entry = {
      toJSON() {
        closing ??= scrivener.close();
        return 'outer';
      },
    };
    expect(await rejectionOf(scrivener.write(entry))).toBeInstanceOf(JournalClosedError);
    await closing;
    expect(textOf(filePath())).toBe(journalText(['before']));
  });

  test('a subscriber that writes: every position, line and subscriber in the same order', async () => {
    await open({ flushThreshold: 2 });
    const first: unknown[] = [];
    const second: unknown[] = [];
    const returned: unknown[] = [];
    scrivener.tail().subscribe(({ position, entry }) => {
      first.push(entry);
      if (position <= 5) {
        returned.push(scrivener.append(`${entry as string}a`));
        void scrivener.write(`${entry as string}b`).then((at) => returned.push(at));
      }
    });
    scrivener.tail().subscribe(({ entry }) => second.push(entry));
    expect(scrivener.append('x')).toBe(1);
    await scrivener.close();
    const expected = ['x', 'xa', 'xb', 'xaa', 'xab', 'xba', 'xbb', 'xaaa', 'xaab', 'xaba', 'xabb'];
    expect(first).toEqual(expected);
    expect(second).toEqual(expected);
    expect([...returned].sort((a, b) => Number(a) - Number(b))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(textOf(filePath())).toBe(journalText(expected));
  });

  test('a subscriber that throws harms nobody', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] }); // RxJS reports by a timer
    try {
      await open();
      scrivener.tail().subscribe(() => {
        throw new Error('a subscriber of its own');
      });
      expect(await scrivener.write(1)).toBe(1);
      expect(await scrivener.write(2)).toBe(2);
      await scrivener.close();
      expect(textOf(filePath())).toBe(journalText([1, 2]));
      jest.clearAllTimers();
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('options of a write', () => {
  test("expect: the journal's last position, or a conflict and nothing appended", async () => {
    await open();
    expect(await scrivener.write('a', { expect: 0 })).toBe(1);
    const error = await rejectionOf(scrivener.write('b', { expect: 0 }));
    expect(error).toBeInstanceOf(PositionConflictError);
    expect(error).toMatchObject({ expected: 0, actual: 1 });
    expect(await rejectionOf(scrivener.write('b', { expect: 2 }))).toMatchObject({ expected: 2, actual: 1 });
    const race = await Promise.allSettled(['x', 'y', 'z'].map((entry) => scrivener.write(entry, { expect: 1 })));
    expect(race.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(scrivener.head).toBe(2);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['a', 'x']));
  });

  test.each([-1, 0.5, NaN, Infinity, '0', null, 2 ** 53])('expect %p: RangeError', async (expected) => {
    await open();
    expect(await rejectionOf(scrivener.write('a', { expect: expected as number }))).toBeInstanceOf(RangeError);
    expect(scrivener.head).toBe(0);
    await scrivener.close();
    expect(textOf(filePath())).toBe('');
  });

  test('signal: aborted before, nothing is appended; aborted after, nothing is undone', async () => {
    await open();
    const reason = new Error('enough');
    expect(await rejectionOf(scrivener.write('a', { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(scrivener.head).toBe(0);
    const controller = new AbortController();
    const written = scrivener.write('b', { signal: controller.signal });
    controller.abort();
    expect(await written).toBe(1);
    // What reaches the file is what was appended.
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(['b']));
  });

  test('the lines of refused writes do not shift those of the next', async () => {
    await open({ flushThreshold: 1 });
    for (let n = 1; n <= 20; n++) {
      await scrivener.write('refused', { expect: 99 }).catch(() => undefined);
      await scrivener.write('refused', { signal: AbortSignal.abort() }).catch(() => undefined);
      await scrivener.write(1n).catch(() => undefined);
      await scrivener.write(n);
    }
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText(Array.from({ length: 20 }, (_, n) => n + 1)));
  });
});

describe('a closed journal', () => {
  test('rejects writes, throws at append, and ends its tails', async () => {
    await open();
    const ends: string[] = [];
    scrivener.tail().subscribe({ complete: () => ends.push('tail') });
    await scrivener.write('a');
    const closing = scrivener.close();
    expect(() => scrivener.append('b')).toThrow(JournalClosedError);
    expect(await rejectionOf(scrivener.write('b'))).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
    await closing;
    expect(await rejectionOf(scrivener.write('b'))).toBeInstanceOf(JournalClosedError);
    expect(await rejectionOf(scrivener.write(1n))).toBeInstanceOf(JournalClosedError);
    expect(await rejectionOf(scrivener.waitFor(1, () => true))).toBeInstanceOf(JournalClosedError);
    expect(ends).toEqual(['tail']);
    expect(scrivener.head).toBe(1);
    expect(textOf(filePath())).toBe(line(1, 'a'));
  });

  test('is still read from memory', async () => {
    await open();
    await scrivener.write('a');
    await scrivener.write('b');
    await scrivener.close();
    const seen: unknown[] = [];
    for await (const { entry } of scrivener.tail(1)) seen.push(entry);
    for await (const { entry } of scrivener.readBackward()) seen.push(entry);
    expect(seen).toEqual(['b', 'b', 'a']);
  });
});

test('it is a Scrivener as any other: an Observable journaled, a journal copied', async () => {
  await open();
  const source = new InMemoryScrivener<unknown>();
  source.append('a');
  source.append('b');
  source.complete();
  for await (const { entry } of source.tail()) await scrivener.write(entry);
  await scrivener.close();
  expect(textOf(filePath())).toBe(journalText(['a', 'b']));
});
