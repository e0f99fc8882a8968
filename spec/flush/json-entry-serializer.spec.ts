/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/class-literal-property-style -- matchers are any; getters are what is written */
import fc from 'fast-check';
import libraryStringify from 'fast-json-stable-stringify';
import { CorruptEntryError, JsonEntrySerializer, ScrivenerError, SerializationError } from 'rx-scrivener';

const serializer = new JsonEntrySerializer<unknown>();
const line = (entry: unknown, position = 7) => serializer.serialize({ position, entry });
/** The entry's own text within its line. */
const json = (entry: unknown) => {
  const text = line(entry, 1);
  const head = '{"schemaVersion":"1","position":1,"entry":';
  expect(text.startsWith(head) && text.endsWith('}')).toBe(true);
  return text.slice(head.length, -1);
};

describe('the format', () => {
  test('schemaVersion, position, entry, in that order, without spaces', () => {
    expect(line({ b: 1, a: [true, null, 'x'] })).toBe(
      '{"schemaVersion":"1","position":7,"entry":{"a":[true,null,"x"],"b":1}}',
    );
    expect(line('x', Number.MAX_SAFE_INTEGER)).toBe('{"schemaVersion":"1","position":9007199254740991,"entry":"x"}');
    expect(line(null, 1)).toBe('{"schemaVersion":"1","position":1,"entry":null}');
  });

  test('equal entries are equal bytes, whatever the order of their keys, at every depth', () => {
    const a = { type: 'x', data: { z: 1, y: { d: 1, c: 2 } }, list: [{ q: 1, p: 2 }] };
    const b = { list: [{ p: 2, q: 1 }], data: { y: { c: 2, d: 1 }, z: 1 }, type: 'x' };
    expect(line(a)).toBe(line(b));
    expect(json(a)).toBe('{"data":{"y":{"c":2,"d":1},"z":1},"list":[{"p":2,"q":1}],"type":"x"}');
  });

  test('keys are sorted by their code units, integer-like ones too', () => {
    expect(json({ 10: 'a', 2: 'b', 1: 'c', a: 1, B: 2, '': 3, ä: 4, '\u{1f600}': 5, '\uffff': 6 })).toBe(
      '{"":3,"1":"c","10":"a","2":"b","B":2,"a":1,"ä":4,"\u{1f600}":5,"\uffff":6}',
    );
  });

  test('is sorted also when objects of like shape come in turns', () => {
    // As a cache of shapes would be tempted to mix them up: same count, same lengths, other keys or order.
    const shapes = [
      { ab: 1, cd: 2, ef: 3 },
      { ab: 1, dc: 2, ef: 3 },
      { cd: 2, ab: 1, ef: 3 },
      { ef: 3, cd: 2, ab: 1 },
      { ab: 1, ef: 3 },
      { ab: 1, cd: 2, ef: 3, gh: 4 },
      { xy: 1, cd: 2, ef: 3 },
    ];
    for (let round = 0; round < 3; round++)
      for (const shape of shapes) expect(json(shape)).toBe(libraryStringify(shape));
  });

  test('has no newline, whatever the text', () => {
    for (const text of ['\n', '\r\n', '\u2028', '\u2029', '\u0085', 'a\nb'.repeat(1000)]) {
      expect(line({ [text]: text })).not.toMatch(/[\n\r]/);
      expect(serializer.deserialize(line({ [text]: text })).entry).toEqual({ [text]: text });
    }
  });

  test('short and long texts are escaped alike', () => {
    for (const filler of ['', 'x'.repeat(510), 'x'.repeat(511), 'x'.repeat(512), 'x'.repeat(513), 'x'.repeat(5000)]) {
      for (const odd of [
        '',
        '"',
        '\\',
        '\u0000',
        '\u001f',
        '\u007f',
        '\ud800',
        '\udfff',
        '\ud83d\ude00',
        'é',
        '\u2028',
      ]) {
        expect(json(filler + odd)).toBe(JSON.stringify(filler + odd));
        expect(json({ [filler + odd]: odd })).toBe(libraryStringify({ [filler + odd]: odd }));
      }
    }
  });

  test('lone surrogates survive', () => {
    for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
      expect(json(text)).toMatch(/\\ud[0-9a-f]{3}/);
      expect(serializer.deserialize(line({ [text]: text })).entry).toEqual({ [text]: text });
    }
  });
});

