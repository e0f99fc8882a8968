import { EventEmitter } from 'node:events';
import fs, {
  appendFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  type FSWatcher,
} from 'node:fs';
import { firstValueFrom, type Subscription } from 'rxjs';
import type { Positioned } from 'rx-scrivener';
import { CorruptJournalError, openFileScrivener, readJournal, type ReadJournalOptions } from 'rx-scrivener/file';
import { FileChanges } from '../../../lib/file/follow/file-changes';
import { useChildren } from '../support/child';
import { DISK_FAULTS, FailingDisk } from '../support/failing-disk';
import { fileHandlePrototype } from '../support/file-handle';
import { journalText, line, positioned } from '../support/journal-text';
import { onLinux, openDescriptors, watchers } from '../support/open-descriptors';
import { rejectionOf, turns, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();
const child = useChildren();
const filePath = () => path('journal.ndjson');

interface Followed {
  readonly values: Positioned<unknown>[];
  error?: unknown;
  completed: boolean;
  readonly subscription: Subscription;
}
const followers: Followed[] = [];
function follow(options: ReadJournalOptions<unknown> = {}, file = filePath()): Followed {
  const values: Positioned<unknown>[] = [];
  const followed: Followed = {
    values,
    completed: false,
    subscription: readJournal(file, { follow: true, ...options }).subscribe({
      next: (value) => values.push(value),
      error: (error: unknown) => (followed.error = error),
      complete: () => (followed.completed = true),
    }),
  };
  followers.push(followed);
  return followed;
}
afterEach(() => followers.splice(0).forEach(({ subscription }) => subscription.unsubscribe()));

describe('a writer', () => {
  test('in this process', async () => {
    const scrivener = await openFileScrivener<number>({ filePath: filePath(), flushIntervalMs: 0 });
    const followed = follow();
    for (let n = 1; n <= 30; n++) {
      await scrivener.write(n);
      if (n % 7 === 0) await until(() => followed.values.length === n);
    }
    await scrivener.close();
    await until(() => followed.values.length === 30);
    expect(followed.values).toEqual(positioned(Array.from({ length: 30 }, (_, n) => n + 1)));
    expect([followed.completed, followed.error]).toEqual([false, undefined]);
  });

  test('in another process, and another after it', async () => {
    writeFileSync(filePath(), '');
    const followed = follow();
    for (let n = 1; n <= 3; n++) {
      const holder = child(['hold', filePath()]);
      expect(await holder.says()).toBe('open');
      await until(() => followed.values.length === n);
      holder.tell('close');
      await holder.ended;
    }
    expect(followed.values).toEqual(positioned([{ n: 1 }, { n: 2 }, { n: 3 }]));
  });

  test('in another process that writes a byte at a time', async () => {
    const before = journalText(['eins']);
    const text = journalText(['zwölf', '日本語 🙂', { a: ['ü'] }], 2);
    writeFileSync(filePath(), before);
    writeFileSync(path('source'), text);
    const followed = follow();
    await until(() => followed.values.length === 1);
    const writer = child(['drip', filePath(), path('source')]);
    expect(await writer.says()).toBe('dripped');
    await until(() => followed.values.length === 4);
    expect(followed.values).toEqual(positioned(['eins', 'zwölf', '日本語 🙂', { a: ['ü'] }]));
    expect(followed.error).toBeUndefined();
  });

  test('that is quick: nothing twice, nothing left out', async () => {
    writeFileSync(filePath(), '');
    const followed = follow();
    const writer = child(['write', filePath()]);
    while (!/flushed ([5-9]\d\d|\d{4,})/.test(await writer.says()));
    await writer.crash();
    const reported = Number(writer.said.at(-1)!.split(' ')[1]);
    await until(() => followed.values.length >= reported || followed.error !== undefined);
    expect(followed.error).toBeUndefined();
    expect(
      followed.values.every(({ position, entry }, i) => position === i + 1 && (entry as { n: number }).n === i + 1),
    ).toBe(true);
  });

  test('that wrote half a line and crashed: it waits, for the rest or for the next run to repair it', async () => {
    const half = Buffer.from(line(2, 'zwölf'));
    writeFileSync(filePath(), journalText(['eins']));
    const followed = follow();
    await until(() => followed.values.length === 1);
    appendFileSync(filePath(), half.subarray(0, 48)); // within the ö
    await turns(50);
    expect(followed.values.length).toBe(1);
    appendFileSync(filePath(), half.subarray(48));
    await until(() => followed.values.length === 2);

    appendFileSync(filePath(), line(3, 'torn').slice(0, 30));
    await turns(50);
    const scrivener = await openFileScrivener<string>({ filePath: filePath() });
    expect(scrivener.recovered.truncatedBytes).toBe(30);
    await scrivener.write('drei');
    await scrivener.close();
    await until(() => followed.values.length === 3);

    appendFileSync(filePath(), Buffer.alloc(10)); // zeros, cut off in the end
    await turns(50);
    const again = await openFileScrivener<string>({ filePath: filePath() });
    await again.write('vier');
    await again.close();
    await until(() => followed.values.length === 4);
    expect(followed.values).toEqual(positioned(['eins', 'zwölf', 'drei', 'vier']));
    expect(followed.error).toBeUndefined();
  });

  test('a whole line without its newline is waited for: it may not be whole', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']).trimEnd());
    const followed = follow();
    await until(() => followed.values.length === 1);
    await turns(50);
    expect(followed.values.length).toBe(1);
    appendFileSync(filePath(), '\n');
    await until(() => followed.values.length === 2);
  });
});

