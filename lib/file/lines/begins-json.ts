/** What may follow: a value, a value or the end of an empty array, a key, a key or the end of an empty object, … */
type Expected = 'value' | 'firstItem' | 'key' | 'firstKey' | 'colon' | 'separator' | 'nothing';

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[-+.0-9A-Za-z]+/y;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const NUMBER_BEGINNING = /^-?((0|[1-9]\d*)(\.\d*)?((?<=\d)([eE]([+-]?\d*)))?)?$/;
const ESCAPE = /\\(["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const ESCAPE_BEGINNING = /\\(u[0-9a-fA-F]{0,3})?$/y;

/** Whether a text is a JSON text or the beginning of one. */
export function beginsJson(text: string): boolean {
  const open: ('{' | '[')[] = [];
  let expected = 'value' as Expected;
  let at = skip(SPACE, text, 0);
  for (; at < text.length; at = skip(SPACE, text, at)) {
    const char = text[at]!;
    if (expected === 'nothing') return false;
    if (expected === 'colon') {
      if (char !== ':') return false;
      expected = 'value';
      at++;
    } else if (char === '}' || char === ']') {
      const kind = open.pop();
      const closable = expected === 'separator' || expected === (char === '}' ? 'firstKey' : 'firstItem');
      if (!closable || kind !== (char === '}' ? '{' : '[')) return false;
      expected = open.length === 0 ? 'nothing' : 'separator';
      at++;
    } else if (expected === 'separator') {
      if (char !== ',') return false;
      expected = open.at(-1) === '{' ? 'key' : 'value';
      at++;
    } else if (char === '"') {
      at = skipString(text, at);
      if (at < 0) return false;
      expected = expected === 'key' || expected === 'firstKey' ? 'colon' : behindValue(open);
    } else if (expected === 'key' || expected === 'firstKey') {
      return false;
    } else if (char === '{' || char === '[') {
      open.push(char);
      expected = char === '{' ? 'firstKey' : 'firstItem';
      at++;
    } else {
      const end = skip(SCALAR, text, at);
      const scalar = text.slice(at, end);
      if (!(end === text.length ? isScalarBeginning(scalar) : isScalar(scalar))) return false;
      expected = behindValue(open);
      at = end;
    }
  }
  return true;
}

function behindValue(open: readonly unknown[]): Expected {
  return open.length === 0 ? 'nothing' : 'separator';
}

function isScalar(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null' || NUMBER.test(text);
}

function isScalarBeginning(text: string): boolean {
  return (
    text !== '' && (['true', 'false', 'null'].some((word) => word.startsWith(text)) || NUMBER_BEGINNING.test(text))
  );
}

/** The index after the string that begins at `at`; the text's end if the string is cut; -1 if there is none. */
function skipString(text: string, at: number): number {
  for (at++; at < text.length;) {
    const char = text[at]!;
    if (char === '"') return at + 1;
    if (char < ' ') return -1;
    if (char !== '\\') at++;
    else {
      const end = skip(ESCAPE, text, at);
      if (end === at) return skip(ESCAPE_BEGINNING, text, at) > at ? text.length : -1;
      at = end;
    }
  }
  return at;
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
