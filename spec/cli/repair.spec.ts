import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { lastValueFrom, toArray } from 'rxjs';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';
import { bytesOf, journalText, latin1, line, positioned, textOf } from '../file/support/journal-text';
import { outcomeOf, until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';
import { useCommand } from './support/installed-command';
import { runHere } from './support/run-here';

const command = useCommand();
const path = useTempDir();

/** Repairs a text, in place of a file, and says what became of it; the file has to stay as it was. */
async function repaired(text: string | Buffer, ...args: string[]) {
  writeFileSync(path('bad'), text);
  const { code, stderr } = await runHere(['repair', path('bad'), '--output', path('good'), ...args]);
  expect(bytesOf(path('bad'))).toBe(latin1(text));
  expect(readdirSync(path()).filter((name) => name.includes('partial'))).toEqual([]);
  const further = readdirSync(path()).filter((name) => /^good\.\d$/.test(name));
  for (const name of existsSync(path('good')) ? ['good', ...further] : []) {
    await lastValueFrom(readJournal(path(name)).pipe(toArray()));
  }
  return {
    code,
    good: existsSync(path('good')) ? textOf(path('good')) : undefined,
    ...(further.length > 0 && { further: further.sort().map((name) => textOf(path(name))) }),
    notes: stderr
      .trimEnd()
      .split('\n')
      .map((note) => note.replace('rx-scrivener: ', '')),
  };
}

test('a whole journal is copied, byte by byte', async () => {
  const text =
    '{"position":1, "schemaVersion":"1","more":0,"entry":12345678901234567890}\n' + line(2, { b: 'ü', a: 1 });
  expect(await repaired(text)).toEqual({ code: 0, good: text, notes: [''] });
});

test('an empty one as well', async () => {
  expect(await repaired('')).toEqual({ code: 0, good: '', notes: [''] });
});

test('a torn end alone is no loss', async () => {
  expect(await repaired(journalText([1, 'ü']) + '{"schemaV')).toEqual({
    code: 0,
    good: journalText([1, 'ü']),
    notes: ['left out a torn end of 9 bytes'],
  });
});

test('a last line gets its newline', async () => {
  expect(await repaired(journalText([1, 2]).trimEnd())).toMatchObject({ code: 0, good: journalText([1, 2]) });
});

const ONE_EACH = 'a journal has no gaps, so there is one for each stretch; --renumber makes one of all';

test('what follows a gap is a journal of its own, under the positions that it had', async () => {
  const text = journalText([1, 'ü']) + 'x\n' + journalText([4, 5, 6], 4) + journalText([9], 9);
  expect(await repaired(text)).toEqual({
    code: 1,
    good: journalText([1, 'ü']),
    further: [journalText([4, 5, 6], 4), journalText([9], 9)],
    notes: [
      'left out 1 line, 2 bytes, from line 3 (byte 93) on:',
      '- line 3: it is not JSON',
      '3 positions are missing: 3, 7 to 8',
      ONE_EACH,
    ],
  });
});

test('which can be opened and continued', async () => {
  await repaired(journalText(['a', 'b']) + 'x\n' + journalText(['d', 'e'], 4));
  const scrivener = await openFileScrivener<string>({ filePath: path('good.2') });
  expect(await scrivener.write('f')).toBe(6);
  const below = await outcomeOf(scrivener.tail(0));
  expect(below.error).toMatchObject({ code: 'ERR_POSITION_TRIMMED', requested: 1, first: 4 });
  await scrivener.close();
  expect(textOf(path('good.2'))).toBe(journalText(['d', 'e', 'f'], 4));
  expect((await runHere(['verify', path('good.2')])).stdout).toBe(`${path('good.2')}: 3 entries, last position 6\n`);
});

test('a journal whose beginning is lost keeps its end', async () => {
  expect(await repaired('x\n' + journalText([2, 3], 2))).toEqual({
    code: 1,
    good: journalText([2, 3], 2),
    notes: [
      'left out 1 line, 2 bytes, from line 1 (byte 0) on:',
      '- line 1: it is not JSON',
      '1 position is missing: 1',
    ],
  });
  const { values } = await outcomeOf(readJournal(path('good')));
  expect(values).toEqual(positioned([2, 3], 2));
});

test('whichever lines are damaged, all others are kept, in their order', async () => {
  const lines = [1, 2, 3, 4, 5, 6].map((n) => line(n, `entry ${n}`));
  for (let damaged = 0; damaged < 1 << lines.length; damaged++) {
    const isWhole = (_: string, index: number) => (damaged & (1 << index)) === 0;
    writeFileSync(path('bad'), lines.map((text, index) => (isWhole(text, index) ? text : 'x\n')).join(''));
    const kept = lines.filter(isWhole).join('');
    await runHere(['repair', path('bad'), '--output', path(`${damaged}`, 'good')]);
    const names = existsSync(path(`${damaged}`)) ? readdirSync(path(`${damaged}`)).sort() : [];
    const journals = names.filter((name) => !name.endsWith('.segments'));
    expect(journals.map((name) => textOf(path(`${damaged}`, name))).join('')).toBe(kept);
    for (const name of journals) {
      const scrivener = await openFileScrivener({ filePath: path(`${damaged}`, name) });
      await scrivener.close();
    }
    const { code } = await runHere(['repair', path('bad'), '--renumber', '--output', path(`${damaged}`, 'all')]);
    expect(code).toBe(damaged === 0 ? 0 : 1);
    if (kept === '') continue;
    const read = await outcomeOf(readJournal<string>(path(`${damaged}`, 'all')));
    expect(read.error).toBeUndefined();
    expect(read.values.map(({ entry }) => line(Number(entry.slice(-1)), entry)).join('')).toBe(kept);
  }
});

test('a journal that is in a hundred pieces needs --renumber', async () => {
  writeFileSync(path('bad'), Array.from({ length: 101 }, (_, index) => line(2 * index + 1, 'x')).join(''));
  const { code, stderr } = await runHere(['repair', path('bad')]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'rx-scrivener: more than 100 journals were needed; --renumber makes a single one\n',
  });
  expect(readdirSync(path())).toEqual(['bad']);
  expect((await runHere(['repair', path('bad'), '--renumber'])).stderr).toContain(
    '100 positions are missing: 2, 4, 6, 8, 10, and 95 more',
  );
});