describe('options', () => {
  test('after: of the file and of what comes', async () => {
    writeFileSync(filePath(), journalText([1, 2, 3]));
    const two = follow({ after: 2 });
    const five = follow({ after: 5 });
    await until(() => two.values.length === 1);
    appendFileSync(filePath(), journalText([4, 5, 6], 4));
    await until(() => two.values.length === 4 && five.values.length === 1);
    expect(two.values).toEqual(positioned([3, 4, 5, 6], 3));
    expect(five.values).toEqual(positioned([6], 6));
  });

  describe('waitForFile', () => {
    const later = () => path('later/journal.ndjson');
    const waiting = (options: ReadJournalOptions<unknown> = {}) => follow({ waitForFile: true, ...options }, later());

    test('waits for the file, and for its folder', async () => {
      const followed = waiting();
      await turns(30);
      mkdirSync(path('later'));
      await turns(30);
      expect([followed.values, followed.error]).toEqual([[], undefined]);
      writeFileSync(later(), journalText(['a']).slice(0, 9));
      await turns(30);
      writeFileSync(later(), journalText(['a']));
      await until(() => followed.values.length === 1);
      appendFileSync(later(), line(2, 'b'));
      await until(() => followed.values.length === 2);
      expect(followed.values).toEqual(positioned(['a', 'b']));
    });

    test('a journal that was rotated before it was seen, and one reached by a link', async () => {
      mkdirSync(path('elsewhere'));
      const followed = waiting();
      const after = waiting({ after: 1 });
      writeFileSync(path('elsewhere/journal.ndjson.0000000000000001'), journalText(['a', 'b']));
      writeFileSync(path('elsewhere/journal.ndjson'), line(3, 'c'));
      symlinkSync(path('elsewhere'), path('later'));
      await until(() => followed.values.length === 3 && after.values.length === 2);
      expect(followed.values).toEqual(positioned(['a', 'b', 'c']));
    });

    test('ends with who waits: no timer stays', async () => {
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      const iterator = readJournal<string>(later(), { follow: true, waitForFile: true })[Symbol.asyncIterator]();
      const next = iterator.next();
      await until(() => timers() > before);
      await iterator.return!();
      expect(await next).toEqual({ done: true, value: undefined });
      await until(() => timers() <= before);
    });

    test('what is not a folder cannot be waited in, and without `follow` nothing is waited for', async () => {
      for (const options of [{ waitForFile: true }, { waitForFile: 1 as never, follow: true }])
        expect(() => readJournal(later(), options)).toThrow('Expected `waitForFile` to be true or false');
      expect(await rejectionOf(firstValueFrom(readJournal(later(), { follow: true })))).toMatchObject({
        code: 'ENOENT',
      });
    });
  });

  test('restarts: a run that begins while it is followed', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const renumbered = follow({ restarts: 'renumber' });
    const rejected = follow();
    await until(() => renumbered.values.length === 2 && rejected.values.length === 2);
    appendFileSync(filePath(), journalText(['c', 'd']));
    await until(() => renumbered.values.length === 4 && rejected.error !== undefined);
    expect(renumbered.values).toEqual(positioned(['a', 'b', 'c', 'd']));
    expect(rejected.error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 3 });
    expect((rejected.error as Error).message).toContain("restarts: 'renumber'");
  });
});

