import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { lastValueFrom, toArray } from 'rxjs';
import { CorruptEntryError, JsonEntrySerializer, type EntrySerializer, type Positioned } from 'rx-scrivener';
import { CorruptJournalError, openFileScrivener, readJournal } from 'rx-scrivener/file';
import { bytesOf, journalText, latin1, line, positioned, textOf } from '../support/journal-text';
import { outcomeOf, rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

const ENTRIES = [
  { text: 'héllo' },
  { text: '日本語' },
  { list: [true, false, null, { deep: -1.5e-7 }], text: 'a🙂"\\\n\u0001 ü' },
];
const KEPT = journalText(ENTRIES.slice(0, 2));
const LAST = Buffer.from(line(3, ENTRIES[2]));
const WHOLE = LAST.length - 1; // without its newline

/** What opening makes of a file, and of a write behind that. */
async function recover(bytes: string | Buffer, next: unknown = { text: 'next' }) {
  const filePath = path('journal.ndjson');
  writeFileSync(filePath, bytes);
  const scrivener = await openFileScrivener<unknown>({ filePath });
  const { recovered, head, flushed } = scrivener;
  const opened = bytesOf(filePath);
  const position = await scrivener.write(next);
  await scrivener.close();
  const written = bytesOf(filePath);

  const again = await openFileScrivener<unknown>({ filePath });
  const history: Positioned<unknown>[] = [];
  again.tail().subscribe((record) => history.push(record));
  const reopened = { recovered: again.recovered, bytes: bytesOf(filePath) };
  await again.close();
  return { recovered, head, flushed, opened, position, written, reopened, history };
}

/** What it has to make of it. */
function recovery(kept: readonly unknown[], truncatedBytes: number, next: unknown = { text: 'next' }) {
  const entries = kept.length;
  const written = latin1(journalText([...kept, next]));
  return {
    recovered: { entries, lastPosition: entries, truncatedBytes },
    head: entries,
    flushed: entries,
    opened: latin1(journalText(kept)),
    position: entries + 1,
    written,
    reopened: { recovered: { entries: entries + 1, lastPosition: entries + 1, truncatedBytes: 0 }, bytes: written },
    history: positioned([...kept, next]),
  };
}

describe('a last line that was cut short', () => {
  test.each(Array.from({ length: WHOLE }, (_, cut) => cut))('%i bytes of it are cut off', async (cut) => {
    const bytes = Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, cut)]);
    expect(await recover(bytes)).toEqual(recovery(ENTRIES.slice(0, 2), cut));
  });

  test('whole but for its newline it is kept, and gets one', async () => {
    const bytes = Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, WHOLE)]);
    expect(await recover(bytes)).toEqual(recovery(ENTRIES, 0));
  });

  test('whole there is nothing to do', async () => {
    expect(await recover(journalText(ENTRIES))).toEqual(recovery(ENTRIES, 0));
  });

  test('the only line, at every byte', async () => {
    const only = Buffer.from(line(1, { text: 'ü🙂' }));
    for (let cut = 0; cut < only.length - 1; cut++) {
      expect({ cut, ...(await recover(only.subarray(0, cut))) }).toEqual({ cut, ...recovery([], cut) });
    }
    expect(await recover(only.subarray(0, -1))).toEqual(recovery([{ text: 'ü🙂' }], 0));
  });

  test('a position of several digits, at every byte', async () => {
    const entries = Array.from({ length: 120 }, (_, n) => ({ n }));
    const kept = journalText(entries.slice(0, 119));
    const last = line(120, { n: 119 });
    for (let cut = 0; cut < last.length - 1; cut++) {
      expect({ cut, ...(await recover(kept + last.slice(0, cut))) }).toEqual({
        cut,
        ...recovery(entries.slice(0, 119), cut),
      });
    }
  });

  test.each([0, 1, -1, 12, true, false, null, '', 'x', [], {}, [[]], -0.5, 1e21, 1e-7])(
    'of an entry that is %j, at every byte',
    async (entry) => {
      const last = line(3, entry);
      for (let cut = 0; cut < last.length - 1; cut++) {
        expect({ cut, ...(await recover(KEPT + last.slice(0, cut))) }).toEqual({
          cut,
          ...recovery(ENTRIES.slice(0, 2), cut),
        });
      }
    },
  );

  test('the file is opened for reading on the way: nothing but the recovery changes it', async () => {
    const filePath = path('journal.ndjson');
    writeFileSync(filePath, KEPT);
    const scrivener = await openFileScrivener({ filePath });
    await scrivener.close();
    expect(textOf(filePath)).toBe(KEPT);
  });
});