test('--renumber closes the gap', async () => {
  const big = '{"schemaVersion":"1","position":5,"entry":{"b":12345678901234567890,"position":7}}\n';
  const text = journalText([1, 2]) + 'x\n' + line(4, 'vier') + big + '{"position":6,"schemaVersion":"1","entry":6}\n';
  expect(await repaired(text, '--renumber')).toEqual({
    code: 1,
    good: journalText([1, 2, 'vier']) + big.replace('5', '4') + line(5, 6),
    notes: [
      'left out 1 line, 2 bytes, from line 3 (byte 90) on:',
      '- line 3: it is not JSON',
      '1 position is missing: 3',
      'gave new positions to 3 entries',
    ],
  });
});

test('what stands between lines whose positions continue is left out, and no more', async () => {
  const text =
    journalText([1, 2]) + '\n' + '{"schemaVersion":"1","pos\n' + journalText([3], 3) + '\u0001\n' + journalText([4], 4);
  expect(await repaired(text)).toEqual({
    code: 1,
    good: journalText([1, 2, 3, 4]),
    notes: ['left out 3 lines, 29 bytes, from line 3 (byte 90) on:', '- line 3 and 2 more: it is not JSON'],
  });
});

test.each([
  ['the beginning of a line', Buffer.from('{"schemaVersion":"1","position":3,"entry":"ü').subarray(0, -1)],
  ['zeros', Buffer.alloc(4096)],
  ['the beginning of another file', Buffer.from('\uFEFF')],
])('a line that was appended to %s is kept', async (_, torn) => {
  const text = Buffer.concat([Buffer.from(journalText([1, 2])), torn, Buffer.from(journalText([3, 4], 3))]);
  const { code, good, notes } = await repaired(text);
  expect({ code, good }).toEqual({ code: 1, good: journalText([1, 2, 3, 4]) });
  expect(notes).toEqual([
    `left out 1 line, ${torn.length} bytes, from line 3 (byte 90) on:`,
    expect.stringMatching(/^- line 3: it is not (JSON|UTF-8)$/) as string,
  ]);
});

