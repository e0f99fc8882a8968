import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertSchema } from '../errors/assert-argument';

/** Deeper than any entry that is read, and shallow enough to be walked by recursion. */
const MAX_DEPTH = 1_000;

/**
 * A Standard Schema that refuses what JSON would change or leave out: instances of classes (`Map`, `Set`, `Blob`, `Date`, typed arrays, your own), functions,
 * symbols, bigints, `NaN` and the infinities, holes and `undefined` in arrays. So an entry is read as it was written.
 *
 * Accepts a member that is `undefined`: JSON leaves it out, and it still reads as `undefined`.
 *
 * @param schema - runs first; its output is checked. Default: none
 * @throws TypeError for a value that is not a Standard Schema
 * @example
 * ```ts
 * const scrivener = await openFileScrivener<ChatEntry>({ filePath: 'data/chat.ndjson', schema: jsonOnly() });
 * await scrivener.write({ type: 'Said', tags: new Set(['a']) }); // EntryValidationError: tags: Expected what JSON keeps, got an instance of Set
 * ```
 */
export function jsonOnly<T = unknown>(schema?: StandardSchemaV1<unknown, T>): StandardSchemaV1<unknown, T> {
  if (schema !== undefined) assertSchema(schema);
  const check = (result: StandardSchemaV1.Result<T>): StandardSchemaV1.Result<T> => {
    if (result.issues) return result;
    const issue = changed(result.value, new Set());
    return issue === undefined ? result : { issues: [issue] };
  };
  const validate = (entry: unknown) => {
    const result = schema === undefined ? { value: entry as T } : schema['~standard'].validate(entry);
    return 'then' in result ? result.then(check) : check(result);
  };
  return { '~standard': { version: 1, vendor: 'rx-scrivener', validate } };
}

/** The first value that JSON would change, depth first; `undefined` if there is none. */
function changed(value: unknown, around: Set<object>): StandardSchemaV1.Issue | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : refuse(String(value));
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value !== 'object') return refuse(value === undefined ? 'undefined' : `a ${typeof value}`);
  if (around.has(value)) return refuse('a cycle');
  if (around.size === MAX_DEPTH) return refuse(`more than ${MAX_DEPTH} levels`);
  const isArray = Array.isArray(value);
  if (!isOfJson(value, isArray)) return refuse(`an instance of ${nameOf(value)}`);
  // A hole of an array has no key: it counts as `undefined`.
  const keys = isArray ? [...value.keys()] : Object.keys(value);
  const others =
    Object.getOwnPropertySymbols(value).length + (isArray ? Object.keys(value).slice(keys.length).length : 0);
  if (others > 0) return refuse(isArray ? 'an array with members' : 'a key that is a symbol');

  around.add(value);
  for (const key of keys) {
    const member = (value as Readonly<Record<PropertyKey, unknown>>)[key];
    const issue = member === undefined && !isArray ? undefined : changed(member, around);
    if (issue) return { ...issue, path: [key, ...(issue.path ?? [])] };
  }
  around.delete(value);
  return undefined;
}

function refuse(got: string): StandardSchemaV1.Issue {
  return { message: `Expected what JSON keeps, got ${got}` };
}

/** Whether its class is one that JSON creates, of any realm: its prototype is null, or has no prototype itself. */
function isOfJson(value: object, isArray: boolean): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (isArray) return prototype !== null && isOfJson(prototype, false);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}