describe('values that JSON treats in its own way', () => {
  class Named {
    constructor(
      readonly z: number,
      readonly a: number,
    ) {}
    get computed() {
      return 1;
    }
  }
  const functionWithToJson = Object.assign(() => 1, { toJSON: () => ({ b: 1, a: 2 }) });
  const sparse: unknown[] = [1, , 3]; // eslint-disable-line no-sparse-arrays -- JSON writes null for a hole
  sparse.length = 5;
  const cases: [string, unknown, string][] = [
    ['undefined members', { a: undefined, b: 1, c: undefined }, '{"b":1}'],
    ['only undefined members', { a: undefined }, '{}'],
    ['functions and symbols as members', { a: () => 1, b: Symbol('x'), c: 1 }, '{"c":1}'],
    ['undefined, functions and symbols in arrays', [undefined, () => 1, Symbol('x'), 1], '[null,null,null,1]'],
    ['sparse arrays', sparse, '[1,null,3,null,null]'],
    ['empty ones', [{}, [], '', { a: {} }], '[{},[],"",{"a":{}}]'],
    [
      'numbers that are none',
      [NaN, Infinity, -Infinity, -0, 1e21, 1e-7, 0.1 + 0.2],
      '[null,null,null,0,1e+21,1e-7,0.30000000000000004]',
    ],
    ['dates', { at: new Date(0), bad: new Date(NaN) }, '{"at":"1970-01-01T00:00:00.000Z","bad":null}'],
    ['toJSON giving an object', { toJSON: () => ({ b: 1, a: 2 }) }, '{"a":2,"b":1}'],
    [
      'toJSON giving undefined, as a member and in an array',
      { a: { toJSON: () => undefined }, b: [{ toJSON: () => undefined }] },
      '{"b":[null]}',
    ],
    [
      'toJSON giving null, a string, a number, a boolean',
      ['n', 'x', 1, false].map((v) => ({ toJSON: () => (v === 'n' ? null : v) })),
      '[null,"x",1,false]',
    ],
    ['toJSON giving what has a toJSON', { toJSON: () => ({ toJSON: () => 'inner', a: 1 }) }, '{"a":1}'],
    ['nested toJSON', { toJSON: () => ({ inner: new Date(0) }) }, '{"inner":"1970-01-01T00:00:00.000Z"}'],
    ['an array with toJSON', Object.assign([1], { toJSON: () => 'array' }), '"array"'],
    ['toJSON that is no function', { toJSON: 1, a: 2 }, '{"a":2,"toJSON":1}'],
    ['a function with toJSON', { f: functionWithToJson }, '{"f":{"a":2,"b":1}}'],
    ['Maps, Sets and regular expressions', [new Map([[1, 2]]), new Set([1]), /x/], '[{},{},{}]'],
    ['instances: own enumerable properties only', new Named(1, 2), '{"a":2,"z":1}'],
    [
      'getters of their own',
      {
        get b() {
          return 1;
        },
        a: 2,
      },
      '{"a":2,"b":1}',
    ],
    ['without a prototype', Object.assign(Object.create(null) as object, { b: 1, a: 2 }), '{"a":2,"b":1}'],
    ['inherited properties', Object.create({ inherited: 1 }), '{}'],
    [
      'symbol keys and non-enumerable ones',
      Object.defineProperty({ [Symbol('s')]: 1, a: 1 }, 'hidden', { value: 1 }),
      '{"a":1}',
    ],
    ['typed arrays', new Uint8Array([2, 1]), '{"0":2,"1":1}'],
    ['errors', new Error('x'), '{}'],
    [
      'hasOwnProperty, constructor, length as keys',
      { hasOwnProperty: 1, constructor: 2, length: 3 },
      '{"constructor":2,"hasOwnProperty":1,"length":3}',
    ],
    [
      'the same object twice',
      (() => {
        const o = { x: 1 };
        return [o, o, { o }];
      })(),
      '[{"x":1},{"x":1},{"o":{"x":1}}]',
    ],
  ];

  test.each(cases)('%s', (_, value, expected) => {
    expect(json(value)).toBe(expected);
    expect(libraryStringify(value)).toBe(expected);
  });

  test('a BigInt that has a toJSON is written by it', () => {
    const prototype = BigInt.prototype as { toJSON?: unknown };
    prototype.toJSON = function (this: bigint) {
      return String(this);
    };
    try {
      expect(json({ n: 10n })).toBe('{"n":"10"}');
    } finally {
      delete prototype.toJSON;
    }
  });

  test('__proto__ as a key is a key, and pollutes nothing', () => {
    const entry: unknown = JSON.parse('{"__proto__":{"polluted":true},"a":1}');
    expect(json(entry)).toBe('{"__proto__":{"polluted":true},"a":1}');
    const { entry: back } = serializer.deserialize(line(entry));
    expect(Object.keys(back as object).sort()).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((back as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('what cannot be written', () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = { deeper: [cycle] };
  const arrayCycle: unknown[] = [];
  arrayCycle.push(arrayCycle);
  const thrown = new Error('getter');
  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['toJSON giving undefined', { toJSON: () => undefined }],
    ['a bigint', 1n],
    ['a bigint within', { a: [1n] }],
    ['toJSON giving a bigint', { toJSON: () => 1n }],
    ['a cycle', cycle],
    ['a cycle of arrays', arrayCycle],
    [
      'a getter that throws',
      {
        get a() {
          throw thrown;
        },
      },
    ],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw thrown;
        },
      },
    ],
  ])('%s is a SerializationError', (_, entry) => {
    let error: unknown;
    try {
      line(entry);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(SerializationError);
    expect(error).toBeInstanceOf(ScrivenerError);
    expect(error).toMatchObject({ code: 'ERR_SERIALIZATION', name: 'SerializationError' });
  });

  test('what a getter throws is the cause', () => {
    expect(() =>
      line({
        get a() {
          throw thrown;
        },
      }),
    ).toThrow(expect.objectContaining({ cause: thrown }));
  });

  test('and leaves nothing behind: the next entry is written as ever', () => {
    expect(() => line(cycle)).toThrow(SerializationError);
    expect(json({ b: 1, a: 2 })).toBe('{"a":2,"b":1}');
  });
});

describe('depth', () => {
  const nested = (depth: number, wrap: (inner: unknown) => unknown) => {
    let value: unknown = { z: 1, a: 2 };
    for (let i = 0; i < depth; i++) value = wrap(value);
    return value;
  };
  test.each([1, 62, 63, 64, 65, 66, 100, 1000, 3000])('%d levels are written sorted, and read back', (depth) => {
    for (const wrap of [(inner: unknown) => ({ y: 0, inner, b: 0 }), (inner: unknown) => [inner, 1]]) {
      const value = nested(depth, wrap);
      const text = json(value);
      expect(text).toBe(libraryStringify(value));
      expect(text).toContain('{"a":2,"z":1}');
      expect(json(serializer.deserialize(line(value)).entry)).toBe(text);
    }
  });

  test('toJSON below the depth where another way is taken is called for its value', () => {
    for (const depth of [63, 64, 65]) {
      const value = nested(depth, (inner) => ({ inner, at: new Date(0) }));
      expect(json(value)).toBe(libraryStringify(value));
    }
  });
});

describe('reading', () => {
  const read = (text: string) => serializer.deserialize(text);

  test.each<[string, string, { position: number; entry: unknown }]>([
    ['its own', '{"schemaVersion":"1","position":7,"entry":{"a":1}}', { position: 7, entry: { a: 1 } }],
    ['entry first', '{"entry":{"a":1},"position":7,"schemaVersion":"1"}', { position: 7, entry: { a: 1 } }],
    ['position first', '{"position":7,"schemaVersion":"1","entry":null}', { position: 7, entry: null }],
    ['entry before position', '{"schemaVersion":"1","entry":[1],"position":7}', { position: 7, entry: [1] }],
    ['spaces', '{ "schemaVersion" : "1", "position" : 7, "entry" : 1 }', { position: 7, entry: 1 }],
    ['spaces within the entry', '{"schemaVersion":"1","position":7,"entry": 1 }', { position: 7, entry: 1 }],
    ['further keys', '{"schemaVersion":"1","position":7,"entry":1,"more":2}', { position: 7, entry: 1 }],
    ['further keys before', '{"at":0,"schemaVersion":"1","position":7,"entry":1}', { position: 7, entry: 1 }],
    [
      'the largest position',
      '{"schemaVersion":"1","position":9007199254740991,"entry":1}',
      { position: 9007199254740991, entry: 1 },
    ],
    ['escapes in its keys', '{"schem\\u0061Version":"1","position":7,"entry":1}', { position: 7, entry: 1 }],
    [
      'a key twice: the last counts, as in JSON.parse',
      '{"schemaVersion":"1","position":1,"entry":1,"entry":2}',
      { position: 1, entry: 2 },
    ],
    ['a position twice', '{"schemaVersion":"1","position":1,"entry":1,"position":3}', { position: 3, entry: 1 }],
    [
      'a position twice, entry an object',
      '{"schemaVersion":"1","position":1,"entry":{},"position":3}',
      { position: 3, entry: {} },
    ],
    [
      'an entry that looks like the envelope',
      '{"schemaVersion":"1","position":1,"entry":{"schemaVersion":"2","position":9,"entry":0}}',
      { position: 1, entry: { schemaVersion: '2', position: 9, entry: 0 } },
    ],
    [
      'an entry that ends in braces within a text',
      '{"schemaVersion":"1","position":1,"entry":"}}"}',
      { position: 1, entry: '}}' },
    ],
  ])('%s', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
    expect(Object.keys(read(text)).sort()).toEqual(['entry', 'position']);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', 'x'],
    ['a cut line', '{"schemaVersion":"1","position":7,"entry":{"a":1}'],
    ['a line cut within the entry', '{"schemaVersion":"1","position":7,"entry":{"a":'],
    ['a line cut in a text that ends in a brace', '{"schemaVersion":"1","position":7,"entry":"a}'],
    ['a brace too many', '{"schemaVersion":"1","position":7,"entry":1}}'],
    ['two lines in one', '{"schemaVersion":"1","position":7,"entry":1}{"schemaVersion":"1","position":8,"entry":1}'],
    ['a comma too many', '{"schemaVersion":"1","position":7,"entry":1,}'],
    ['no value for the entry', '{"schemaVersion":"1","position":7,"entry":}'],
    ['null', 'null'],
    ['a number', '7'],
    ['a text', '"x"'],
    ['true', 'true'],
    ['an array', '[{"schemaVersion":"1","position":7,"entry":1}]'],
    ['an array that has it all', '[]'],
    ['an empty object', '{}'],
    ['another schemaVersion', '{"schemaVersion":"2","position":7,"entry":1}'],
    ['schemaVersion as a number', '{"schemaVersion":1,"position":7,"entry":1}'],
    ['schemaVersion "1.0"', '{"schemaVersion":"1.0","position":7,"entry":1}'],
    ['schemaVersion with a space', '{"schemaVersion":"1 ","position":7,"entry":1}'],
    ['schemaVersion null', '{"schemaVersion":null,"position":7,"entry":1}'],
    ['no schemaVersion', '{"position":7,"entry":1}'],
    ['schemaVersion overridden behind the entry', '{"schemaVersion":"1","position":7,"entry":1,"schemaVersion":"2"}'],
    ['no position', '{"schemaVersion":"1","entry":1}'],
    ['no entry', '{"schemaVersion":"1","position":7}'],
    ['no entry but a toString', '{"schemaVersion":"1","position":7,"toString":1}'],
    ['position 0', '{"schemaVersion":"1","position":0,"entry":1}'],
    ['position -1', '{"schemaVersion":"1","position":-1,"entry":1}'],
    ['position -0', '{"schemaVersion":"1","position":-0,"entry":1}'],
    ['position 1.5', '{"schemaVersion":"1","position":1.5,"entry":1}'],
    ['position 2^53', '{"schemaVersion":"1","position":9007199254740992,"entry":1}'],
    ['position 2^53+1', '{"schemaVersion":"1","position":9007199254740993,"entry":1}'],
    ['position 1e400', '{"schemaVersion":"1","position":1e400,"entry":1}'],
    ['a position of very many digits', `{"schemaVersion":"1","position":${'9'.repeat(400)},"entry":1}`],
    ['leading zeros', '{"schemaVersion":"1","position":007,"entry":1}'],
    ['zero and digits', '{"schemaVersion":"1","position":01,"entry":1}'],
    ['a plus', '{"schemaVersion":"1","position":+7,"entry":1}'],
    ['hex', '{"schemaVersion":"1","position":0x7,"entry":1}'],
    ['position missing its value', '{"schemaVersion":"1","position":,"entry":1}'],
    ['position as text', '{"schemaVersion":"1","position":"7","entry":1}'],
    ['position null', '{"schemaVersion":"1","position":null,"entry":1}'],
    ['position in an array', '{"schemaVersion":"1","position":[7],"entry":1}'],
    ['an envelope by its prototype', '{"__proto__":{"schemaVersion":"1","position":7,"entry":1}}'],
    ['an entry by its prototype', '{"schemaVersion":"1","position":7,"__proto__":{"entry":1}}'],
    ['single quotes', "{'schemaVersion':'1','position':7,'entry':1}"],
    ['NaN', '{"schemaVersion":"1","position":7,"entry":NaN}'],
    ['a comment', '{"schemaVersion":"1","position":7,"entry":1/**/}'],
    ['zeros', '\u0000'.repeat(20)],
  ])('%s is a CorruptEntryError', (_, text) => {
    let error: unknown;
    try {
      read(text);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(CorruptEntryError);
    expect(error).toMatchObject({
      code: 'ERR_CORRUPT_ENTRY',
      name: 'CorruptEntryError',
      reason: expect.stringMatching(/./),
    });
  });

  test('the reason does not quote the line, which may be confidential', () => {
    for (const text of ['{"schemaVersion":"1","position":7,"entry":"secret}', 'secret', '{"schemaVersion":"secret"}']) {
      expect(() => read(text)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('secret') as string }),
      );
    }
  });

  test('no beginning of a line is itself a line', () => {
    for (const entry of [{ a: { b: {} } }, '}', ['}', {}], 1234, 'x'.repeat(20), {}]) {
      const whole = line(entry, 123);
      for (let end = 0; end < whole.length; end++) expect(() => read(whole.slice(0, end))).toThrow(CorruptEntryError);
    }
  });
});

