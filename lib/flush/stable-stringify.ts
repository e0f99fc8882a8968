import libraryStringify from 'fast-json-stable-stringify';

/** The sorted keys of objects that have the same keys in the same order. */
interface Shape {
  readonly keys: readonly string[];
  readonly sorted: readonly string[];
  /** `{"key":` for the first sorted key, `,"key":` for the others. */
  readonly labels: readonly string[];
  /** The same before a string, with its quotation mark: each concatenation costs as much as several characters. */
  readonly textLabels: readonly string[];
}

/** A direct-mapped cache: bounded, and a collision only costs a sort. */
const shapes: (Shape | undefined)[] = [];
const SLOTS = 256;

/** Wider shapes, and shapes with longer keys, are not cached: objects that serve as dictionaries would fill the memory. */
const MAX_KEYS = 64;
const MAX_LENGTH = 2_048;

/** Deeper than this there may be a cycle. */
const MAX_DEPTH = 64;
/** The writing starts over and keeps its trail: an error has the path. */
const WITH_TRAIL = Symbol();

/** The current place in an entry: the objects from the root, and the key of each. */
interface Trail {
  readonly objects: object[];
  readonly keys: (string | number)[];
}

/** An object holds itself, or something is a bigint. */
export class NoTextError extends TypeError {}

/** Only characters that `JSON.stringify` does not escape: matching one run is faster than finding an exception, and for strings up to this length faster than a native call. */
const PLAIN = /^[^\u0000-\u001f"\\\ud800-\udfff]*$/; // eslint-disable-line no-control-regex -- JSON escapes them
const SHORT = 512;

/**
 * JSON with sorted keys, otherwise as by `JSON.stringify`: byte for byte the output of fast-json-stable-stringify at less than half of its
 * cost, because it caches the sorted order of keys and quotes natively.
 *
 * @returns undefined for values that JSON leaves out (`undefined`, functions, symbols)
 * @throws {@link NoTextError} for a bigint and for a cycle
 */
export function stableStringify(value: unknown): string | undefined {
  try {
    return stringify(value, '', 0);
  } catch (error) {
    if (error !== WITH_TRAIL) throw error;
    return stringifyDeep(value, '', { objects: [], keys: [] });
  }
}

function stringify(value: unknown, key: string | number, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return isPlain(value) ? '"' + value + '"' : JSON.stringify(value);
    case 'number':
      return isFinite(value) ? '' + value : 'null';
    case 'object':
      return value === null ? 'null' : stringifyObject(value, key, depth);
    case 'boolean':
      return '' + value;
    case 'bigint':
    case 'function':
      if (hasToJSON(value)) return stringify(value.toJSON(String(key)), key, depth);
      if (typeof value === 'bigint') throw WITH_TRAIL;
      return libraryStringify(value);
    default:
      return libraryStringify(value);
  }
}

function stringifyObject(object: object, key: string | number, depth: number): string | undefined {
  if (hasToJSON(object)) {
    const replaced = object.toJSON(String(key));
    if (typeof replaced !== 'object' || replaced === null) return stringify(replaced, key, depth);
    object = replaced;
  }

  if (depth === MAX_DEPTH) throw WITH_TRAIL;
  if (Array.isArray(object)) {
    let out = '[';
    for (let i = 0; i < object.length; i++) {
      if (i > 0) out += ',';
      out += stringify(object[i], i, depth + 1) ?? 'null';
    }
    return out + ']';
  }
  if (Object.getPrototypeOf(object) !== Object.prototype) {
    const primitive = unboxed(object);
    if (primitive !== undefined) return stringify(primitive, key, depth);
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
      const json = stringify(value, sorted[i]!, depth + 1);
      if (json !== undefined) out += labels[i]! + json;
      else leavesOut = true;
    }
  }
  // The member that was left out may have been the first, with the brace.
  return (leavesOut ? '{' + out.slice(1) : out) + '}';
}

/** The same for deep values, with one frame per level; throws for a cycle and for a bigint. */
function stringifyDeep(value: unknown, key: string | number, trail: Trail): string | undefined {
  value = replaced(value, key);
  if (typeof value === 'bigint') throw bigintAt(key, trail);
  if (typeof value !== 'object' || value === null) return stringify(value, key, 0);

  const { objects, keys } = trail;
  keys.push(key);
  const start = objects.indexOf(value);
  if (start >= 0) {
    const held = start > 0 ? pathOf(keys.slice(0, start + 1)) : 'the entry';
    throw new NoTextError(`it has a cycle: ${pathOf(keys)} is ${held}`);
  }
  objects.push(value);
  let out = '';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) out += (i ? ',' : '') + (stringifyDeep(value[i], i, trail) ?? 'null');
    out = `[${out}]`;
  } else {
    for (const name of Object.keys(value).sort()) {
      const json = stringifyDeep((value as Readonly<Record<string, unknown>>)[name], name, trail);
      if (json !== undefined) out += (out && ',') + JSON.stringify(name) + ':' + json;
    }
    out = `{${out}}`;
  }
  objects.pop();
  keys.pop();
  return out;
}

/** The value that `JSON.stringify` takes instead. Not inlined: a frame of what is deep has to be small. */
function replaced(value: unknown, key: string | number): unknown {
  const mayHaveToJSON = value !== null && ['object', 'bigint', 'function'].includes(typeof value);
  if (mayHaveToJSON && hasToJSON(value)) value = value.toJSON(String(key));
  return typeof value === 'object' && value !== null ? (unboxed(value) ?? value) : value;
}

function bigintAt(key: string | number, { keys }: Trail): NoTextError {
  const where = keys.length > 0 ? pathOf([...keys, key]) : 'the entry';
  return new NoTextError(`JSON cannot hold a bigint: ${where} is one`);
}

function hasToJSON<V>(value: V): value is V & { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** The objects that `JSON.stringify` unboxes. */
function unboxed(object: object): unknown {
  if (object instanceof Number) return Number(object);
  if (object instanceof String) return String(object);
  if (object instanceof Boolean || object instanceof BigInt) return object.valueOf();
  return undefined;
}

/** Without the root's key, which is not part of the path. */
function pathOf([, ...keys]: readonly (string | number)[]): string {
  return '`' + keys.join('.') + '`';
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
  const shape: Shape = { keys, sorted, labels: labels(':'), textLabels: labels(':"') };
  const isKept = keys.length <= MAX_KEYS && keys.reduce((length, key) => length + key.length, 0) <= MAX_LENGTH;
  return isKept ? (shapes[slot] = shape) : shape;
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}