describe('zeros after the last newline', () => {
  const zeros = Buffer.alloc(9);

  test('alone are cut off', async () => {
    expect(await recover(Buffer.concat([Buffer.from(KEPT), zeros]))).toEqual(recovery(ENTRIES.slice(0, 2), 9));
  });

  test('after the beginning of a line go with it, at every byte', async () => {
    for (let cut = 1; cut < WHOLE; cut++) {
      const bytes = Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, cut), zeros]);
      expect({ cut, ...(await recover(bytes)) }).toEqual({ cut, ...recovery(ENTRIES.slice(0, 2), cut + 9) });
    }
  });

  test('after a whole line are cut off, and the line is kept', async () => {
    const bytes = Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, WHOLE), zeros]);
    expect(await recover(bytes)).toEqual(recovery(ENTRIES, 9));
  });

  test('in a file of nothing else are cut off', async () => {
    expect(await recover(zeros)).toEqual(recovery([], 9));
  });

  test('by the megabyte', async () => {
    const many = Buffer.alloc(3 * 1024 * 1024 + 1);
    expect(await recover(many)).toEqual(recovery([], many.length));
    expect(await recover(Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, 50), many]))).toEqual(
      recovery(ENTRIES.slice(0, 2), 50 + many.length),
    );
    expect(await recover(Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, WHOLE), many]))).toEqual(
      recovery(ENTRIES, many.length),
    );
  });
});

describe('nothing to recover', () => {
  test('an empty file', async () => {
    expect(await recover('')).toEqual(recovery([], 0));
  });

  test('no file, and no directories: they are created', async () => {
    const filePath = path('a', 'b', 'c.ndjson');
    const scrivener = await openFileScrivener<number>({ filePath });
    expect(scrivener.recovered).toEqual({ entries: 0, lastPosition: 0, truncatedBytes: 0 });
    expect(textOf(filePath)).toBe('');
    await scrivener.write(7);
    await scrivener.close();
    expect(textOf(filePath)).toBe(line(1, 7));
  });

  test('a path relative to the working directory', async () => {
    const cwd = process.cwd();
    process.chdir(path());
    try {
      const scrivener = await openFileScrivener<number>({ filePath: 'here.ndjson' });
      await scrivener.write(7);
      await scrivener.close();
    } finally {
      process.chdir(cwd);
    }
    expect(textOf(path('here.ndjson'))).toBe(line(1, 7));
  });
});

describe('readJournal', () => {
  const read = async (bytes: Buffer) => {
    const filePath = path('journal.ndjson');
    writeFileSync(filePath, bytes);
    const records = await lastValueFrom(readJournal(filePath).pipe(toArray()));
    expect(bytesOf(filePath)).toBe(latin1(bytes));
    expect(existsSync(`${filePath}.lock`)).toBe(false);
    return records;
  };

  test('ends before a torn last line, at every byte, with zeros and without; a whole one is read', async () => {
    for (let cut = 0; cut <= LAST.length; cut++) {
      const expected = positioned(ENTRIES.slice(0, cut < WHOLE ? 2 : 3));
      const bytes = Buffer.concat([Buffer.from(KEPT), LAST.subarray(0, cut)]);
      expect({ cut, records: await read(bytes) }).toEqual({ cut, records: expected });
      expect({ cut, records: await read(Buffer.concat([bytes, Buffer.alloc(5)])) }).toEqual({ cut, records: expected });
    }
  });

  test('a file that is empty, or zeros', async () => {
    expect(await read(Buffer.alloc(0))).toEqual([]);
    expect(await read(Buffer.alloc(3000))).toEqual([]);
  });

  test('renumbering, it ends before a torn line of the current run and of one that begins, at every byte', async () => {
    const filePath = path('journal.ndjson');
    const kept = line(1, 'a') + line(2, 'b') + line(1, 'c') + line(2, 'd');
    const runs = positioned(['a', 'b', 'c', 'd']);
    for (const position of [3, 1]) {
      const last = line(position, 'ü');
      const bytes = Buffer.from(last);
      for (let cut = 0; cut < bytes.length; cut++) {
        writeFileSync(filePath, Buffer.concat([Buffer.from(kept), bytes.subarray(0, cut)]));
        const expected = cut < bytes.length - 1 ? runs : [...runs, { position: 5, entry: 'ü' }];
        const outcome = await outcomeOf(readJournal(filePath, { restarts: 'renumber' }));
        expect({ position, cut, ...outcome }).toEqual({ position, cut, values: expected });
      }
    }
  });
});

test('renumbering, the beginning of a line that neither continues nor starts again is damage', async () => {
  const filePath = path('journal.ndjson');
  for (const position of [2, 4, 5]) {
    writeFileSync(
      filePath,
      line(1, 'a') + line(2, 'b') + line(1, 'c') + line(2, 'd') + line(position, 'x').slice(0, -4),
    );
    const { values, error } = await outcomeOf(readJournal(filePath, { restarts: 'renumber' }));
    expect(values.length).toBe(4);
    expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 5 });
  }
});