test('an entry that holds a line is not taken for one', async () => {
  const nested = '{"schemaVersion":"1","position":2,"entry":1}';
  const { good } = await repaired(line(1, 1) + `{"schemaVersion":"2","position":2,"entry":${nested}}\n`);
  expect(good).toBe(line(1, 1));
});

test('bytes that are no UTF-8', async () => {
  const text = Buffer.concat([Buffer.from(line(1, 1)), Buffer.of(0xff, 10), Buffer.from(line(2, 2))]);
  expect(await repaired(text)).toEqual({
    code: 1,
    good: journalText([1, 2]),
    notes: ['left out 1 line, 2 bytes, from line 2 (byte 45) on:', '- line 2: it is not UTF-8'],
  });
});

test('damage and, after it, a torn end', async () => {
  const text = journalText([1]) + 'x\n' + line(2, 2) + '{"schemaV';
  expect(await repaired(text)).toEqual({
    code: 1,
    good: journalText([1, 2]),
    notes: [
      'left out 1 line, 2 bytes, from line 2 (byte 45) on:',
      '- line 2: it is not JSON',
      'left out a torn end of 9 bytes',
    ],
  });
  expect((await repaired('x\n' + line(1, 1).trimEnd() + '\0\0', '--output', path('other'))).code).toBe(1);
  expect(textOf(path('other'))).toBe(line(1, 1));
});

test('runs are not mixed', async () => {
  const text = journalText(['a', 'b']) + journalText(['c', 'd', 'e']);
  expect(await repaired(text)).toEqual({
    code: 1,
    good: journalText(['a', 'b']),
    further: [journalText(['c', 'd', 'e'])],
    notes: [ONE_EACH],
  });
  expect(await repaired(text, '--renumber', '--output', path('all'))).toMatchObject({
    code: 0,
    notes: ['gave new positions to 3 entries'],
  });
  expect(textOf(path('all'))).toBe(journalText(['a', 'b', 'c', 'd', 'e']));
});

