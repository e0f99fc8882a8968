import fc from 'fast-check';
import { EncodedLines } from '../../lib/file/encoded-lines';

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

  test('forgets all when it is cleared', () => {
    const lines = new EncodedLines();
    for (let n = 0; n < 150; n++) lines.push('old');
    lines.take(10);
    lines.clear();
    lines.push('new');
    expect(lines.take(1).map(({ bytes }) => bytes.toString())).toEqual(['new\n']);
  });

  test('holds lines that are longer together than one string may be', () => {
    const lines = new EncodedLines();
    const long = 'x'.repeat(20 * 1024 * 1024);
    for (let n = 0; n < 30; n++) lines.push(long);
    const taken = lines.take(30);
    expect(taken.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(30 * (long.length + 1));
  });
});
