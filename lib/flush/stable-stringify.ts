import libraryStringify from 'fast-json-stable-stringify';

/** The sorted keys of objects that have the same keys in the same order. */
interface Shape {
  readonly keys: readonly string[];
  readonly sorted: readonly string[];
  /** `{"key":` for the first sorted key, `,"key":` for the others. */
  readonly labels: readonly string[];
  /** The same before a text, with its quotation mark: each string that is added costs as much as some characters. */
  readonly textLabels: readonly string[];
}

/** A direct-mapped cache: bounded, and a collision only costs a sort. */
const shapes: (Shape | undefined)[] = [];
const SLOTS = 256;

/** Deeper than this, or in a cycle, the library takes over. */
const MAX_DEPTH = 64;
const TOO_DEEP = Symbol();

/** All of it what `JSON.stringify` would not escape: one run is found faster than a first exception; below this length faster than calling out. */
const PLAIN = /^[^\u0000-\u001f"\\\ud800-\udfff]*$/; // eslint-disable-line no-control-regex -- JSON escapes them
const SHORT = 512;

/**
 * JSON with sorted keys, byte for byte that of fast-json-stable-stringify at less than half of its cost: it remembers the sorted order of
 * the keys it meets, and quotes natively.
 *
 * @returns undefined for what JSON leaves out (`undefined`, functions, symbols)
 * @throws TypeError for a bigint and for a cycle
 */
export function stableStringify(value: unknown): string | undefined {
  try {
    return stringify(value, 0);
  } catch (error) {
    if (error !== TOO_DEEP) throw error;
    return libraryStringify(value);
  }
}

function stringify(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return isPlain(value) ? '"' + value + '"' : JSON.stringify(value);
    case 'number':
      return isFinite(value) ? '' + value : 'null';
    case 'object':
      return value === null ? 'null' : stringifyObject(value, depth);
    case 'boolean':
      return '' + value;
    default:
      return libraryStringify(value);
  }
}

function stringifyObject(object: object, depth: number): string | undefined {
  if (typeof (object as { toJSON?: unknown }).toJSON === 'function') {
    const replaced = (object as { toJSON(): unknown }).toJSON();
    if (typeof replaced !== 'object' || replaced === null) return stringify(replaced, depth);
    object = replaced;
  }

  if (depth === MAX_DEPTH) throw TOO_DEEP;
  if (Array.isArray(object)) {
    let out = '[';
    for (let i = 0; i < object.length; i++) {
      if (i > 0) out += ',';
      out += stringify(object[i], depth + 1) ?? 'null';
    }
    return out + ']';
  }
  const keys = Object.keys(object);
  if (keys.length === 0) return '{}';
  const { sorted, labels, textLabels } = shapeOf(keys);
  let out = '';
  let leavesOut = false;
  for (let i = 0; i < sorted.length; i++) {
    const value = (object as Record<string, unknown>)[sorted[i]!];
    if (typeof value === 'string' && isPlain(value)) {
      out += textLabels[i]! + value + '"';
    } else {
      const json = stringify(value, depth + 1);
      if (json !== undefined) out += labels[i]! + json;
      else leavesOut = true;
    }
  }
  // What was left out may have been the first, with the brace.
  return (leavesOut ? '{' + out.slice(1) : out) + '}';
}

function isPlain(text: string): boolean {
  return text.length < SHORT && PLAIN.test(text);
}

function shapeOf(keys: string[]): Shape {
  const slot = (keys.length * 37 + keys[0]!.length * 7 + keys[keys.length - 1]!.length) % SLOTS;
  const known = shapes[slot];
  if (known !== undefined && sameKeys(known.keys, keys)) return known;
  const sorted = [...keys].sort();
  const labels = (after: string) => sorted.map((key, i) => (i ? ',' : '{') + JSON.stringify(key) + after);
  return (shapes[slot] = { keys, sorted, labels: labels(':'), textLabels: labels(':"') });
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}