describe('damage', () => {
  test('that is appended errors, with its place in the whole file', async () => {
    writeFileSync(filePath(), journalText(['ü', 'b']));
    const followed = follow();
    await until(() => followed.values.length === 2);
    appendFileSync(filePath(), line(3, 'c'));
    await until(() => followed.values.length === 3);
    appendFileSync(filePath(), line(4, 'd') + 'x\n');
    await until(() => followed.error !== undefined);
    expect(followed.values.length).toBe(4);
    expect(followed.error).toMatchObject({
      filePath: filePath(),
      line: 5,
      byteOffset: Buffer.byteLength(journalText(['ü', 'b', 'c', 'd'])),
      reason: 'it is not JSON',
    });
  });

  test.each([0, 1, 60])('a file that was cut to %i bytes errors', async (bytes) => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const followed = follow();
    await until(() => followed.values.length === 2);
    truncateSync(filePath(), bytes);
    await until(() => followed.error !== undefined);
    expect(followed.error).toBeInstanceOf(CorruptJournalError);
    expect(followed.error).toMatchObject({ filePath: filePath(), reason: expect.stringContaining('cut') as unknown });
  });

  test('a file that was cut and written again in between errors, too', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const followed = follow();
    await until(() => followed.values.length === 2);
    writeFileSync(filePath(), journalText(['other', 'other', 'other', 'other']));
    await until(() => followed.error !== undefined);
    expect(followed.error).toBeInstanceOf(CorruptJournalError);
    expect(followed.values.length).toBe(2);
  });

  onLinux('leaves nothing open or watched', async () => {
    writeFileSync(filePath(), journalText(['a']));
    const followed = follow();
    await until(() => followed.values.length === 1);
    truncateSync(filePath());
    await until(() => followed.error !== undefined);
    await until(() => openDescriptors(path()).length === 0 && watchers() === 0);
  });
});