describe("with a serializer of one's own", () => {
  /** `7:text`, reversed and closed by a dot. */
  const serializer: EntrySerializer<string> = {
    serialize: ({ position, entry }) => `${position}:${entry}.`,
    deserialize(text) {
      const [, position, entry] = /^(\d+):(.*)\.$/.exec(text) ?? [];
      if (position === undefined) throw new CorruptEntryError('it has no dot');
      return { position: Number(position), entry: entry! };
    },
  };

  const recoverOwn = async (bytes: string | Buffer) => {
    const filePath = path('journal.txt');
    writeFileSync(filePath, bytes);
    const scrivener = await openFileScrivener<string>({ filePath, serializer });
    await scrivener.write('next');
    await scrivener.close();
    return { recovered: scrivener.recovered, text: textOf(filePath) };
  };

  test('what it refuses is torn where whole lines stand before it', async () => {
    const last = Buffer.from('3:zwölf.');
    for (let cut = 0; cut < last.length; cut++) {
      expect(await recoverOwn(Buffer.concat([Buffer.from('1:a.\n2:b.\n'), last.subarray(0, cut)]))).toEqual({
        recovered: { entries: 2, lastPosition: 2, truncatedBytes: cut },
        text: '1:a.\n2:b.\n3:next.\n',
      });
    }
    expect(await recoverOwn('1:a.\n2:b.\n3:zwölf.')).toEqual({
      recovered: { entries: 3, lastPosition: 3, truncatedBytes: 0 },
      text: '1:a.\n2:b.\n3:zwölf.\n4:next.\n',
    });
  });

  test('a file without a whole line is not a journal', async () => {
    for (const text of ['x', '1:a', 'a letter']) {
      const error = await rejectionOf(recoverOwn(text));
      expect(error).toBeInstanceOf(CorruptJournalError);
      expect(error).toMatchObject({ line: 1, byteOffset: 0, reason: 'it has no dot' });
      expect(textOf(path('journal.txt'))).toBe(text);
    }
  });

  test('built on the JSON one: what it refuses is torn, too', async () => {
    const json = new (class extends JsonEntrySerializer<string> {})();
    const filePath = path('journal.ndjson');
    for (const tail of ['{', line(3, 'ü').slice(0, 20), 'x']) {
      writeFileSync(filePath, journalText(['a', 'b']) + tail);
      const scrivener = await openFileScrivener<string>({ filePath, serializer: json });
      expect(scrivener.recovered).toEqual({ entries: 2, lastPosition: 2, truncatedBytes: tail.length });
      await scrivener.close();
      expect(textOf(filePath)).toBe(journalText(['a', 'b']));
    }
  });

  test('a whole line that does not continue, half a character and other bytes than UTF-8', async () => {
    for (const [tail, refused] of [
      [Buffer.from('4:d.'), true],
      [Buffer.from([0xc3]), false],
      [Buffer.from([0x33, 0x3a, 0xff]), true],
    ] as const) {
      const bytes = Buffer.concat([Buffer.from('1:a.\n2:b.\n'), tail]);
      if (refused) {
        const error = await rejectionOf(recoverOwn(bytes));
        expect(error).toMatchObject({ code: 'ERR_CORRUPT_JOURNAL', line: 3, byteOffset: 10 });
        expect(bytesOf(path('journal.txt'))).toBe(latin1(bytes));
      } else {
        expect((await recoverOwn(bytes)).recovered.truncatedBytes).toBe(tail.length);
      }
    }
  });
});

test('the journal continues where the file ends: tails replay it, expect counts on it', async () => {
  const filePath = path('journal.ndjson');
  writeFileSync(filePath, journalText(ENTRIES));
  const scrivener = await openFileScrivener<{ text: string }>({ filePath });
  const seen: number[] = [];
  scrivener.tail(1).subscribe(({ position }) => seen.push(position));
  await expect(scrivener.write({ text: 'x' }, { expect: 2 })).rejects.toMatchObject({ expected: 2, actual: 3 });
  expect(await scrivener.write({ text: 'x' }, { expect: 3 })).toBe(4);
  expect(seen).toEqual([2, 3, 4]);
  expect(await lastValueFrom(scrivener.readBackward(3).pipe(toArray()))).toEqual(
    positioned(ENTRIES.slice(0, 2)).reverse(),
  );
  expect(await scrivener.waitFor(0, ({ text }) => text === '日本語')).toEqual({ position: 2, entry: ENTRIES[1] });
  await scrivener.close();
  appendFileSync(filePath, '');
  expect(textOf(filePath)).toBe(journalText([...ENTRIES, { text: 'x' }]));
});