describe('groups', () => {
  /** The lines of a group, of which all but the last say that it goes on. */
  const group = (entries: readonly unknown[], first: number) =>
    journalText(entries.slice(0, -1), first).replaceAll('}\n', ' }\n') +
    line(first + entries.length - 1, entries.at(-1));
  const broken = journalText([1, 2]) + group([3, 4, 5], 3).replace('4', 'x') + group([6, 7], 6);

  test('are written so', async () => {
    const scrivener = await openFileScrivener<number>({ filePath: path('talk') });
    await scrivener.writeAll([1, 2, 3]);
    await scrivener.close();
    expect(textOf(path('talk'))).toBe(group([1, 2, 3], 1));
  });

  test('are copied', async () => {
    expect(await repaired(group([1, 2, 3], 1))).toMatchObject({ code: 0, good: group([1, 2, 3], 1) });
  });

  test('torn ones are torn ends', async () => {
    const begun = group([3, 4, 5], 3).split('\n').slice(0, 2).join('\n');
    expect(await repaired(journalText([1, 2]) + begun)).toEqual({
      code: 0,
      good: journalText([1, 2]),
      notes: [`left out a torn end of ${begun.length} bytes`],
    });
  });

  test('broken ones are left out whole', async () => {
    expect(await repaired(broken)).toEqual({
      code: 1,
      good: journalText([1, 2]),
      further: [line(5, 5) + group([6, 7], 6)],
      notes: [
        'left out 2 lines, 92 bytes, from line 3 (byte 90) on:',
        '- line 3: its group is not whole',
        '- line 4: it is not JSON',
        '2 positions are missing: 3 to 4',
        ONE_EACH,
      ],
    });
  });

  test('whole ones stay groups under new positions', async () => {
    const { good } = await repaired(broken, '--renumber');
    expect(good).toBe(journalText([1, 2, 5]) + group([6, 7], 4));
  });

  test('garbage within one is lost alone', async () => {
    const whole = group([2, 3, 4], 2);
    const text = line(1, 1) + whole.replace(' }\n', ' }\nx\n').replace('3 }\n', '3 }{"schemaVersion":"1","pos');
    expect(await repaired(text)).toEqual({
      code: 1,
      good: line(1, 1) + whole,
      notes: ['left out 2 lines, 27 bytes, from line 3 (byte 91) on:', '- line 3 and 1 more: it is not JSON'],
    });
    const begun = whole.split('\n')[0]! + '\n' + 'x\n'.repeat(2000);
    await repaired(line(1, 1) + begun + line(2, 2), '--output', path('begun'));
    expect(textOf(path('begun'))).toBe(journalText([1, 2]));
  });

  test('whole ones after garbage are kept, and those that are not do not swallow others', async () => {
    expect((await repaired(line(1, 1) + 'x\n' + group([2, 3], 2))).good).toBe(line(1, 1) + group([2, 3], 2));
    const begun = line(2, 2).replace('}\n', ' }\n');
    const text = line(1, 1) + 'x\n' + begun + line(7, 7);
    const { notes } = await repaired(text, '--renumber', '--output', path('new'));
    expect(textOf(path('new'))).toBe(line(1, 1) + line(2, 7));
    expect(notes).toContain('- line 3: its group is not whole');
  });
});

test('a file that holds no entry makes no journal', async () => {
  expect(await repaired('hello\nworld\n')).toEqual({
    code: 1,
    good: undefined,
    notes: [
      'left out 2 lines, 12 bytes, from line 1 (byte 0) on:',
      '- line 1 and 1 more: it is not JSON',
      `${path('bad')} holds nothing that can be kept: ${path('good')} is not written`,
    ],
  });
});

test('what it writes opens, and can be written to', async () => {
  writeFileSync(path('bad'), journalText(['a', 'b']) + 'x\n');
  const { code, stdout } = await command.run(['repair', 'bad'], path());
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'bad.repaired: 2 entries, positions 1 to 2\n' });
  const scrivener = await openFileScrivener<string>({ filePath: path('bad.repaired') });
  await scrivener.write('c');
  await scrivener.close();
  expect(await lastValueFrom(readJournal(path('bad.repaired')).pipe(toArray()))).toEqual(positioned(['a', 'b', 'c']));
});

test('a file that is there is not overwritten, the journal itself included', async () => {
  writeFileSync(path('bad'), journalText([1]) + 'x\n');
  writeFileSync(path('bad.repaired'), 'precious');
  for (const [args, output] of [
    [[], 'bad.repaired'],
    [['--output', 'bad'], 'bad'],
    [['--output', '.'], '.'],
  ] as const) {
    expect(await command.run(['repair', 'bad', ...args], path())).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `rx-scrivener: ${output} is there already, and is not overwritten\n`,
    });
  }
  expect(textOf(path('bad.repaired'))).toBe('precious');
  expect(readdirSync(path()).sort()).toEqual(['bad', 'bad.repaired']);
});

test('nor is one that belongs to a journal of that name, and then none is written', async () => {
  const text = journalText([1]) + journalText([3], 3);
  writeFileSync(path('bad'), text);
  for (const taken of ['bad.repaired.2', 'bad.repaired.2.segments', 'bad.repaired.0000000000000007']) {
    writeFileSync(path(taken), '');
    const { code, stderr } = await runHere(['repair', path('bad')]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `rx-scrivener: ${path(taken)} is there already, and is not overwritten\n`,
    });
    expect(readdirSync(path()).sort()).toEqual(['bad', taken]);
    rmSync(path(taken));
  }
});

