import fc from 'fast-check';
import { beginsJson } from '../../../lib/file/lines/begins-json';

/** What may be missing from a token … */
const TOKEN_ENDS = [
  ...['', '0', '"', '""', 'n"', '0"', '00"', '000"', '0000"', 'u0000"'],
  ...['rue', 'ue', 'e', 'alse', 'lse', 'se', 'ull', 'll', 'l', 'true'],
];
/** … and behind it, before everything that is open can be closed. */
const VALUE_ENDS = ['', ':0', '0', '"":0'];

// JSON.parse is made to throw a hundred thousand times.
const { stackTraceLimit } = Error;
beforeAll(() => (Error.stackTraceLimit = 0));
afterAll(() => (Error.stackTraceLimit = stackTraceLimit));

/** Whether a text can be completed: tries all there may be to add, and lets JSON.parse judge. */
function completable(text: string): boolean {
  let closers = '';
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*(?:"|\\?$)|[[\]{}]/gs)) {
    if (token === '{') closers = '}' + closers;
    if (token === '[') closers = ']' + closers;
    if (token === '}' || token === ']') closers = closers.slice(1);
  }
  for (const token of TOKEN_ENDS) {
    for (const value of VALUE_ENDS) {
      try {
        JSON.parse(text + token + value + closers);
        return true;
      } catch {
        // another
      }
    }
  }
  return false;
}

const json = fc
  .record({
    value: fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }),
    space: fc.constantFrom('', ' ', '\t', '  '),
    escaped: fc.boolean(),
  })
  .map(({ value, space, escaped }) => {
    const text = JSON.stringify(value, undefined, space);
    return escaped
      ? text.replace(/[^ -~\n\t]/g, (char) => '\\u' + char.charCodeAt(0).toString(16).padStart(4, '0'))
      : text;
  });

test('every beginning of a JSON text is one', () => {
  fc.assert(
    fc.property(json, (text) => {
      for (let end = 0; end <= text.length; end++) {
        const beginning = text.slice(0, end);
        if (!beginsJson(beginning)) throw new Error(`Refused: ${beginning}`);
      }
    }),
    { numRuns: 300 },
  );
});

test.each([
  '-12.75e+10',
  '[-0,0.5E-1,1e9,10,-1.0e0]',
  'true',
  'false',
  'null',
  '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE42"',
  ' \t\r\n{ "a" : [ ] , "" : { } , "b" : [ { } , [ ] , "" ] }\n ',
  '[[[[[[]]],[[]]]]]',
  '"\u007f\u2028\ud800 a lone surrogate, unescaped"',
])('%j and each of its beginnings', (text) => {
  expect(() => JSON.parse(text) as unknown).not.toThrow();
  for (let end = 0; end <= text.length; end++) {
    const beginning = text.slice(0, end);
    expect([beginning, beginsJson(beginning)]).toEqual([beginning, true]);
  }
});

test.each([
  ...[
    'x',
    ',',
    ':',
    '}',
    ']',
    '+',
    '+1',
    '.',
    '.5',
    'e',
    'E1',
    '01',
    '-01',
    '--',
    '-x',
    '1.e',
    '1.x',
    '1..',
    '1e+-',
    '1ee',
    '1e1.',
    '0x',
  ],
  ...[
    '1 2',
    '1,',
    '1}',
    '1]',
    '1:',
    '1. ',
    '- ',
    '1e ',
    '1e+ ',
    'tru ',
    'nul,',
    'truee',
    'True',
    'tx',
    'nulL',
    'undefined',
    'NaN',
    'Infinity',
  ],
  ...[
    '"\n',
    '"\t',
    '"\u0000',
    '"\u001f',
    '"\\x',
    '"\\u0g',
    '"\\u00"',
    '"\\u123 ',
    '"\\U',
    '"a"b',
    '"a" "b"',
    '"a":',
    "'",
    "{'",
  ],
  ...['[,', '[1 2', '[1,]', '[1,,', '[}', '[1}', '[:', '[1:', '["a":', '[]]', '[][', '[]1', '[tru,', '[1.]', '[-]'],
  ...[
    '{,',
    '{1',
    '{]',
    '{{',
    '{[',
    '{"a"}',
    '{"a",',
    '{"a" "',
    '{"a":}',
    '{"a":,',
    '{"a":]',
    '{"a":1,}',
    '{"a":1]',
    '{"a":1 "',
    '{"a":1:',
    '{true',
  ],
  ...[
    '{"a":1,1',
    '{"a":1,{',
    '{"a":1,,',
    '{}{',
    '{},',
    '{}}',
    '{}x',
    '{"a"::',
    '{:',
    '{"a":1}"',
    '\u00a01',
    '\ufeff1',
    '\v1',
    '\f',
    '\0',
    '[1\0',
    '//',
    '/*',
  ],
])('%j can be completed by nothing', (text) => {
  expect([text, beginsJson(text)]).toEqual([text, completable(text)]);
  expect(beginsJson(text)).toBe(false);
});

test('every text of up to three characters', () => {
  const alphabet = [...new Set('{}[]:,"\\ntruefalsu019.-+eE \n\té\u0000x')];
  const wrong: string[] = [];
  const visit = (text: string, depth: number) => {
    if (beginsJson(text) !== completable(text)) wrong.push(text);
    if (depth > 0) for (const char of alphabet) visit(text + char, depth - 1);
  };
  visit('', 2);
  // The third only where something can still come of it; of what is lost nothing can.
  for (const a of alphabet) for (const b of alphabet) if (completable(a + b)) visit(a + b, 1);
  expect(wrong).toEqual([]);
});

test("texts made of JSON's own characters and words", () => {
  const pieces = fc.constantFrom(
    ...Array.from('{}[]:,"\\/ \n0123456789.-+eEubfnrtx'),
    ...['true', 'false', 'null', '""', '"a"', '"a":', '{}', '[]', '\\u00e9', '-1', '1.5e3', '[1,', '{"a":1,'],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 9 }), (parts) => {
      const text = parts.join('');
      expect([text, beginsJson(text)]).toEqual([text, completable(text)]);
    }),
    { numRuns: 1500 },
  );
});

test('a beginning with one character replaced, dropped or added', () => {
  const char = fc.constantFrom(...Array.from('{}[]:,"\\ 019.-+eEntfx\n\u0000é'));
  fc.assert(
    fc.property(json, fc.nat(), fc.nat(), fc.nat(2), char, (whole, cut, at, removed, added) => {
      const text = whole.slice(0, 1 + (cut % whole.length));
      const index = at % text.length;
      const other = text.slice(0, index) + (removed === 2 ? '' : added) + text.slice(index + (removed > 0 ? 1 : 0));
      expect([other, beginsJson(other)]).toEqual([other, completable(other)]);
    }),
    { numRuns: 1500 },
  );
});

test('deep nesting does not overflow the stack, long texts do not take long', () => {
  expect(beginsJson('['.repeat(1_000_000))).toBe(true);
  expect(beginsJson('{"a":'.repeat(200_000))).toBe(true);
  expect(beginsJson('"' + 'ü\\n'.repeat(1_000_000))).toBe(true);
  expect(beginsJson('[' + '1,'.repeat(1_000_000))).toBe(true);
  expect(beginsJson('['.repeat(100_000) + '}')).toBe(false);
});
