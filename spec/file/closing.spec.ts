import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { journalText, textOf } from './support/journal-text';
import { onLinux, openDescriptors } from './support/open-descriptors';
import { rejectionOf } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();
const filePath = () => path('journal.ndjson');
const open = (config: Partial<FileScrivenerConfig<number>> = {}): Promise<FileScrivener<number>> =>
  openFileScrivener<number>({ filePath: filePath(), flushIntervalMs: Infinity, ...config });
const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('close', () => {
  test('persists what was written before, ends the flusher and tells so', async () => {
    const scrivener = await open({ flushThreshold: 4, flushQueueCapacity: 1 });
    const writes = span(1, 30).map((n) => scrivener.write(n));
    await scrivener.close();
    expect(await Promise.all(writes)).toEqual(span(1, 30));
    expect(textOf(filePath())).toBe(journalText(span(1, 30)));
    expect([scrivener.head, scrivener.flushed]).toEqual([30, 30]);
    expect(scrivener.flusher.status).toBe('Completed');
    await scrivener.whenFlushed(30);
  });

  test('again and at the same time: the same', async () => {
    const scrivener = await open();
    await scrivener.write(1);
    await Promise.all([scrivener.close(), scrivener.close(), scrivener[Symbol.asyncDispose](), scrivener.close()]);
    await scrivener.close();
    expect(textOf(filePath())).toBe(journalText([1]));
    // A later close does not disturb who has the file then.
    const next = await open();
    await scrivener.close();
    expect(await rejectionOf(open())).toMatchObject({ code: 'ERR_JOURNAL_LOCKED' });
    await next.close();
  });

  test('again: the same promise', async () => {
    const scrivener = await open();
    const closing = scrivener.close();
    expect(scrivener.close()).toBe(closing);
    await closing;
    expect(scrivener.close()).toBe(closing);
  });

  test('while flushes are running, and flush after it', async () => {
    const scrivener = await open({ flushThreshold: 3 });
    for (const n of span(1, 10)) scrivener.append(n);
    const flushing = scrivener.flush();
    const waiting = scrivener.whenFlushed(10);
    const closing = scrivener.close();
    await Promise.all([flushing, waiting, closing]);
    await scrivener.flush();
    expect(textOf(filePath())).toBe(journalText(span(1, 10)));
  });

  test('waiting for a position that never comes ends', async () => {
    const scrivener = await open();
    await scrivener.write(1);
    const waiting = rejectionOf(scrivener.whenFlushed(2));
    await scrivener.close();
    expect(await waiting).toMatchObject({ code: 'ERR_INVALID_TRANSITION' });
  });

  test('from inside subscribers', async () => {
    const scrivener = await open();
    const closings: Promise<void>[] = [];
    const seen: (number | string)[] = [];
    scrivener.tail().subscribe({
      next: ({ position }) => {
        seen.push(position);
        if (position === 2) closings.push(scrivener.close());
      },
      complete: () => {
        seen.push('end');
        closings.push(scrivener.close());
        expect(() => scrivener.append(9)).toThrow(/closed/);
      },
    });
    scrivener.append(1);
    expect(scrivener.append(2)).toBe(2);
    expect(() => scrivener.append(3)).toThrow(/closed/);
    expect(closings.length).toBe(2);
    await Promise.all(closings);
    await scrivener.close();
    expect(seen).toEqual([1, 2, 'end']);
    expect(textOf(filePath())).toBe(journalText([1, 2]));
    await (await open()).close();
  });

  test('of a journal in which nothing was written', async () => {
    const scrivener = await open();
    await scrivener.close();
    expect(textOf(filePath())).toBe('');
  });

  test('at the end of a block', async () => {
    {
      await using scrivener = await open();
      await scrivener.write(1);
    }
    expect(textOf(filePath())).toBe(journalText([1]));
    await using again = await open();
    expect(again.head).toBe(1);
  });

  test('when a block throws', async () => {
    const error = new Error('block');
    const block = async () => {
      await using scrivener = await open();
      await scrivener.write(1);
      throw error;
    };
    expect(await rejectionOf(block())).toBe(error);
    expect(textOf(filePath())).toBe(journalText([1]));
    await (await open()).close();
  });
});

describe('what a journal holds of the system', () => {
  onLinux('is its file, and its locks; nothing once closed', async () => {
    for (let i = 1; i <= 5; i++) {
      const scrivener = await open();
      expect(new Set(openDescriptors(path()))).toEqual(new Set([filePath(), `${filePath()}.lock`]));
      await scrivener.write(i);
      await scrivener.close();
      expect(openDescriptors(path())).toEqual([]);
    }
  });

  onLinux('is nothing once an open has failed, whatever with', async () => {
    const { writeFileSync } = await import('node:fs');
    for (const text of ['x', 'x\n', journalText([1]) + journalText([1])]) {
      writeFileSync(filePath(), text);
      expect(await rejectionOf(open())).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL' });
      expect(openDescriptors(path())).toEqual([]);
    }
  });

  onLinux('is nothing once closed after a failure', async () => {
    const scrivener = await open({
      predicate: () => {
        throw new Error('predicate');
      },
    });
    scrivener.append(1);
    await scrivener.flusher.waitFor('Failed');
    await scrivener.close().catch(() => undefined);
    expect(openDescriptors(path())).toEqual([]);
  });

  test('no timer once closed', async () => {
    const scrivener = await open({ flushIntervalMs: 60_000 });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    try {
      await scrivener.write(1);
      expect(jest.getTimerCount()).toBe(1);
      await scrivener.close();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