describe('a batch that is taken back', () => {
  const whole = journalText(['a', 'b']);
  const settled = () => new Promise((resolve) => setTimeout(resolve, 700)); // it looks again every 250 ms at the latest

  test.each(DISK_FAULTS.filter((fault) => fault !== 'write' && fault !== 'sync'))(
    'by a writer that tries again (%s): the follower gives all, each once',
    async (fault) => {
      const disk = new FailingDisk(await fileHandlePrototype(path('probe')));
      disk.error.code = 'ENOSPC';
      const config = { filePath: filePath(), durability: 'disk' as const, flushThreshold: 10, retry: { delay: 5 } };
      const scrivener = await openFileScrivener<string>(config);
      const followed = follow();
      const entries = Array.from({ length: 30 }, (_, index) => `${index} ${'ü'.repeat(index * 20)}`);
      for (const entry of entries.slice(0, 10)) await scrivener.write(entry);
      await until(() => followed.values.length === 10);
      disk.fail(fault);
      const refused = scrivener.daemonEvents.waitFor(0, (event) => event.type === 'FailureOccurred');
      for (const entry of entries.slice(10)) await scrivener.write(entry);
      await refused;
      await turns(50);
      // Half of one that stays cannot be told from what a crash leaves; one that is not synced was whole.
      if (fault === 'half') expect(followed.values.length).toBe(10);
      await settled();
      disk.mend();
      await scrivener.flush();
      await until(() => followed.values.length === 30 || followed.error !== undefined);
      expect(followed.error).toBeUndefined();
      expect(followed.values).toEqual(positioned(entries));
      await scrivener.close();
    },
  );

  test.each(['half', 'stuck'] as const)(
    'by a writer that tries again (%s), of more than a block and more than a piece: each entry once, and none that does not stand',
    async (fault) => {
      const disk = new FailingDisk(await fileHandlePrototype(path('probe')));
      disk.error.code = 'ENOSPC';
      const config = { filePath: filePath(), flushThreshold: 1000, flushIntervalMs: Infinity, retry: { delay: 5 } };
      const scrivener = await openFileScrivener<string>(config);
      const followed = follow();
      const entries = Array.from({ length: 200 }, (_, index) => `${index} ${'ü'.repeat(10_000)}`);
      for (const entry of entries.slice(0, 3)) await scrivener.write(entry);
      await scrivener.flush();
      await until(() => followed.values.length === 3);
      disk.fail(fault);
      const refused = scrivener.daemonEvents.waitFor(0, (event) => event.type === 'FailureOccurred');
      for (const entry of entries.slice(3)) scrivener.append(entry);
      const flushing = scrivener.flush();
      await refused;
      await turns(50);
      if (fault === 'half') expect(followed.values.length).toBe(3);
      disk.mend();
      await flushing;
      await until(() => followed.values.length === 200 || followed.error !== undefined);
      expect(followed.error).toBeUndefined();
      expect(followed.values).toEqual(positioned(entries));
      await scrivener.close();
    },
  );

  test('before it was emitted: what another run writes in its place is emitted', async () => {
    writeFileSync(filePath(), whole);
    const followed = follow();
    await until(() => followed.values.length === 2);
    for (let round = 0; round < 20; round++) {
      appendFileSync(filePath(), line(3, `lost ${round}`) + line(4, 'lost') + line(5, 'lost').slice(0, 40));
      await turns(3);
      truncateSync(filePath(), whole.length);
      await turns(3);
    }
    expect(followed.values.length).toBe(2);
    appendFileSync(filePath(), line(3, 'kept'));
    await until(() => followed.values.length === 3 || followed.error !== undefined);
    expect(followed.error).toBeUndefined();
    expect(followed.values).toEqual(positioned(['a', 'b', 'kept']));
  });

  test('whole lines that a crash left before half of one are emitted after a while', async () => {
    writeFileSync(filePath(), whole + line(3, 'c').slice(0, 30));
    const followed = follow();
    await until(() => followed.values.length === 2);
    appendFileSync(filePath(), line(3, 'c').slice(30) + line(4, 'd') + line(5, 'e').slice(0, 30));
    await turns(3);
    expect(followed.values.length).toBe(2);
    await until(() => followed.values.length === 4);
  });

  test('after it was emitted, and written again as it was: nothing twice', async () => {
    writeFileSync(filePath(), whole);
    const followed = follow();
    await until(() => followed.values.length === 2);
    appendFileSync(filePath(), line(3, 'c') + line(4, 'd'));
    await until(() => followed.values.length === 4);
    for (const end of [
      whole,
      whole + line(3, 'c').slice(0, 20),
      whole + line(3, 'c'),
      whole + line(3, 'c') + line(4, 'd').slice(0, 9),
    ]) {
      truncateSync(filePath(), Buffer.byteLength(end));
      await settled();
      appendFileSync(filePath(), (whole + line(3, 'c') + line(4, 'd')).slice(end.length));
      await settled();
      expect([followed.values.length, followed.error]).toEqual([4, undefined]);
    }
    appendFileSync(filePath(), line(5, 'e'));
    await until(() => followed.values.length === 5);
    expect(followed.values).toEqual(positioned(['a', 'b', 'c', 'd', 'e']));
  });
});