test('folders of the new file are made; a missing journal makes none', async () => {
  writeFileSync(path('bad'), journalText([1]));
  expect((await runHere(['repair', path('bad'), '--output', path('a', 'b', 'c')])).code).toBe(0);
  expect(textOf(path('a', 'b', 'c'))).toBe(journalText([1]));
  const missing = await runHere(['repair', path('missing'), '--output', path('d', 'e')]);
  expect(missing).toEqual({
    code: 1,
    stdout: '',
    stderr: `rx-scrivener: ${path('missing')}: no such file or directory\n`,
  });
  expect(existsSync(path('d'))).toBe(false);
});

test('one that is interrupted leaves nothing behind', async () => {
  writeFileSync(path('big'), journalText(new Array<string>(100_000).fill('x'.repeat(200))));
  const child = command.start(['repair', 'big'], path());
  await until(() => readdirSync(path()).some((name) => name.endsWith('.partial')));
  child.process.kill('SIGINT');
  expect(await child.ended).toEqual({ code: null, signal: 'SIGINT', stdout: '', stderr: '' });
  expect(readdirSync(path())).toEqual(['big']);
});

describe('several entries on one line', () => {
  const bare = (position: number, entry: unknown) => line(position, entry).trimEnd();

  test.each([2, 3, 5])('%i of them, glued together', async (count) => {
    const entries = Array.from({ length: count }, (_, index) => ({
      text: `"{"schemaVersion":"1","position":${index}`,
    }));
    const text = entries.map((entry, index) => bare(index + 1, entry)).join('') + '\n' + line(count + 1, 'next');
    expect(await repaired(text)).toEqual({ code: 0, good: journalText([...entries, 'next']), notes: [''] });
  });

  test.each([' ', '\t', ', ', '\r', '\r\r', '\0\0'])('%j between them', async (between) => {
    const text = [1, 2, 3].map((n) => bare(n, n)).join(between) + '\n';
    expect((await repaired(text)).good).toBe(journalText([1, 2, 3]));
  });

  test('with checksums, groups, and other layouts', async () => {
    const scrivener = await openFileScrivener<number>({ filePath: path('talk'), checksum: 'crc32' });
    await scrivener.write(1);
    await scrivener.writeAll([2, 3, 4]);
    await scrivener.close();
    const text = textOf(path('talk'));
    expect(await repaired(text.replaceAll('\n', ''))).toMatchObject({ code: 0, good: text });
    const other = '{ "position":5, "schemaVersion":"1","entry":5 }';
    const mixed = text.replaceAll('\n', '') + other + bare(6, 6) + '\n';
    expect(await repaired(mixed, '--output', path('mixed'))).toMatchObject({ code: 0 });
    expect(textOf(path('mixed'))).toBe(text + other + '\n' + line(6, 6));
    const altered = text.replaceAll('\n', '').replace('"entry":1', '"entry":7');
    expect(await repaired(altered, '--output', path('altered'))).toMatchObject({
      code: 1,
      notes: [
        'left out 1 line, 63 bytes, from line 1 (byte 0) on:',
        '- line 1: its checksum does not agree',
        '1 position is missing: 1',
      ],
    });
    expect(textOf(path('altered'))).toBe(text.slice(text.indexOf('\n') + 1));
  });

  const outer = bare(2, { a: [1, { b: 'x\\"ü{' }, -1.5e3, true, null, {}], text: 'see: {"} hello' });
  test('wherever a line was torn, those that were glued to it are kept', async () => {
    for (const next of [3, 2]) {
      const glued = bare(next, { text: 'three' }) + bare(next + 1, 'four');
      for (let cut = 1; cut < Buffer.byteLength(outer); cut++) {
        const torn = Buffer.from(outer).subarray(0, cut);
        const output = path(`${next}.${cut}`);
        const text = Buffer.concat([Buffer.from(line(1, 1)), torn, Buffer.from(glued + '\n' + line(next + 2, 'five'))]);
        await repaired(text, '--output', output, '--renumber');
        expect(textOf(output)).toBe(journalText([1, { text: 'three' }, 'four', 'five']));
      }
    }
  });

  test('wherever one was written into another, it is kept', async () => {
    const inner = bare(3, { text: 'three' });
    for (let cut = 1; cut < outer.length; cut++) {
      const spliced = outer.slice(0, cut) + inner + outer.slice(cut);
      await repaired(`${line(1, 1)}${spliced}\n${line(4, 4)}`, '--output', path(`${cut}`), '--renumber');
      expect({ cut, text: textOf(path(`${cut}`)) }).toEqual({ cut, text: journalText([1, { text: 'three' }, 4]) });
    }
  });

  test('a file with only carriage returns is read, and its torn end is reported', async () => {
    const text = journalText(['a', 'b', 'c']).replaceAll('\n', '\r');
    expect(await repaired(text)).toEqual({ code: 0, good: journalText(['a', 'b', 'c']), notes: [''] });
    const torn = await repaired(text + '{"schemaV', '--output', path('torn'));
    expect(textOf(path('torn'))).toBe(journalText(['a', 'b', 'c']));
    expect(torn.notes).toEqual(['left out a torn end of 9 bytes']);
  });

  test('an entry that holds lines is not taken for them, wherever it lost its end or its beginning', async () => {
    const holder = bare(9, { quoted: JSON.parse(bare(2, 'two')) as unknown, text: 'hello', list: [1] });
    for (let cut = 1; cut < holder.length; cut++) {
      const { notes } = await repaired(line(1, 1) + holder.slice(0, cut) + '\n', '--output', path(`end ${cut}`));
      expect(notes).toEqual([expect.stringContaining('left out 1 line'), '- line 2: it is not JSON']);
      expect(textOf(path(`end ${cut}`))).toBe(line(1, 1));
      // Without what stands before it, it is a line.
      if (holder.startsWith(bare(2, 'two'), cut)) continue;
      await repaired(line(1, 1) + holder.slice(cut) + '\n', '--output', path(`begin ${cut}`));
      expect(textOf(path(`begin ${cut}`))).toBe(line(1, 1));
    }
  });

  test('a long line of garbage costs its length', async () => {
    const parts = ['{', '{"a":', '[{"a":[', '{"a":"{"', '"\\"{', bare(1, 1).slice(0, -1), '{"a":{}', '{} '];
    for (const part of parts) {
      const garbage = part.repeat(Math.ceil(1_000_000 / part.length));
      const begin = performance.now();
      await repaired(garbage + bare(7, part) + garbage + '\n', '--output', path('long'), '--renumber');
      expect(performance.now() - begin).toBeLessThan(5000);
      expect(textOf(path('long')).endsWith(line(7, part)) || part.startsWith('{"schema')).toBe(true);
      rmSync(path('long'));
      for (const name of readdirSync(path())) rmSync(path(name));
    }
  }, 60_000);
});

(process.platform === 'linux' ? test : test.skip)('what is private stays private (Linux)', async () => {
  const modes = () =>
    readdirSync(path()).map((name) => [name, (statSync(path(name)).mode & 0o777).toString(8)] as const);
  writeFileSync(path('bad'), journalText([1]) + 'x\n' + journalText([3], 3));
  writeFileSync(path('lines'), '{"a":1}\n');
  writeFileSync(path('runs'), journalText([1]) + journalText([1]));
  for (const name of ['bad', 'lines', 'runs']) chmodSync(path(name), 0o640);
  await runHere(['repair', path('bad')]);
  for (const name of ['lines', 'runs']) await runHere(['import', path(name), path(`${name}.imported`)]);
  expect(modes()).toHaveLength(8);
  expect(modes().filter(([, mode]) => mode !== '640')).toEqual([]);
});
