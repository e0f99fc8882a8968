import fc from 'fast-check';
import { countLines, EncodedLines, withoutLines, type Chunk } from '../../../lib/file/lines/encoded-lines';

describe('EncodedLines', () => {
  test('gives what went in, in order, whatever is taken at once (model: an array)', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', '␤'));
    const step = fc.oneof(
      fc.array(line, { maxLength: 200 }).map((lines) => ({ push: lines })),
      fc.nat(300).map((take) => ({ take })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const lines = new EncodedLines();
        const model: string[] = [];
        for (const each of steps) {
          if ('push' in each) {
            each.push.forEach((text) => lines.push(text));
            model.push(...each.push);
          } else {
            const wanted = model.splice(0, each.take);
            const chunks = lines.take(wanted.length);
            const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes));
            expect(chunks.reduce((sum, chunk) => sum + chunk.lines, 0)).toBe(wanted.length);
            expect(bytes.equals(Buffer.from(wanted.map((text) => text + '\n').join('')))).toBe(true);
          }
        }
      }),
    );
  });

  test('what is given back is taken again next, before what waits; all of them continue waiting when they are looked at', () => {
    const lines = new EncodedLines();
    const textOf = (chunks: readonly Chunk[]) => chunks.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
    for (let n = 0; n < 700; n++) lines.push(String(n));
    lines.take(100);
    const taken = lines.take(300);
    lines.push('last');
    lines.giveBack(taken);
    const expected = [...Array.from({ length: 600 }, (_, n) => String(n + 100)), 'last']
      .map((text) => text + '\n')
      .join('');
    expect(textOf(lines.all())).toBe(expected);
    expect(countLines(lines.all())).toBe(601);
    expect(textOf(withoutLines(lines.all(), 599))).toBe('699\nlast\n');
    expect(withoutLines(lines.all(), 700)).toEqual([]);
    expect(textOf(lines.take(601))).toBe(expected);
  });

  test('holds lines that are longer together than one string may be', () => {
    const lines = new EncodedLines();
    const long = 'x'.repeat(20 * 1024 * 1024);
    for (let n = 0; n < 30; n++) lines.push(long);
    const taken = lines.take(30);
    expect(taken.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(30 * (long.length + 1));
  });
});