describe('another history', () => {
  const mismatch = { code: 'ERR_JOURNAL_MISMATCH' };

  test('that a new journal of the same name has, rotated to where the follower was: none of its entries', async () => {
    const write = async (entries: readonly string[]) => {
      const scrivener = await openFileScrivener<string>({ filePath: filePath(), rotation: { maxBytes: 1 } });
      for (const entry of entries) await scrivener.whenFlushed(await scrivener.write(entry));
      await scrivener.close();
    };
    writeFileSync(filePath(), journalText(['a', 'b', 'c']));
    const followed = follow();
    await until(() => followed.values.length === 3);
    for (const name of readdirSync(path())) rmSync(path(name));
    await write(['A', 'B', 'C', 'D', 'E', 'F']);
    await until(() => followed.error !== undefined);
    expect(followed.error).toMatchObject(mismatch);
    expect(followed.values).toEqual(positioned(['a', 'b', 'c']));
  });

  test('in the place of what was emitted, by a backup that was restored: an error, and nothing of it', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const followed = follow();
    await until(() => followed.values.length === 2);
    appendFileSync(filePath(), line(3, 'c'));
    await until(() => followed.values.length === 3);
    // As `cp` does: the same file, written anew.
    writeFileSync(filePath(), journalText(['a', 'b', 'C', 'D', 'E']));
    await until(() => followed.error !== undefined);
    expect(followed.error).toMatchObject({ ...mismatch, reason: expect.stringContaining('position 3') as unknown });
    expect(followed.values).toEqual(positioned(['a', 'b', 'c']));
  });

  test('that a writer continues with after its batch was emitted and lost', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const followed = follow();
    await until(() => followed.values.length === 2);
    appendFileSync(filePath(), line(3, 'c'));
    await until(() => followed.values.length === 3);
    truncateSync(filePath(), journalText(['a', 'b']).length);
    await turns(50);
    expect(followed.error).toBeUndefined();
    appendFileSync(filePath(), line(3, 'C') + line(4, 'D'));
    await until(() => followed.error !== undefined);
    expect(followed.error).toMatchObject(mismatch);
    expect(followed.values.length).toBe(3);
  });

  test.each([
    ['none of which was on record', {}],
    ['both of which were on record', { maxBytes: 1 }],
  ])('of a journal that was made again under the name, %s', async (_, before) => {
    const first = await openFileScrivener({ filePath: filePath(), rotation: before, flushThreshold: 1 });
    for (const entry of ['a', 'b', 'c']) {
      await first.write(entry);
      await first.flush();
    }
    await first.close();
    const followed = follow();
    await until(() => followed.values.length === 3);
    for (const name of readdirSync(path())) rmSync(path(name));
    const second = await openFileScrivener({ filePath: filePath(), rotation: { maxBytes: 1 }, flushThreshold: 1 });
    for (const entry of ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']) {
      await second.write(entry);
      await second.flush();
    }
    await until(() => followed.error !== undefined);
    expect(followed.error).toMatchObject(mismatch);
    expect(followed.values).toEqual(positioned(['a', 'b', 'c']));
    await second.close();
  });

  test('of a journal that was made again under the name, and has no record where the one before had one', async () => {
    const first = await openFileScrivener({ filePath: filePath(), rotation: { maxBytes: 1 }, flushThreshold: 1 });
    for (const entry of ['a', 'b', 'c']) {
      await first.write(entry);
      await first.flush();
    }
    await first.close();
    const followed = follow();
    await until(() => followed.values.length === 3);
    for (const name of readdirSync(path())) rmSync(path(name));
    writeFileSync(filePath(), journalText(['A']));
    await until(() => followed.error !== undefined);
    expect(followed.error).toMatchObject(mismatch);
    expect(followed.values).toEqual(positioned(['a', 'b', 'c']));
  });
});

