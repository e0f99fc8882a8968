import { HEAD } from '../../flush/json-entry-serializer';

/** Where an object begins, and where it ends. */
export interface Span {
  readonly from: number;
  readonly end: number;
}

/** What is read of the object that begins at an index. */
interface Scan {
  /** The index after the object, or the first that is not JSON any more. */
  readonly end: number;
  readonly isWhole: boolean;
  /** Where reading continues, if the object is not whole. */
  readonly next: number;
  /** An object inside it that ends where it stops being JSON. */
  readonly inner: Span | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const MAX_SCALAR = 1024;
const HEX = /^[0-9a-fA-F]{4}$/;
const POSITION = new RegExp(`^${HEAD.replace(/[{}]/g, '\\$&')}(\\d{1,16}),`);

/**
 * Finds the JSON objects in bytes that are not JSON as a whole: glued together, between garbage, after a torn one, or inside one that
 * they were written into. An object that is part of another does not count. Reads each byte a few times at most, however deep the nesting.
 */
export function* objectsIn(bytes: Buffer): Generator<Span, void> {
  /** Where the text stops being JSON: the character there belongs to no object. */
  let stopped = -1;
  for (let at = bytes.indexOf(OPEN); at >= 0; at = bytes.indexOf(OPEN, at)) {
    const scan = scanObject(bytes, at);
    if (scan.isWhole) {
      if (at === stopped || !isMember(bytes, at, scan.end)) yield { from: at, end: scan.end };
      at = scan.end;
      continue;
    }
    // Glued to one that was torn where a value was expected. (An entry that quotes another quotes an earlier one.)
    const { inner } = scan;
    if (inner && positionAt(bytes, inner.from) >= positionAt(bytes, at)) yield inner;
    stopped = scan.next;
    at = scan.next;
  }
}

/** Whether an object is the value of a key of an object that has lost its beginning. */
function isMember(bytes: Buffer, from: number, end: number): boolean {
  let before = from - 1;
  while (before >= 0 && isSpace(bytes[before]!)) before--;
  if (bytes[before] !== COLON) return false;
  const after = bytes[skipSpace(bytes, end)];
  return after === CLOSE || after === CLOSE_LIST || after === COMMA;
}

function positionAt(bytes: Buffer, at: number): number {
  return Number(POSITION.exec(bytes.toString('latin1', at, at + 64))?.[1] ?? 0);
}

/** Reads an object as strictly as `JSON.parse` does, in one pass: where an outer object stops being JSON, so do all open objects inside it. */
function scanObject(bytes: Buffer, from: number): Scan {
  /** The open objects (where they begin) and lists (-1). */
  const open: number[] = [];
  let inner: Span | undefined;
  const stop = (end: number, next = end): Scan => ({ end, isWhole: false, next, inner });

  let expected: 'value' | 'key' | 'colon' | 'separator' = 'value';
  let mayClose = false;
  for (let at = from; ; at = skipSpace(bytes, at)) {
    const byte = bytes[at];
    if (byte === undefined) return stop(bytes.length);
    if (expected === 'colon') {
      if (byte !== COLON) return stop(at, beforeString(bytes, at));
      expected = 'value';
      mayClose = false;
      at++;
    } else if (byte === CLOSE || byte === CLOSE_LIST) {
      const begin = open.at(-1)!;
      if (!mayClose || begin >= 0 !== (byte === CLOSE)) return stop(at);
      open.pop();
      at++;
      if (open.length === 0) return { end: at, isWhole: true, next: at, inner: undefined };
      inner = begin >= 0 ? { from: begin, end: at } : undefined;
      expected = 'separator';
      mayClose = true;
      continue;
    } else if (expected === 'separator') {
      if (byte !== COMMA) return stop(at, beforeString(bytes, at));
      expected = open.at(-1)! >= 0 ? 'key' : 'value';
      mayClose = false;
      at++;
    } else if (byte === QUOTE) {
      const end = stringEnd(bytes, at);
      if (end < 0) return stop(-end);
      mayClose = expected === 'value';
      expected = expected === 'key' ? 'colon' : 'separator';
      at = end;
    } else if (expected === 'key') {
      return stop(at);
    } else if (byte === OPEN || byte === OPEN_LIST) {
      open.push(byte === OPEN ? at : -1);
      expected = byte === OPEN ? 'key' : 'value';
      mayClose = true;
      at++;
    } else {
      const end = scalarEnd(bytes, at);
      if (!SCALAR.test(bytes.toString('latin1', at, end))) return stop(Math.max(at + 1, end));
      expected = 'separator';
      mayClose = true;
      at = end;
    }
    inner = undefined;
  }
}

/** Where an object may begin that was glued to a cut string, if its first quote was taken for the end of that string; otherwise the index itself. */
function beforeString(bytes: Buffer, at: number): number {
  if (bytes[at - 1] !== QUOTE) return at;
  let before = at - 2;
  while (isSpace(bytes[before]!)) before--;
  return bytes[before] === OPEN ? before : at;
}

/** The index after the string that begins at an index; negative: where it stops being a string. */
function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -at;
    if (byte !== BACKSLASH) continue;
    const escaped = bytes[at + 1] ?? 0;
    if (escaped === 0x75 && HEX.test(bytes.toString('latin1', at + 2, at + 6))) at += 5;
    else if ('"\\/bfnrt'.includes(String.fromCharCode(escaped))) at++;
    else return -at;
  }
  return -bytes.length;
}

function scalarEnd(bytes: Buffer, from: number): number {
  let at = from;
  const most = Math.min(bytes.length, from + MAX_SCALAR);
  while (at < most && isOfScalar(bytes[at]!)) at++;
  return at;
}

function isOfScalar(byte: number): boolean {
  const lower = byte | 0x20;
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (lower >= 0x61 && lower <= 0x7a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at]!)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
