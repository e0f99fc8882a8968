import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openFileScrivener, type Rotation } from 'rx-scrivener/file';
import { MEMBER_BYTES, packed } from '../../lib/file/disk/gzip-members';
import { chunksOf } from '../../lib/file/disk/read-blocks';
import { journalText, line } from '../file/support/journal-text';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();
const run = (...args: string[]) => command.run(args, path());

/** A journal of ten entries, two a file. */
async function rotated(rotation: Rotation = {}): Promise<void> {
  const scrivener = await openFileScrivener<number>({
    filePath: path('j.ndjson'),
    rotation: { maxBytes: journalText([1, 2]).length, ...rotation },
  });
  for (let n = 1; n <= 10; n++) {
    await scrivener.write(n);
    await scrivener.flush();
  }
  await scrivener.close();
}

test.each<[name: string, rotation: Rotation]>([
  ['closed', {}],
  ['compressed', { compress: 'gzip' }],
])('commands go over %s segments', async (_, rotation) => {
  await rotated(rotation);
  const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
  expect((await run('cat', 'j.ndjson')).stdout).toBe(journalText(numbers));
  expect((await run('cat', 'j.ndjson', '--after', '7')).stdout).toBe(journalText([8, 9, 10], 8));
  expect((await run('tail', '-n', '3', 'j.ndjson')).stdout).toBe(journalText([8, 9, 10], 8));
  expect((await run('verify', 'j.ndjson')).stdout).toBe('j.ndjson: 10 entries, last position 10\n');
  expect((await run('repair', 'j.ndjson', '--output', 'new.ndjson')).code).toBe(0);
  expect(readFileSync(path('new.ndjson'), 'utf8')).toBe(journalText(numbers));
});

test('a journal that is rotated meanwhile has no torn end, and all its files', async () => {
  const filePath = path('live');
  // As many as the reader cannot fall behind.
  const rotation = { maxBytes: 200, keep: { segments: 200 } };
  const scrivener = await openFileScrivener<number>({ filePath, rotation, flushIntervalMs: 0 });
  const done = new AbortController();
  const writing = (async () => {
    for (let n = 1; !done.signal.aborted; n++) await scrivener.whenFlushed(await scrivener.write(n));
  })();
  for (let round = 1; round <= 40; round++) {
    const { code, stdout, stderr } = await runHere(['verify', filePath]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('torn');
  }
  done.abort();
  await writing;
  await scrivener.close();
});

test('a torn end is that of the active file', async () => {
  await rotated();
  appendFileSync(path('j.ndjson'), line(11, 11).slice(0, 9));
  expect((await run('verify', 'j.ndjson')).stdout).toBe(
    'j.ndjson: 10 entries, last position 10, then a torn end of 9 bytes, which opening the journal cuts off\n',
  );
});

describe('repair', () => {
  /** What it makes, by name, and what it says. */
  async function repaired(...args: string[]) {
    const { code, stderr } = await run('repair', 'j.ndjson', '--output', 'new', ...args);
    const names = readdirSync(path()).filter((name) => /^new(\.\d)?$/.test(name));
    const notes = stderr.replaceAll('rx-scrivener: ', '').trimEnd().split('\n');
    return { code, journals: names.sort().map((name) => readFileSync(path(name), 'utf8')), notes };
  }
  const third = 'j.ndjson.0000000000000005';

  test('keeps what comes before damage in a segment, and what comes after it, there and in the files that follow', async () => {
    await rotated();
    writeFileSync(path(third), journalText([5, 6], 5).replace('5}', 'x}'));
    const { code, stdout } = await run('verify', 'j.ndjson');
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining(`${third}, line 1`) as string });
    expect(await repaired()).toEqual({
      code: 1,
      journals: [journalText([1, 2, 3, 4]), journalText([6, 7, 8, 9, 10], 6)],
      notes: [
        `left out 1 line, 45 bytes, from ${third}, line 1 (byte 0) on:`,
        `- ${third}, line 1: it is not JSON`,
        '1 position is missing: 5',
        'a journal has no gaps, so there is one for each stretch; --renumber makes one of all',
      ],
    });
  });

  test('keeps what stands around a segment that is missing', async () => {
    await rotated();
    rmSync(path(third));
    const { code, journals, notes } = await repaired();
    expect({ code, journals }).toEqual({
      code: 1,
      journals: [journalText([1, 2, 3, 4]), journalText([7, 8, 9, 10], 7)],
    });
    expect(notes[0]).toBe('2 positions are missing: 5 to 6');
    const all = await run('repair', 'j.ndjson', '--output', 'all', '--renumber');
    expect(all.code).toBe(1);
    expect(readFileSync(path('all'), 'utf8')).toBe(
      journalText([1, 2, 3, 4]) + [7, 8, 9, 10].map((n, index) => line(5 + index, n)).join(''),
    );
  });

  test('keeps closed segments that a crash has left without an active file', async () => {
    await rotated();
    rmSync(path('j.ndjson'));
    expect(await repaired()).toEqual({ code: 0, journals: [journalText([1, 2, 3, 4, 5, 6, 7, 8])], notes: [''] });
  });

  test('keeps everything where the list of segments is damaged', async () => {
    await rotated();
    writeFileSync(path('j.ndjson.segments'), '{');
    const { code, journals, notes } = await repaired();
    expect({ code, journals }).toEqual({ code: 1, journals: [journalText([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])] });
    expect(notes).toEqual(['j.ndjson.segments, line 1 (byte 0): it is not a list of segments']);
  });

  test('begins where the journal does of which segments were retired', async () => {
    await rotated({ keep: { segments: 2 } });
    // What a crash has left of one that is not there any more.
    writeFileSync(path('j.ndjson.0000000000000001'), journalText([1, 2]));
    expect(await repaired()).toEqual({ code: 0, journals: [journalText([5, 6, 7, 8, 9, 10], 5)], notes: [''] });
    const scrivener = await openFileScrivener<number>({ filePath: path('new') });
    expect(await scrivener.write(11)).toBe(11);
    await scrivener.close();
  });

  test('keeps where an empty journal continues', async () => {
    writeFileSync(path('j.ndjson'), '');
    writeFileSync(path('j.ndjson.segments'), '{"schemaVersion":"1","first":7,"segments":[]}\n');
    expect(await repaired()).toEqual({ code: 0, journals: [''], notes: [''] });
    const scrivener = await openFileScrivener<number>({ filePath: path('new') });
    expect(await scrivener.write(7)).toBe(7);
    await scrivener.close();
  });
});