describe('the end of a follower', () => {
  onLinux('unsubscribed while it waits, it releases file and watcher at once', async () => {
    writeFileSync(filePath(), journalText(['a']));
    const followed = follow();
    await until(() => followed.values.length === 1 && watchers() === 1);
    await turns();
    expect(openDescriptors(path())).toEqual([filePath()]);
    const start = performance.now();
    followed.subscription.unsubscribe();
    await until(() => openDescriptors(path()).length === 0 && watchers() === 0);
    expect(performance.now() - start).toBeLessThan(200); // not by the next poll
    appendFileSync(filePath(), line(2, 'b'));
    await turns();
    expect([followed.values.length, followed.completed, followed.error]).toEqual([1, false, undefined]);
  });

  onLinux('unsubscribed at once, or in its first record', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    readJournal(filePath(), { follow: true }).subscribe().unsubscribe();
    const seen: number[] = [];
    const subscription = readJournal(filePath(), { follow: true }).subscribe(({ position }) => {
      seen.push(position);
      subscription.unsubscribe();
    });
    await until(() => seen.length === 1);
    await until(() => openDescriptors(path()).length === 0 && watchers() === 0);
    expect(seen).toEqual([1]);
  });

  onLinux('return while a next waits ends both at once', async () => {
    writeFileSync(filePath(), journalText(['a']));
    const iterator = readJournal(filePath(), { follow: true })[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: { position: 1, entry: 'a' } });
    const waiting = [iterator.next(), iterator.next()];
    await until(() => watchers() === 1);
    await turns();
    const start = performance.now();
    expect(await iterator.return!()).toEqual({ done: true, value: undefined });
    for (const next of waiting) expect(await next).toEqual({ done: true, value: undefined });
    await until(() => openDescriptors(path()).length === 0 && watchers() === 0);
    expect(performance.now() - start).toBeLessThan(200);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  onLinux('return before the first next opens nothing', async () => {
    writeFileSync(filePath(), journalText(['a']));
    const iterator = readJournal(filePath(), { follow: true })[Symbol.asyncIterator]();
    await iterator.return!();
    await turns();
    expect(openDescriptors(path())).toEqual([]);
    expect(watchers()).toBe(0);
  });

  onLinux('break releases it', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    for await (const { position } of readJournal(filePath(), { follow: true })) if (position === 2) break;
    await until(() => openDescriptors(path()).length === 0 && watchers() === 0);
  });

  onLinux('a hundred come and go', async () => {
    writeFileSync(filePath(), journalText(['a']));
    const many = Array.from({ length: 100 }, () => follow());
    await until(() => many.every(({ values }) => values.length === 1));
    expect(openDescriptors(path()).length).toBe(100);
    expect(watchers()).toBe(1);
    appendFileSync(filePath(), line(2, 'b'));
    await until(() => many.every(({ values }) => values.length === 2));
    many.forEach(({ subscription }) => subscription.unsubscribe());
    await until(() => openDescriptors(path()).length === 0 && watchers() === 0);
  });

  test('the iteration of a follower pulls', async () => {
    writeFileSync(filePath(), journalText(['a', 'b']));
    const iterator = readJournal<string>(filePath(), { follow: true })[Symbol.asyncIterator]();
    for (const expected of ['a', 'b', 'c', 'd']) {
      if (expected === 'c') setTimeout(() => appendFileSync(filePath(), journalText(['c', 'd'], 3)), 5);
      const { value } = (await iterator.next()) as IteratorYieldResult<Positioned<string>>;
      expect(value.entry).toBe(expected);
    }
    truncateSync(filePath());
    expect(await rejectionOf(iterator.next())).toBeInstanceOf(CorruptJournalError);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

test('an idle follower waits, it does not look again and again', async () => {
  writeFileSync(filePath(), journalText(['a']));
  const followed = follow();
  await until(() => followed.values.length === 1);
  await turns();
  const reads = jest.spyOn(await fileHandlePrototype(path('probe')), 'read');
  const start = performance.now();
  await turns(300);
  const polls = Math.ceil((performance.now() - start) / 250) + 1;
  expect(reads.mock.calls.length).toBeLessThanOrEqual(2 * polls);
  reads.mockRestore();
});

describe('where nothing can be watched', () => {
  afterEach(() => jest.restoreAllMocks());

  test.each([
    [
      'watch throws',
      () => {
        throw new Error('ENOSPC: System limit for number of file watchers reached');
      },
    ],
    [
      'the watcher never says anything',
      () =>
        ({
          on() {
            return this;
          },
          close() {},
        }) as unknown as FSWatcher,
    ],
    [
      'the watcher errors',
      () => {
        const watcher = Object.assign(new EventEmitter(), { close() {} });
        setImmediate(() => watcher.emit('error', new Error('EPERM')));
        return watcher as unknown as FSWatcher;
      },
    ],
  ])('%s: it looks on its own', async (_, watch) => {
    const spy = jest.spyOn(fs, 'watch').mockImplementation(watch);
    writeFileSync(filePath(), journalText(['a']));
    const followed = follow();
    await until(() => followed.values.length === 1);
    appendFileSync(filePath(), line(2, 'b'));
    await until(() => followed.values.length === 2);
    expect(spy).toHaveBeenCalled();
    followed.subscription.unsubscribe();
    if (process.platform === 'linux') await until(() => openDescriptors(path()).length === 0);
  });
});

describe('FileChanges', () => {
  test('resolves at once when a change came before it was asked', async () => {
    const controller = new AbortController();
    let notify = () => {};
    jest.spyOn(fs, 'watch').mockImplementation(((_: string, listener: () => void) => {
      notify = listener;
      return { on() {}, close() {} };
    }) as never);
    const changes = new FileChanges(filePath(), controller.signal);
    notify();
    const start = performance.now();
    await changes.next();
    expect(performance.now() - start).toBeLessThan(100);
    // That one is used up: the next comes with the next change, or the poll.
    const second = changes.next();
    setImmediate(notify);
    await second;
    expect(performance.now() - start).toBeLessThan(100);
    await changes.next(true);
    expect(performance.now() - start).toBeGreaterThan(200);
    controller.abort();
    jest.restoreAllMocks();
  });

  test('what comes between the last look at the file and listening is not missed, though no watcher reports it', async () => {
    writeFileSync(filePath(), '');
    jest.spyOn(fs, 'watch').mockImplementation((() => ({ on() {}, close() {} })) as never);
    const controller = new AbortController();
    const first = new FileChanges(filePath(), controller.signal);
    await first.next();
    appendFileSync(filePath(), 'a');
    await first.next();
    const second = new FileChanges(filePath(), controller.signal);
    const told: string[] = [];
    void second.next().then(() => told.push('second'));
    void first.next().then(() => told.push('first'));
    await until(() => told.length > 0);
    expect(told).toEqual(['second']);
    controller.abort();
    jest.restoreAllMocks();
  });

  test('a file that is away for a while, and whose folder is, is looked for by the clock', async () => {
    mkdirSync(path('folder'));
    const file = path('folder/journal.ndjson');
    writeFileSync(file, 'a');
    const controller = new AbortController();
    const changes = new FileChanges(file, controller.signal);
    renameSync(file, path('elsewhere'));
    await changes.next();
    rmSync(path('folder'), { recursive: true });
    writeFileSync(path('folder'), 'no folder'); // so that the file's state is an error
    await turns(300);
    rmSync(path('folder'));
    mkdirSync(path('folder'));
    const told = changes.next().then(() => 'told');
    writeFileSync(file, 'b');
    expect(await told).toBe('told');
    controller.abort();
  });

  test('a file that takes the name is watched in the place of the one before', async () => {
    writeFileSync(filePath(), 'a');
    const controller = new AbortController();
    const changes = new FileChanges(filePath(), controller.signal);
    renameSync(filePath(), `${filePath()}.1`);
    writeFileSync(filePath(), 'b');
    await changes.next();
    await until(() => watchers() === 1);
    await turns();
    for (const text of ['c', 'd']) {
      const told = changes.next();
      appendFileSync(filePath(), text);
      await told;
    }
    controller.abort();
    await until(() => watchers() === 0);
  });

  test('leaves no timer behind when it was woken', async () => {
    writeFileSync(filePath(), '');
    jest.useFakeTimers();
    try {
      const controller = new AbortController();
      const waiting = new FileChanges(filePath(), controller.signal).next();
      expect(jest.getTimerCount()).toBe(1);
      controller.abort();
      await waiting;
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('aborted before or while it waits, it resolves at once, every time', async () => {
    writeFileSync(filePath(), '');
    const controller = new AbortController();
    const changes = new FileChanges(filePath(), controller.signal);
    const waiting = changes.next();
    const start = performance.now();
    controller.abort();
    await waiting;
    await changes.next();
    await changes.next();
    await new FileChanges(filePath(), controller.signal).next();
    expect(performance.now() - start).toBeLessThan(100);
    await turns();
    expect(watchers()).toBe(0);
  });
});