describe('for any entry', () => {
  const weird = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      '',
      '10',
      '2',
      '-1',
      '01',
      'length',
      'a b',
      '\n',
      '"',
      '\\',
      '\ud800',
    ),
  );
  const leaf = fc.oneof(
    fc.constantFrom(null, true, false, NaN, -0, Infinity, undefined, new Date(0), () => 1),
    weird,
    fc.double(),
    fc.integer(),
  );
  const { value: any } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
    value: fc.oneof({ maxDepth: 5, depthSize: 'small' }, leaf, fc.array(tie('value'), { maxLength: 5 }), tie('object')),
    object: fc.array(fc.tuple(weird, tie('value')), { maxLength: 6 }).map((pairs) => {
      const object = {};
      for (const [key, value] of pairs)
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      return object;
    }),
  }));
  const position = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

  test('the bytes are those of fast-json-stable-stringify', () => {
    fc.assert(
      fc.property(any, position, (entry, at) => {
        const expected = libraryStringify(entry) as string | undefined;
        if (expected === undefined) expect(() => line(entry, at)).toThrow(SerializationError);
        else expect(line(entry, at)).toBe(`{"schemaVersion":"1","position":${at},"entry":${expected}}`);
      }),
      { numRuns: 2000 },
    );
  });

  test('what is read back is what JSON says of it, in any order of the keys', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        position,
        fc.shuffledSubarray(['schemaVersion', 'position', 'entry'], { minLength: 3 }),
        (entry, at, order) => {
          const expected = { position: at, entry: JSON.parse(JSON.stringify(entry)) as unknown };
          expect(serializer.deserialize(line(entry, at))).toEqual(expected);
          const parts: Record<string, string> = {
            schemaVersion: '"1"',
            position: String(at),
            entry: JSON.stringify(entry),
          };
          expect(serializer.deserialize(`{${order.map((key) => `"${key}":${parts[key]!}`).join(',')}}`)).toEqual(
            expected,
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('reading never throws anything but CorruptEntryError, and accepts just what JSON.parse and the checks accept', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"schemaVersion"',
      '"position"',
      '"entry"',
      ':',
      ',',
      '"1"',
      '"2"',
      '1',
      '0',
      '7',
      '1.5',
      'null',
      '[',
      ']',
      '"}"',
      ' ',
      '\\',
    );
    const almost = fc.tuple(
      fc.constantFrom(
        '{"schemaVersion":"1","position":',
        '{"schemaVersion":"1","position":7,"entry":',
        '{"schemaVersion":"1","position":7',
        '',
      ),
      fc.array(piece, { maxLength: 8 }),
      fc.constantFrom('', '}', ',"entry":1}', '}}'),
    );
    fc.assert(
      fc.property(almost, ([start, pieces, end]) => {
        const text = start + pieces.join('') + end;
        let expected: unknown;
        try {
          const parsed = JSON.parse(text) as { schemaVersion?: unknown; position?: unknown; entry?: unknown } | null;
          const ok =
            typeof parsed === 'object' &&
            parsed !== null &&
            !Array.isArray(parsed) &&
            parsed.schemaVersion === '1' &&
            Number.isSafeInteger(parsed.position) &&
            (parsed.position as number) >= 1 &&
            Object.hasOwn(parsed, 'entry');
          if (ok) expected = { position: parsed.position, entry: parsed.entry };
        } catch {
          // no JSON
        }
        if (expected !== undefined) expect(serializer.deserialize(text)).toEqual(expected);
        else expect(() => serializer.deserialize(text)).toThrow(CorruptEntryError);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('like JSON.stringify', () => {
  const keyed = { toJSON: (key: string) => `at ${key}` };

  test.each([
    ['toJSON is called with its key', { a: keyed, list: [keyed, { b: keyed }] }],
    ['toJSON of the entry is called with an empty key', keyed],
    ['boxed primitives', [new Number(3), new Number(NaN), new Boolean(false), new String('ab'), new String('')]],
    ['boxed primitives at members', { n: new Number(3), s: new String('x') }],
    ['toJSON that gives a boxed primitive', { toJSON: () => new String('boxed') }],
  ])('%s', (_, value) => {
    const text = new JsonEntrySerializer<unknown>().serialize({ position: 1, entry: value });
    expect((JSON.parse(text) as { entry: unknown }).entry).toEqual(JSON.parse(JSON.stringify(value)));
    // As deep as where it is written otherwise.
    let deep: unknown = value;
    for (let level = 0; level < 100; level++) deep = { deep };
    const line = new JsonEntrySerializer<unknown>().serialize({ position: 1, entry: deep });
    expect((JSON.parse(line) as { entry: unknown }).entry).toEqual(JSON.parse(JSON.stringify(deep)));
  });

  test('for any value, with keyed toJSONs and boxes among them', () => {
    const leaf = fc.oneof(
      fc.jsonValue(),
      fc.constant(keyed),
      fc.string().map((text) => new String(text)),
      fc.double().map((n) => new Number(n)),
      fc.boolean().map((is) => new Boolean(is)),
      fc.constant(undefined),
    );
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('node')), fc.dictionary(fc.string(), tie('node'))),
    })).node;
    fc.assert(
      fc.property(tree, (value) => {
        fc.pre(value !== undefined);
        const text = new JsonEntrySerializer<unknown>().serialize({ position: 1, entry: value });
        expect((JSON.parse(text) as { entry: unknown }).entry).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('an error tells the path', () => {
  const messageOf = (entry: unknown) => {
    try {
      return new JsonEntrySerializer<unknown>().serialize({ position: 1, entry });
    } catch (error) {
      return (error as Error).message;
    }
  };
  const nested = (levels: number, inner: unknown) => {
    for (let i = 0; i < levels; i++) inner = { in: inner };
    return inner;
  };

  test('of a cycle, however deep', () => {
    const cycle: Record<string, unknown> = { a: { list: [1, {}] } };
    const inner = (cycle.a as { list: Record<string, unknown>[] }).list[1]!;
    inner.back = cycle.a;
    expect(messageOf(cycle)).toMatch(/a cycle: `a\.list\.1\.back` is `a`/);
  });

  test.each<[string, unknown, string]>([
    ['that is the entry', 1n, 'the entry'],
    ['that the entry’s toJSON gives', { toJSON: () => 1n }, 'the entry'],
    ['in an object', { a: { z: 1n, b: 'c' } }, '`a.z`'],
    ['in an array', { a: [{}, [1n]] }, '`a.1.0`'],
    ['in a box', { a: Object(1n) as unknown }, '`a`'],
    ['that a toJSON gives', { a: [{ toJSON: () => 1n }] }, '`a.0`'],
    ['that a function’s toJSON gives', { a: Object.assign(() => 1, { toJSON: () => 1n }) }, '`a`'],
    ['within what a toJSON gives', { a: { toJSON: () => ({ n: 1n }) } }, '`a.n`'],
    ['deeper than 64 levels', nested(100, 1n), '`' + Array(100).fill('in').join('.') + '`'],
  ])('of a bigint %s', (_, entry, where) => {
    const message = `The entry cannot be serialized: JSON cannot hold a bigint: ${where} is one`;
    expect(messageOf(entry)).toBe(message);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['function', () => 1],
    ['symbol', Symbol('x')],
  ])('but there is none for %s, which is refused only as the whole entry', (type, entry) => {
    expect(messageOf(entry)).toBe(`The entry cannot be serialized: JSON cannot hold ${type}`);
    expect(messageOf({ a: entry, b: [entry] })).toBe('{"schemaVersion":"1","position":1,"entry":{"b":[null]}}');
  });
});