describe('a compressed segment', () => {
  const LINES = 20_000;
  const segment = () => path('j.ndjson.0000000000000001.gz');
  const rest = 'not all of it can be decompressed, and what is kept of the file may be altered';

  /** Compressed as a journal compresses it. */
  async function packedText(text: string): Promise<Buffer[]> {
    writeFileSync(path('text'), text);
    const file = await open(path('text'));
    const members: Buffer[] = [];
    for await (const member of packed(chunksOf(file, 0, MEMBER_BYTES))) members.push(member);
    await file.close();
    return members;
  }

  /** One segment, compressed to `bytes`, and a line behind it. */
  async function damaged(damage: (bytes: Buffer) => Buffer): Promise<string> {
    const text = journalText(Array.from({ length: LINES }, (_, n) => `${Math.sin(n)} ü`));
    writeFileSync(segment(), damage(gzipSync(text)));
    writeFileSync(path('j.ndjson'), line(LINES + 1, 'last'));
    return text;
  }
  const repair = async () => {
    const { code, stderr } = await run('repair', 'j.ndjson', '--output', 'new');
    return { code, stderr, text: readFileSync(path('new'), 'utf8') };
  };

  test('that was cut gives what is in it, and the journal continues after it', async () => {
    const text = await damaged((bytes) => bytes.subarray(0, bytes.length / 2));
    const kept = await repair();
    expect(kept.code).toBe(1);
    expect(text.startsWith(kept.text)).toBe(true);
    expect(kept.text.length).toBeGreaterThan(text.length * 0.45);
    expect(readFileSync(path('new.2'), 'utf8')).toBe(line(LINES + 1, 'last'));
  });

  test('whose own checksum does not agree gives everything, and says so', async () => {
    const text = await damaged((bytes) => {
      bytes[bytes.length - 6]! ^= 1;
      return bytes;
    });
    const kept = await repair();
    expect([kept.code, kept.text]).toEqual([1, text + line(LINES + 1, 'last')]);
    expect(kept.stderr).toContain(`line ${LINES + 1}: ${rest}`);
  });

  test('of several members loses what is damaged alone', async () => {
    const text = journalText(Array.from({ length: LINES }, (_, n) => `${Math.sin(n)} ü`));
    const members = await packedText(text);
    expect(members.length).toBeGreaterThan(3);
    const [first, second, ...others] = members as [Buffer, Buffer, ...Buffer[]];
    second.fill(0x55, 40, 400);
    writeFileSync(segment(), Buffer.concat(members));
    writeFileSync(path('j.ndjson'), line(LINES + 1, 'last'));
    const kept = await repair();
    const before = gunzipSync(first).toString();
    const after = others.map((member) => gunzipSync(member).toString()).join('');
    expect(kept.code).toBe(1);
    expect(kept.text.startsWith(before)).toBe(true);
    expect(kept.text.length).toBeLessThan(text.length - after.length);
    expect(readFileSync(path('new.2'), 'utf8')).toBe(after + line(LINES + 1, 'last'));
    expect(kept.stderr).toContain(rest);
  });

  test('that is none loses itself alone', async () => {
    await damaged(() => Buffer.from('no gzip'));
    const kept = await repair();
    expect([kept.code, kept.text]).toEqual([1, line(LINES + 1, 'last')]);
    expect(kept.stderr).toContain(rest);
  });
});
