import type { StandardSchemaV1 } from '@standard-schema/spec';

/** The longest delay of timers, in milliseconds; beyond it they fire immediately. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Throws a `RangeError` that calls the argument by `name` unless it is an integer >= 1 (or, where that means "no limit", `Infinity`). */
export function assertCount(
  name: string,
  value: unknown,
  unlimited: '' | ' or Infinity' = '',
): asserts value is number {
  if ((Number.isSafeInteger(value) && (value as number) >= 1) || (unlimited && value === Infinity)) return;
  throw new RangeError(`Expected \`${name}\` to be an integer >= 1${unlimited}, got ${shown(value)}`);
}

/** Throws a `TypeError` that calls the argument by `name` unless it is one of those allowed. */
export function assertOneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  throw new TypeError(`Expected \`${name}\` to be one of ${allowed.join(', ')}, got ${shown(value)}`);
}

/** Throws a `RangeError` that calls the argument by `name` unless it is a delay that timers can count, or `Infinity`. */
export function assertDelayMs(name: string, value: unknown): asserts value is number {
  if (typeof value === 'number' && ((value >= 0 && value <= MAX_DELAY_MS) || value === Infinity)) return;
  throw new RangeError(`Expected \`${name}\` to be 0 to ${MAX_DELAY_MS} ms or Infinity, got ${shown(value)}`);
}

/** Throws a `TypeError` that calls the argument by `name` unless it is a function. */
export function assertFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`Expected \`${name}\` to be a function, got ${shown(value)}`);
}

/** Throws a `TypeError` that calls the argument by `name` unless it is a string. */
export function assertText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`Expected \`${name}\` to be a text, got ${shown(value)}`);
}

/** Throws a `TypeError` that calls the argument by `name` unless it is an object that has these methods. */
export function assertMethods(name: string, value: unknown, methods: readonly string[]): void {
  const missing = methods.filter((method) => typeof (Object(value) as Record<string, unknown>)[method] !== 'function');
  if (missing.length === 0) return;
  const of = methods.map((method) => `\`${method}\``).join(' and ');
  throw new TypeError(`Expected \`${name}\` to be an object with ${of}, got ${described(value, missing)}`);
}

/** Throws a `TypeError` that calls the options by `name` unless they are an object with only known members: a misspelled one would do nothing. */
export function assertOptions(name: string, options: unknown, known: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`Expected the options of \`${name}\` to be an object, got ${shown(options)}`);
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, option)) continue;
    throw new TypeError(`Expected no option \`${option}\` of \`${name}\`: there are ${Object.keys(known).join(', ')}`);
  }
}

/** Throws a `TypeError` for a value that is not a Standard Schema. */
export function assertSchema(schema: unknown): void {
  const standard = (Object(schema) as Partial<StandardSchemaV1>)['~standard'];
  if (typeof standard?.validate === 'function') return;
  throw new TypeError(`Expected \`schema\` to be a Standard Schema (https://standardschema.dev), got ${shown(schema)}`);
}

function described(value: unknown, missing: readonly string[]): string {
  return typeof value === 'object' && value !== null ? `one without \`${missing[0]}\`` : shown(value);
}

/** A value in a message: a string in quotation marks, so that `'3'` differs from `3`. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'function' ? 'a function' : String(value);
}
